// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Cid} from "./Cid.sol";
import {IImageRegistry} from "./IImageRegistry.sol";
import {ModelRegistry} from "./ModelRegistry.sol";

/// @title ImageRegistry
/// @notice See `IImageRegistry` and `IModelRegistry`, which document every function, event and error.
contract ImageRegistry is IImageRegistry, ModelRegistry, EIP712 {
    /// @inheritdoc IImageRegistry
    bytes32 public constant CLASSIFIER_ROLE = keccak256("CLASSIFIER_ROLE");
    /// @inheritdoc IImageRegistry
    bytes32 public constant CLINICIAN_ROLE = keccak256("CLINICIAN_ROLE");
    /// @inheritdoc IImageRegistry
    uint16 public constant SEALED = type(uint16).max;

    bytes32 private constant DIAGNOSIS_TYPEHASH = keccak256(
        "Diagnosis(bytes32 imageId,bytes32 modelId,uint16 label,uint16 confidence,bytes32 manifestHash,uint64 issuedAt)"
    );
    uint16 private constant BASIS_POINTS = 10_000;
    // Clocks of classifier and block producer differ; past this, a wrong clock would block later diagnoses.
    uint256 private constant MAX_CLOCK_SKEW = 15 minutes;
    // An attestation that was kept back for longer has to be made again, by a model and a key that are still trusted.
    uint256 private constant MAX_AGE = 7 days;

    mapping(bytes32 imageId => Image) private _images;
    mapping(bytes32 diagnosisId => bytes32 reviewId) private _newestReviews;
    mapping(address classifier => uint40 since) private _compromises;

    /// @notice One transaction makes the registry and its first classifier and model admin
    /// @param adminDelay Seconds that a transfer of the admin role must wait
    /// @param admin Account that grants and revokes the roles; holds MODEL_ADMIN_ROLE itself at first
    /// @param classifier First holder of CLASSIFIER_ROLE
    constructor(uint48 adminDelay, address admin, address classifier)
        AccessControlDefaultAdminRules(adminDelay, admin)
        EIP712("ScanProof", "1")
    {
        _grantRole(CLASSIFIER_ROLE, classifier);
        _grantRole(MODEL_ADMIN_ROLE, admin);
    }

    /// @inheritdoc IImageRegistry
    function registerImage(string calldata cid, bytes32 commitment) external returns (bytes32 imageId) {
        return _register(cid, commitment);
    }

    /// @inheritdoc IImageRegistry
    function registerImages(string[] calldata cids, bytes32[] calldata commitments)
        external
        returns (bytes32[] memory imageIds)
    {
        if (cids.length == 0) revert EmptyBatch();
        if (cids.length != commitments.length) revert LengthMismatch(cids.length, commitments.length);
        imageIds = new bytes32[](cids.length);
        for (uint256 i = 0; i < cids.length; ++i) {
            imageIds[i] = _register(cids[i], commitments[i]);
        }
    }

    /// @inheritdoc IImageRegistry
    function recordDiagnosis(Diagnosis calldata diagnosis, bytes calldata signature) external {
        _record(diagnosis, signature);
    }

    /// @inheritdoc IImageRegistry
    function registerWithDiagnosis(
        string calldata cid,
        bytes32 commitment,
        Diagnosis calldata diagnosis,
        bytes calldata signature
    ) external returns (bytes32 imageId) {
        imageId = _register(cid, commitment);
        if (diagnosis.imageId != imageId) revert ImageIdMismatch(imageId, diagnosis.imageId);
        _record(diagnosis, signature);
    }

    /// @inheritdoc IImageRegistry
    function reviewDiagnosis(Diagnosis calldata diagnosis, Review calldata review)
        external
        onlyRole(CLINICIAN_ROLE)
        returns (bytes32 reviewId)
    {
        return _review(diagnosis, review);
    }

    /// @inheritdoc IImageRegistry
    function reviewDiagnoses(Diagnosis[] calldata diagnoses, Review[] calldata reviews)
        external
        onlyRole(CLINICIAN_ROLE)
        returns (bytes32[] memory reviewIds)
    {
        if (diagnoses.length == 0) revert EmptyBatch();
        if (diagnoses.length != reviews.length) revert ReviewCountMismatch(diagnoses.length, reviews.length);
        reviewIds = new bytes32[](diagnoses.length);
        for (uint256 i = 0; i < diagnoses.length; ++i) {
            reviewIds[i] = _review(diagnoses[i], reviews[i]);
        }
    }

    /// @inheritdoc IImageRegistry
    function reportCompromise(address classifier, uint40 since) external onlyRole(DEFAULT_ADMIN_ROLE) {
        // The admin names the time; a block producer who moves its clock by seconds gains nothing.
        // slither-disable-next-line timestamp
        if (since == 0 || since > block.timestamp) revert CompromiseTimeOutOfRange(since, block.timestamp);
        uint40 reported = _compromises[classifier];
        if (reported != 0 && since >= reported) revert CompromiseNotEarlier(since, reported);
        _compromises[classifier] = since;
        _revokeRole(CLASSIFIER_ROLE, classifier);
        emit ClassifierCompromised(classifier, since, msg.sender);
    }

    /// @inheritdoc IImageRegistry
    function anchorLog(bytes32 head) external {
        if (head == 0) revert ZeroHash();
        emit LogAnchored(msg.sender, head);
    }

    /// @inheritdoc IImageRegistry
    function compromisedSince(address classifier) external view returns (uint40 since) {
        return _compromises[classifier];
    }

    /// @inheritdoc IImageRegistry
    function newestReviewOf(bytes32 diagnosisId) external view returns (bytes32 reviewId) {
        return _newestReviews[diagnosisId];
    }

    /// @inheritdoc IImageRegistry
    function imageIdOf(address uploader, string calldata cid) public pure returns (bytes32 imageId) {
        return keccak256(abi.encode(uploader, cid));
    }

    /// @inheritdoc IImageRegistry
    function imageOf(bytes32 imageId) external view returns (Image memory image) {
        image = _images[imageId];
        // No time is compared: the uploader shares its slot with times.
        // slither-disable-next-line timestamp
        if (image.uploader == address(0)) revert ImageNotRegistered(imageId);
    }

    /// @inheritdoc IImageRegistry
    function isRegistered(bytes32 imageId) external view returns (bool registered) {
        // No time is compared: the uploader shares its slot with times.
        // slither-disable-next-line timestamp
        return _images[imageId].uploader != address(0);
    }

    /// @inheritdoc IImageRegistry
    function hashDiagnosis(Diagnosis memory diagnosis) public view returns (bytes32 digest) {
        // All fields are static, so that ABI encoding is EIP-712's encodeData.
        return _hashTypedDataV4(keccak256(abi.encode(DIAGNOSIS_TYPEHASH, diagnosis)));
    }

    function _register(string calldata cid, bytes32 commitment) private returns (bytes32 imageId) {
        Cid.check(cid);
        imageId = imageIdOf(msg.sender, cid);
        Image storage image = _images[imageId];
        if (image.uploader != address(0)) revert ImageAlreadyRegistered(imageId);
        image.uploader = msg.sender;
        image.registeredAt = uint40(block.timestamp);
        emit ImageRegistered(imageId, msg.sender, cid, commitment);
    }

    function _record(Diagnosis memory diagnosis, bytes calldata signature) private {
        Image memory image = _images[diagnosis.imageId];
        if (image.uploader == address(0)) revert ImageNotRegistered(diagnosis.imageId);
        if (image.uploader != msg.sender) revert NotUploader(diagnosis.imageId, msg.sender);
        if (diagnosis.confidence > BASIS_POINTS) revert ConfidenceOutOfRange(diagnosis.confidence);
        if (diagnosis.issuedAt <= image.lastIssuedAt) revert DiagnosisNotNewer(diagnosis.issuedAt, image.lastIssuedAt);
        // A block producer moves its clock by seconds, which 15 minutes and 7 days outweigh.
        // slither-disable-next-line timestamp
        if (diagnosis.issuedAt > block.timestamp + MAX_CLOCK_SKEW) {
            revert DiagnosisFromFuture(diagnosis.issuedAt, block.timestamp);
        }
        if (block.timestamp > diagnosis.issuedAt + MAX_AGE) {
            revert DiagnosisExpired(diagnosis.issuedAt, block.timestamp);
        }
        // This counter only ever grows by one, below, so it cannot step over its end.
        // slither-disable-next-line incorrect-equality
        if (image.diagnosisCount == type(uint16).max) revert TooManyDiagnoses(diagnosis.imageId);
        _checkFinding(diagnosis.label, diagnosis.confidence, _labelsInUse(diagnosis.modelId));

        // The other two values say why an address is zero, which is refused whatever the reason.
        // slither-disable-next-line unused-return
        (address classifier,,) = ECDSA.tryRecover(hashDiagnosis(diagnosis), signature);
        // A malformed signature recovers to zero, which must not pass even if zero were ever granted the role.
        if (classifier == address(0) || !hasRole(CLASSIFIER_ROLE, classifier)) {
            revert ClassifierNotAuthorized(classifier);
        }

        image.lastIssuedAt = uint40(diagnosis.issuedAt);
        image.diagnosisCount += 1;
        _images[diagnosis.imageId] = image;
        emit DiagnosisRecorded(
            diagnosis.imageId,
            diagnosis.modelId,
            classifier,
            diagnosis.label,
            diagnosis.confidence,
            diagnosis.manifestHash,
            diagnosis.issuedAt,
            signature
        );
    }

    function _review(Diagnosis calldata diagnosis, Review calldata review) private returns (bytes32 reviewId) {
        Image memory image = _images[diagnosis.imageId];
        if (image.uploader == address(0)) revert ImageNotRegistered(diagnosis.imageId);
        if (image.uploader == msg.sender) revert ReviewerIsUploader(diagnosis.imageId);
        bytes32 diagnosisId = hashDiagnosis(diagnosis);
        // Two times that classifiers signed are compared; the block's is not among them.
        // slither-disable-next-line timestamp
        if (diagnosis.issuedAt == 0 || diagnosis.issuedAt > image.lastIssuedAt) revert DiagnosisNotRecorded(diagnosisId);
        bytes32 newest = _newestReviews[diagnosisId];
        if (newest == 0) newest = diagnosisId;
        if (review.supersedes != newest) revert NotNewestStep(newest, review.supersedes);
        _checkReviewLabel(diagnosis, review);
        if (review.reasonHash == 0) revert ReasonMissing();

        reviewId = keccak256(abi.encode(diagnosisId, msg.sender, review));
        _newestReviews[diagnosisId] = reviewId;
        emit DiagnosisReviewed(
            diagnosis.imageId,
            diagnosisId,
            msg.sender,
            reviewId,
            newest,
            review.reasonHash,
            review.verdict,
            review.label
        );
    }

    /// @dev Reverts with ClassifierIsCompromised: nobody knows who has a reported key by now. Recording reads only the
    /// role, which the report took away.
    function _grantRole(bytes32 role, address account) internal override returns (bool granted) {
        if (role == CLASSIFIER_ROLE) {
            uint40 since = _compromises[account];
            if (since != 0) revert ClassifierIsCompromised(account, since);
        }
        return super._grantRole(role, account);
    }

    function _checkReviewLabel(Diagnosis calldata diagnosis, Review calldata review) private view {
        if (!_labelFits(diagnosis.label, review)) {
            revert LabelDoesNotFit(review.verdict, diagnosis.label, review.label);
        }
        // Only an override names another label than the diagnosis, or than a withdrawal's 0.
        if (review.verdict == Verdict.Overridden && review.label != SEALED) {
            uint16 labels = labelsOf(diagnosis.modelId);
            if (review.label > labels) revert LabelOutOfRange(review.label, labels);
        }
    }

    function _checkFinding(uint16 label, uint16 confidence, uint16 labels) private pure {
        if (label == SEALED) {
            if (confidence != 0) revert SealedConfidence(confidence);
        } else if (label > labels) {
            revert LabelOutOfRange(label, labels);
        } else if (label == 0 && confidence != 0) {
            revert AbstentionConfidence(confidence);
        }
    }

    function _labelFits(uint16 diagnosed, Review calldata review) private pure returns (bool fits) {
        if (review.verdict == Verdict.Withdrawn) return review.label == 0;
        if (review.verdict == Verdict.Confirmed || diagnosed == SEALED) return review.label == diagnosed;
        return review.label != diagnosed && review.label != SEALED;
    }
}
