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
    /// @param cardCid CIDv1 of the model card, base32
    event ModelRegistered(bytes32 indexed modelId, address indexed admin, string cardCid);

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
    /// @dev Only MODEL_ADMIN_ROLE. Reverts with ZeroHash, InvalidCid or ModelAlreadyRegistered.
    /// @param modelId SHA-256 of the bundle
    /// @param cardCid CIDv1 of the model card, base32
    function registerModel(bytes32 modelId, string calldata cardCid) external;

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

    /// @notice Whether a model may be used
    /// @param modelId SHA-256 of the bundle
    /// @return status Unknown, in use or retired
    function statusOf(bytes32 modelId) external view returns (Status status);

    /// @notice The training run that a model comes from
    /// @param modelId SHA-256 of the bundle, or of the weights of a round
    /// @return trainingId SHA-256 of the training record, zero when none was anchored
    function trainingOf(bytes32 modelId) external view returns (bytes32 trainingId);
}
