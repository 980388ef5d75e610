// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Registry of medical images on IPFS, of the signed diagnoses of a classifier and of their reviews
/// @notice An uploader claims an image by its CID; a diagnosis counts only with the EIP-712 signature of an account
/// that holds CLASSIFIER_ROLE, and by a model in use; holders of CLINICIAN_ROLE confirm, override or withdraw it, each
/// step naming the one that it supersedes. Everything an auditor needs is in the events; storage holds only what later
/// calls must check. The registry proves who claimed what and when; it cannot prove that a CID resolves or is an image.
interface IImageRegistry {
    /// @notice What a review says of a diagnosis; each may follow each, so that a withdrawal can be taken back
    enum Verdict {
        Confirmed,
        Overridden,
        Withdrawn
    }

    /// @notice What the classifier signs: EIP-712 domain ("ScanProof", "1", chain id, registry address), primary type
    /// Diagnosis(bytes32 imageId,bytes32 modelId,uint16 label,uint16 confidence,bytes32 manifestHash,uint64 issuedAt)
    /// @param imageId The image, as given by `imageIdOf`
    /// @param modelId SHA-256 of the model bundle
    /// @param label Class code within that bundle, 0 for an abstention, SEALED when only who holds the manifest knows it
    /// @param confidence Probability of the label in basis points, 0 to 10,000; 0 when sealed
    /// @param manifestHash SHA-256 of the inference manifest in canonical JSON (RFC 8785); when sealed, the manifest
    /// holds 32 random bytes, so that this is a salted commitment to label and confidence
    /// @param issuedAt Unix time in seconds of the signature; strictly increasing for each image
    struct Diagnosis {
        bytes32 imageId;
        bytes32 modelId;
        uint16 label;
        uint16 confidence;
        bytes32 manifestHash;
        uint64 issuedAt;
    }

    /// @notice One step in the life of a diagnosis
    /// @param supersedes The newest review of the diagnosis; for its first review, the diagnosis' own id
    /// @param reasonHash SHA-256 of the reason in canonical JSON with 32 random bytes
    /// @param verdict Confirmed, overridden or withdrawn
    /// @param label Class code that holds from now on: the diagnosis' own when confirmed, another when overridden
    /// (SEALED for a sealed diagnosis), 0 when withdrawn
    struct Review {
        bytes32 supersedes;
        bytes32 reasonHash;
        Verdict verdict;
        uint16 label;
    }

    /// @notice The stored record of an image, one storage slot
    /// @param uploader Account that registered the image
    /// @param registeredAt Unix time in seconds of the block that registered it
    /// @param lastIssuedAt `issuedAt` of its newest diagnosis, 0 before the first
    /// @param diagnosisCount Number of diagnoses recorded
    struct Image {
        address uploader;
        uint40 registeredAt;
        uint40 lastIssuedAt;
        uint16 diagnosisCount;
    }

    /// @notice An image was claimed
    /// @param imageId keccak256(abi.encode(uploader, cid))
    /// @param uploader Account that claims the image
    /// @param cid CIDv1 of the pinned bytes, base32
    /// @param commitment Salted commitment chosen by the uploader, zero when unused
    event ImageRegistered(bytes32 indexed imageId, address indexed uploader, string cid, bytes32 commitment);

    /// @notice A diagnosis was recorded; together with the EIP-712 domain these fields are all that is needed to
    /// recover the classifier from the signature again
    /// @param imageId Image that was classified
    /// @param modelId SHA-256 of the model bundle
    /// @param classifier Account recovered from the signature, holder of CLASSIFIER_ROLE at this block
    /// @param label Class code within the bundle
    /// @param confidence Probability of the label in basis points
    /// @param manifestHash SHA-256 of the inference manifest
    /// @param issuedAt Unix time in seconds of the signature
    /// @param signature 65 bytes r, s, v
    event DiagnosisRecorded(
        bytes32 indexed imageId,
        bytes32 indexed modelId,
        address indexed classifier,
        uint16 label,
        uint16 confidence,
        bytes32 manifestHash,
        uint64 issuedAt,
        bytes signature
    );

    /// @notice A diagnosis was reviewed. It counts only if the diagnosis with this id was recorded, which the events of
    /// the image show; the contract itself cannot look back at them
    /// @param imageId Image of the diagnosis
    /// @param diagnosisId EIP-712 digest of the diagnosis, as given by `hashDiagnosis`
    /// @param reviewer Account that reviewed, holder of CLINICIAN_ROLE at this block
    /// @param reviewId keccak256(abi.encode(diagnosisId, reviewer, review))
    /// @param supersedes The review before, or the diagnosis' id
    /// @param reasonHash SHA-256 of the reason
    /// @param verdict Confirmed, overridden or withdrawn
    /// @param label Class code that holds from now on
    event DiagnosisReviewed(
        bytes32 indexed imageId,
        bytes32 indexed diagnosisId,
        address indexed reviewer,
        bytes32 reviewId,
        bytes32 supersedes,
        bytes32 reasonHash,
        Verdict verdict,
        uint16 label
    );

    /// @notice The admin reported that others than the classifier may have its key. Its diagnoses of which the block's
    /// time or `issuedAt` is at or after `since` prove nothing any more; a later report only ever names an earlier time
    /// @param classifier Account whose key is no longer its own
    /// @param since Unix time in seconds from which on its signatures prove nothing
    /// @param admin Account that reported it
    event ClassifierCompromised(address indexed classifier, uint40 since, address indexed admin);

    /// @notice Somebody anchored the newest entry of a log of their own, which the registry does not know
    /// @param author Account that anchored it
    /// @param head Hash of the newest entry, in which that of each entry before is contained
    event LogAnchored(address indexed author, bytes32 indexed head);

    /// @notice This uploader registered this CID before
    /// @param imageId Id of the image
    error ImageAlreadyRegistered(bytes32 imageId);
    /// @notice No image has this id
    /// @param imageId Id that was given
    error ImageNotRegistered(bytes32 imageId);
    /// @notice Only the uploader of an image may record its diagnoses
    /// @param imageId Id of the image
    /// @param caller Account that is not its uploader
    error NotUploader(bytes32 imageId, address caller);
    /// @notice A batch needs at least one entry
    error EmptyBatch();
    /// @notice A batch needs one commitment for each CID
    /// @param cids Number of CIDs
    /// @param commitments Number of commitments
    error LengthMismatch(uint256 cids, uint256 commitments);
    /// @notice A batch needs one review for each diagnosis
    /// @param diagnoses Number of diagnoses
    /// @param reviews Number of reviews
    error ReviewCountMismatch(uint256 diagnoses, uint256 reviews);
    /// @notice More than 10,000 basis points
    /// @param confidence Basis points that were given
    error ConfidenceOutOfRange(uint16 confidence);
    /// @notice The diagnosis is for another image than the one being registered
    /// @param expected Image being registered
    /// @param given Image of the diagnosis
    error ImageIdMismatch(bytes32 expected, bytes32 given);
    /// @notice The recovered signer lacks CLASSIFIER_ROLE; the zero address stands for a malformed signature
    /// @param signer Recovered account, zero for a malformed signature
    error ClassifierNotAuthorized(address signer);
    /// @notice Not issued after the newest diagnosis of the image: a replay or a stale result
    /// @param issuedAt Time of the diagnosis, Unix seconds
    /// @param lastIssuedAt Time of the newest on record
    error DiagnosisNotNewer(uint64 issuedAt, uint40 lastIssuedAt);
    /// @notice Issued more than 15 minutes after the block's time
    /// @param issuedAt Time of the diagnosis, Unix seconds
    /// @param blockTimestamp Time of the block
    error DiagnosisFromFuture(uint64 issuedAt, uint256 blockTimestamp);
    /// @notice Issued more than 7 days before the block's time
    /// @param issuedAt Time of the diagnosis, Unix seconds
    /// @param blockTimestamp Time of the block
    error DiagnosisExpired(uint64 issuedAt, uint256 blockTimestamp);
    /// @notice The image has 65,535 diagnoses, all that its counter can hold
    /// @param imageId Id of the image
    error TooManyDiagnoses(bytes32 imageId);
    /// @notice A sealed diagnosis must not tell its confidence
    /// @param confidence Basis points that were given instead of 0
    error SealedConfidence(uint16 confidence);
    /// @notice An abstention names no class, so that it has no confidence
    /// @param confidence Basis points that were given instead of 0
    error AbstentionConfidence(uint16 confidence);
    /// @notice No diagnosis so new is recorded for its image
    /// @param diagnosisId EIP-712 digest of what was given
    error DiagnosisNotRecorded(bytes32 diagnosisId);
    /// @notice Who uploaded an image cannot review its diagnoses
    /// @param imageId Id of the image
    error ReviewerIsUploader(bytes32 imageId);
    /// @notice A review names the newest step in the life of the diagnosis; another one was faster
    /// @param newest Step to name
    /// @param given Step that was named
    error NotNewestStep(bytes32 newest, bytes32 given);
    /// @notice That label cannot stand beside that verdict
    /// @param verdict Verdict of the review
    /// @param diagnosed Label of the diagnosis
    /// @param given Label of the review
    error LabelDoesNotFit(Verdict verdict, uint16 diagnosed, uint16 given);
    /// @notice A review needs a reason
    error ReasonMissing();
    /// @notice A key is compromised since a time that has come, and zero is no time
    /// @param since Time that was given, Unix seconds
    /// @param blockTimestamp Time of the block
    error CompromiseTimeOutOfRange(uint40 since, uint256 blockTimestamp);
    /// @notice A report may only move to an earlier time
    /// @param since Time that was given, Unix seconds
    /// @param reported Time that is on record
    error CompromiseNotEarlier(uint40 since, uint40 reported);
    /// @notice An account whose key was reported never becomes a classifier again
    /// @param classifier Account that was reported
    /// @param since Time that is on record, Unix seconds
    error ClassifierIsCompromised(address classifier, uint40 since);

    /// @notice Claims an image for the caller
    /// @dev Reverts with InvalidCid or ImageAlreadyRegistered.
    /// @param cid CIDv1 in base32 of the pinned bytes
    /// @param commitment Salted commitment, zero when unused
    /// @return imageId Id of the new record
    function registerImage(string calldata cid, bytes32 commitment) external returns (bytes32 imageId);

    /// @notice Claims several images for the caller, all or none
    /// @dev Reverts with EmptyBatch, LengthMismatch, InvalidCid or ImageAlreadyRegistered.
    /// @param cids CIDs, each as in `registerImage`
    /// @param commitments One commitment for each CID
    /// @return imageIds Ids in the order of the CIDs
    function registerImages(string[] calldata cids, bytes32[] calldata commitments)
        external
        returns (bytes32[] memory imageIds);

    /// @notice Records a signed diagnosis of an image of the caller
    /// @dev Reverts with ImageNotRegistered, NotUploader, ConfidenceOutOfRange, DiagnosisNotNewer,
    /// DiagnosisFromFuture, DiagnosisExpired, TooManyDiagnoses, SealedConfidence, AbstentionConfidence, ModelNotInUse,
    /// LabelOutOfRange or ClassifierNotAuthorized.
    /// @param diagnosis What the classifier signed
    /// @param signature Its EIP-712 signature, 65 bytes with low s (EIP-2)
    function recordDiagnosis(Diagnosis calldata diagnosis, bytes calldata signature) external;

    /// @notice Claims an image for the caller and records its first diagnosis, both or neither
    /// @dev Reverts as `registerImage` and `recordDiagnosis` do, or with ImageIdMismatch.
    /// @param cid CIDv1 in base32 of the pinned bytes
    /// @param commitment Salted commitment, zero when unused
    /// @param diagnosis What the classifier signed, for `imageIdOf(caller, cid)`
    /// @param signature Its EIP-712 signature
    /// @return imageId Id of the new record
    function registerWithDiagnosis(
        string calldata cid,
        bytes32 commitment,
        Diagnosis calldata diagnosis,
        bytes calldata signature
    ) external returns (bytes32 imageId);

    /// @notice Confirms, overrides or withdraws a recorded diagnosis
    /// @dev Only CLINICIAN_ROLE. Reverts with ImageNotRegistered, ReviewerIsUploader, DiagnosisNotRecorded,
    /// NotNewestStep, LabelDoesNotFit, LabelOutOfRange or ReasonMissing.
    /// @param diagnosis The diagnosis as its event gives it
    /// @param review What the caller says of it
    /// @return reviewId Id of this step, which the next one must name
    function reviewDiagnosis(Diagnosis calldata diagnosis, Review calldata review) external returns (bytes32 reviewId);

    /// @notice Reviews several diagnoses, all or none
    /// @dev Only CLINICIAN_ROLE. Reverts with EmptyBatch, ReviewCountMismatch or as `reviewDiagnosis` does.
    /// @param diagnoses Diagnoses, each as in `reviewDiagnosis`
    /// @param reviews One review for each diagnosis
    /// @return reviewIds Ids in the order of the reviews
    function reviewDiagnoses(Diagnosis[] calldata diagnoses, Review[] calldata reviews)
        external
        returns (bytes32[] memory reviewIds);

    /// @notice Says that a classifier's key is no longer its own since a time, and revokes its role for good
    /// @dev Only DEFAULT_ADMIN_ROLE. Reverts with CompromiseTimeOutOfRange or CompromiseNotEarlier. Nothing that was
    /// recorded changes: readers compare the time with those of each diagnosis.
    /// @param classifier Account whose key is no longer its own; it need not hold the role any more
    /// @param since Unix time in seconds, at most that of the block, and earlier than the one on record
    function reportCompromise(address classifier, uint40 since) external;

    /// @notice Anchors the newest entry of a log that the caller keeps elsewhere, so that it cannot be rewritten later
    /// @dev Anybody. Reverts with ZeroHash. Nothing is stored: the event is the anchor.
    /// @param head Hash of the newest entry
    function anchorLog(bytes32 head) external;

    /// @notice The role whose holders' signatures make a diagnosis valid
    /// @return role keccak256("CLASSIFIER_ROLE")
    // Named like the constant behind it.
    // slither-disable-next-line naming-convention
    function CLASSIFIER_ROLE() external view returns (bytes32 role);

    /// @notice The role whose holders review diagnoses
    /// @return role keccak256("CLINICIAN_ROLE")
    // Named like the constant behind it.
    // slither-disable-next-line naming-convention
    function CLINICIAN_ROLE() external view returns (bytes32 role);

    /// @notice The label of a sealed diagnosis
    /// @return label 65,535
    // Named like the constant behind it.
    // slither-disable-next-line naming-convention
    function SEALED() external view returns (uint16 label);

    /// @notice Since when a classifier is reported as compromised
    /// @param classifier Account that holds or held CLASSIFIER_ROLE
    /// @return since Unix time in seconds, 0 when nobody reported it
    function compromisedSince(address classifier) external view returns (uint40 since);

    /// @notice The newest review of a diagnosis
    /// @param diagnosisId EIP-712 digest of the diagnosis
    /// @return reviewId Its newest review, zero before the first
    function newestReviewOf(bytes32 diagnosisId) external view returns (bytes32 reviewId);

    /// @notice Id of an image; contains the uploader, so that a copied claim cannot displace the original
    /// @param uploader Account that registers or registered it
    /// @param cid CIDv1 in base32
    /// @return imageId keccak256(abi.encode(uploader, cid))
    function imageIdOf(address uploader, string calldata cid) external pure returns (bytes32 imageId);

    /// @notice The stored record of an image
    /// @dev Reverts with ImageNotRegistered.
    /// @param imageId Id of the image
    /// @return image Its record
    function imageOf(bytes32 imageId) external view returns (Image memory image);

    /// @notice Whether an image is registered
    /// @param imageId Id of the image
    /// @return registered True from its registration on
    function isRegistered(bytes32 imageId) external view returns (bool registered);

    /// @notice EIP-712 digest of a diagnosis, which the classifier signs
    /// @param diagnosis The diagnosis; its values are not checked
    /// @return digest keccak256("\x19\x01" || domain separator || hashStruct(diagnosis))
    function hashDiagnosis(Diagnosis calldata diagnosis) external view returns (bytes32 digest);
}
