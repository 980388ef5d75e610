// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title Registry of models and of the training runs that they come from
/// @notice A model is its bundle's SHA-256. Holders of MODEL_ADMIN_ROLE register and retire models and anchor training
/// runs, rounds of federated training among them. Each model is anchored once, and after its parent, so that the way
/// back from a model to its first training always ends.
interface IModelRegistry {
    /// @notice Whether a model may be used; when it was registered and retired is in the events
    enum Status {
        Unknown,
        InUse,
        Retired
    }

    /// @notice The stored record of a model, one storage slot
    /// @param status Unknown, in use or retired; a retired model keeps its number of labels
    /// @param labels Number of its class codes, which are 1 to this; 0 is the abstention
    struct Model {
        Status status;
        uint16 labels;
    }

    /// @notice A training run
    /// @param trainingId SHA-256 of the training record in canonical JSON (RFC 8785)
    /// @param modelId SHA-256 of what it produced: a bundle, or the weights of a round
    /// @param parentModelId What it began from, anchored before; zero for weights begun from scratch
    /// @param metricsHash SHA-256 of the measured figures in canonical JSON
    /// @param participants How many parties trained together, at least 1
    struct Training {
        bytes32 trainingId;
        bytes32 modelId;
        bytes32 parentModelId;
        bytes32 metricsHash;
        uint32 participants;
    }

    /// @notice A model may be used from this block on
    /// @param modelId SHA-256 of the bundle
    /// @param admin Account that registered it
    /// @param labels Number of its class codes
    /// @param cardCid CIDv1 of the model card, base32
    event ModelRegistered(bytes32 indexed modelId, address indexed admin, uint16 labels, string cardCid);

    /// @notice A model must not be used from this block on; diagnoses made with it stay
    /// @param modelId SHA-256 of the bundle
    /// @param admin Account that retired it
    event ModelRetired(bytes32 indexed modelId, address indexed admin);

    /// @notice A training run was anchored
    /// @param trainingId SHA-256 of the training record
    /// @param modelId What it produced
    /// @param parentModelId What it began from, zero for scratch
    /// @param metricsHash SHA-256 of the measured figures
    /// @param participants How many parties trained together
    /// @param admin Account that anchored it
    event TrainingAnchored(
        bytes32 indexed trainingId,
        bytes32 indexed modelId,
        bytes32 indexed parentModelId,
        bytes32 metricsHash,
        uint32 participants,
        address admin
    );

    /// @notice Zero is no hash
    error ZeroHash();
    /// @notice This model was registered before; retired, it stays so
    /// @param modelId SHA-256 of the bundle
    error ModelAlreadyRegistered(bytes32 modelId);
    /// @notice A model has 1 to 65,534 labels: 0 is the abstention, 65,535 the sealed label
    /// @param labels Number that was given
    error LabelCountOutOfRange(uint16 labels);
    /// @notice The model has no such class code
    /// @param label Class code that was given
    /// @param labels Number of class codes of the model, 0 for a model that was never registered
    error LabelOutOfRange(uint16 label, uint16 labels);
    /// @notice No model has this id, or it was retired
    /// @param modelId SHA-256 of the bundle
    /// @param status Unknown or retired
    error ModelNotInUse(bytes32 modelId, Status status);
    /// @notice The training of this model is anchored already
    /// @param modelId What the training produced
    /// @param trainingId Training that is on record
    error TrainingAlreadyAnchored(bytes32 modelId, bytes32 trainingId);
    /// @notice The training of the parent must be anchored before
    /// @param parentModelId Model without a training on record
    error ParentNotAnchored(bytes32 parentModelId);
    /// @notice A training has at least one participant
    error NoParticipants();

    /// @notice Lets diagnoses by a model be recorded
    /// @dev Only MODEL_ADMIN_ROLE. Reverts with ZeroHash, LabelCountOutOfRange, InvalidCid or ModelAlreadyRegistered.
    /// @param modelId SHA-256 of the bundle
    /// @param labels Number of its class codes, 1 to 65,534; a diagnosis has one of the codes 1 to this, 0 or SEALED
    /// @param cardCid CIDv1 of the model card, base32
    function registerModel(bytes32 modelId, uint16 labels, string calldata cardCid) external;

    /// @notice Refuses further diagnoses by a model, for good
    /// @dev Only MODEL_ADMIN_ROLE. Reverts with ModelNotInUse.
    /// @param modelId SHA-256 of the bundle
    function retireModel(bytes32 modelId) external;

    /// @notice Anchors the training run that a model comes from
    /// @dev Only MODEL_ADMIN_ROLE. Reverts with ZeroHash, NoParticipants, ParentNotAnchored or TrainingAlreadyAnchored.
    /// @param training The training run
    function anchorTraining(Training calldata training) external;

    /// @notice The role that registers and retires models and anchors training runs
    /// @return role keccak256("MODEL_ADMIN_ROLE")
    // Named like the constant behind it.
    // slither-disable-next-line naming-convention
    function MODEL_ADMIN_ROLE() external view returns (bytes32 role);

    /// @notice The role of the sites that train together. The registry never asks for it: each site signs its update off
    /// chain, and readers compare the signer with the grants
    /// @return role keccak256("SITE_ROLE")
    // Named like the constant behind it.
    // slither-disable-next-line naming-convention
    function SITE_ROLE() external view returns (bytes32 role);

    /// @notice Whether a model may be used
    /// @param modelId SHA-256 of the bundle
    /// @return status Unknown, in use or retired
    function statusOf(bytes32 modelId) external view returns (Status status);

    /// @notice The number of class codes of a model, also of a retired one
    /// @param modelId SHA-256 of the bundle
    /// @return labels Number of class codes, 0 for a model that was never registered
    function labelsOf(bytes32 modelId) external view returns (uint16 labels);

    /// @notice The training run that a model comes from
    /// @param modelId SHA-256 of the bundle, or of the weights of a round
    /// @return trainingId SHA-256 of the training record, zero when none was anchored
    function trainingOf(bytes32 modelId) external view returns (bytes32 trainingId);
}
