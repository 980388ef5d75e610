// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IImageRegistry} from "./IImageRegistry.sol";

/// @title ImageRegistry
/// @notice See `IImageRegistry`, which documents every function, event and error.
contract ImageRegistry is IImageRegistry, AccessControlDefaultAdminRules, EIP712 {
    /// @inheritdoc IImageRegistry
    bytes32 public constant CLASSIFIER_ROLE = keccak256("CLASSIFIER_ROLE");

    bytes32 private constant DIAGNOSIS_TYPEHASH = keccak256(
        "Diagnosis(bytes32 imageId,bytes32 modelId,uint16 label,uint16 confidence,bytes32 manifestHash,uint64 issuedAt)"
    );
    uint256 private constant CID_LENGTH = 59;
    uint16 private constant BASIS_POINTS = 10_000;
    // Clocks of classifier and block producer differ; past this, a wrong clock would block later diagnoses.
    uint256 private constant MAX_CLOCK_SKEW = 15 minutes;

    mapping(bytes32 imageId => Image) private _images;

    /// @param adminDelay Seconds that a transfer of the admin role must wait
    /// @param admin Account that grants and revokes CLASSIFIER_ROLE
    /// @param classifier First holder of CLASSIFIER_ROLE
    constructor(uint48 adminDelay, address admin, address classifier)
        AccessControlDefaultAdminRules(adminDelay, admin)
        EIP712("ScanProof", "1")
    {
        _grantRole(CLASSIFIER_ROLE, classifier);
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
    function imageIdOf(address uploader, string calldata cid) public pure returns (bytes32 imageId) {
        return keccak256(abi.encode(uploader, cid));
    }

    /// @inheritdoc IImageRegistry
    function imageOf(bytes32 imageId) external view returns (Image memory image) {
        image = _images[imageId];
        if (image.uploader == address(0)) revert ImageNotRegistered(imageId);
    }

    /// @inheritdoc IImageRegistry
    function isRegistered(bytes32 imageId) external view returns (bool registered) {
        return _images[imageId].uploader != address(0);
    }

    /// @inheritdoc IImageRegistry
    function hashDiagnosis(Diagnosis calldata diagnosis) public view returns (bytes32 digest) {
        // All fields are static, so that ABI encoding is EIP-712's encodeData.
        return _hashTypedDataV4(keccak256(abi.encode(DIAGNOSIS_TYPEHASH, diagnosis)));
    }

    function _register(string calldata cid, bytes32 commitment) private returns (bytes32 imageId) {
        if (bytes(cid).length != CID_LENGTH || bytes3(bytes(cid)) != "baf") revert InvalidCid(cid);
        imageId = imageIdOf(msg.sender, cid);
        Image storage image = _images[imageId];
        if (image.uploader != address(0)) revert ImageAlreadyRegistered(imageId);
        image.uploader = msg.sender;
        image.registeredAt = uint40(block.timestamp);
        emit ImageRegistered(imageId, msg.sender, cid, commitment);
    }

    function _record(Diagnosis calldata diagnosis, bytes calldata signature) private {
        Image memory image = _images[diagnosis.imageId];
        if (image.uploader == address(0)) revert ImageNotRegistered(diagnosis.imageId);
        if (image.uploader != msg.sender) revert NotUploader(diagnosis.imageId, msg.sender);
        if (diagnosis.confidence > BASIS_POINTS) revert ConfidenceOutOfRange(diagnosis.confidence);
        if (diagnosis.issuedAt <= image.lastIssuedAt) revert DiagnosisNotNewer(diagnosis.issuedAt, image.lastIssuedAt);
        if (diagnosis.issuedAt > block.timestamp + MAX_CLOCK_SKEW) {
            revert DiagnosisFromFuture(diagnosis.issuedAt, block.timestamp);
        }
        if (image.diagnosisCount == type(uint16).max) revert TooManyDiagnoses(diagnosis.imageId);

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
}
