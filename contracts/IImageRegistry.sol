// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Registry of medical images on IPFS and of the signed diagnoses of a classifier
/// @notice An uploader claims an image by its CID; a diagnosis counts only with the EIP-712 signature of an account
/// that holds CLASSIFIER_ROLE. Everything an auditor needs is in the two events; storage holds only what later calls
/// must check. The registry proves who claimed what and when; it cannot prove that a CID resolves or is an image.
interface IImageRegistry {
    /// @notice What the classifier signs: EIP-712 domain ("ScanProof", "1", chain id, registry address), primary type
    /// Diagnosis(bytes32 imageId,bytes32 modelId,uint16 label,uint16 confidence,bytes32 manifestHash,uint64 issuedAt)
    /// @param imageId The image, as given by `imageIdOf`
    /// @param modelId SHA-256 of the model bundle
    /// @param label Class code within that bundle
    /// @param confidence Probability of the label in basis points, 0 to 10,000
    /// @param manifestHash SHA-256 of the inference manifest in canonical JSON (RFC 8785)
    /// @param issuedAt Unix time in seconds of the signature; strictly increasing for each image
    struct Diagnosis {
        bytes32 imageId;
        bytes32 modelId;
        uint16 label;
        uint16 confidence;
        bytes32 manifestHash;
        uint64 issuedAt;
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

    /// @notice This uploader registered this CID before
    error ImageAlreadyRegistered(bytes32 imageId);
    /// @notice No image has this id
    error ImageNotRegistered(bytes32 imageId);
    /// @notice Only the uploader of an image may record its diagnoses
    error NotUploader(bytes32 imageId, address caller);
    /// @notice Not 59 characters beginning with "baf", the form of every CIDv1 in base32 with SHA-256
    error InvalidCid(string cid);
    /// @notice A batch needs at least one image
    error EmptyBatch();
    /// @notice A batch needs one commitment for each CID
    error LengthMismatch(uint256 cids, uint256 commitments);
    /// @notice More than 10,000 basis points
    error ConfidenceOutOfRange(uint16 confidence);
    /// @notice The diagnosis is for another image than the one being registered
    error ImageIdMismatch(bytes32 expected, bytes32 given);
    /// @notice The recovered signer lacks CLASSIFIER_ROLE; the zero address stands for a malformed signature
    error ClassifierNotAuthorized(address signer);
    /// @notice Not issued after the newest diagnosis of the image: a replay or a stale result
    error DiagnosisNotNewer(uint64 issuedAt, uint40 lastIssuedAt);
    /// @notice Issued more than 15 minutes after the block's time
    error DiagnosisFromFuture(uint64 issuedAt, uint256 blockTimestamp);
    /// @notice The image has 65,535 diagnoses, all that its counter can hold
    error TooManyDiagnoses(bytes32 imageId);

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
    /// DiagnosisFromFuture, TooManyDiagnoses or ClassifierNotAuthorized.
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

    /// @notice The role whose holders' signatures make a diagnosis valid
    // solhint-disable-next-line func-name-mixedcase
    function CLASSIFIER_ROLE() external view returns (bytes32);

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
