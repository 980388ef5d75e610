// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

import {
    AccessControlDefaultAdminRules
} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {Cid} from "./Cid.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @title ModelRegistry
/// @notice See `IModelRegistry`, which documents every function, event and error.
abstract contract ModelRegistry is IModelRegistry, AccessControlDefaultAdminRules {
    /// @inheritdoc IModelRegistry
    bytes32 public constant MODEL_ADMIN_ROLE = keccak256("MODEL_ADMIN_ROLE");
    /// @inheritdoc IModelRegistry
    bytes32 public constant SITE_ROLE = keccak256("SITE_ROLE");

    mapping(bytes32 modelId => Model) private _models;
    mapping(bytes32 modelId => bytes32 trainingId) private _trainings;

    /// @inheritdoc IModelRegistry
    function registerModel(bytes32 modelId, uint16 labels, string calldata cardCid)
        external
        onlyRole(MODEL_ADMIN_ROLE)
    {
        if (modelId == 0) revert ZeroHash();
        if (labels == 0 || labels == type(uint16).max) revert LabelCountOutOfRange(labels);
        Cid.check(cardCid);
        if (_models[modelId].status != Status.Unknown) revert ModelAlreadyRegistered(modelId);
        _models[modelId] = Model(Status.InUse, labels);
        emit ModelRegistered(modelId, msg.sender, labels, cardCid);
    }

    /// @inheritdoc IModelRegistry
    function retireModel(bytes32 modelId) external onlyRole(MODEL_ADMIN_ROLE) {
        _labelsInUse(modelId);
        _models[modelId].status = Status.Retired;
        emit ModelRetired(modelId, msg.sender);
    }

    /// @inheritdoc IModelRegistry
    function anchorTraining(Training calldata training) external onlyRole(MODEL_ADMIN_ROLE) {
        if (training.trainingId == 0 || training.modelId == 0) revert ZeroHash();
        if (training.participants == 0) revert NoParticipants();
        bytes32 parent = training.parentModelId;
        if (parent != 0 && _trainings[parent] == 0) revert ParentNotAnchored(parent);
        bytes32 anchored = _trainings[training.modelId];
        if (anchored != 0) revert TrainingAlreadyAnchored(training.modelId, anchored);
        _trainings[training.modelId] = training.trainingId;
        emit TrainingAnchored(
            training.trainingId, training.modelId, parent, training.metricsHash, training.participants, msg.sender
        );
    }

    /// @inheritdoc IModelRegistry
    function statusOf(bytes32 modelId) external view returns (Status status) {
        return _models[modelId].status;
    }

    /// @inheritdoc IModelRegistry
    function labelsOf(bytes32 modelId) public view returns (uint16 labels) {
        return _models[modelId].labels;
    }

    /// @inheritdoc IModelRegistry
    function trainingOf(bytes32 modelId) external view returns (bytes32 trainingId) {
        return _trainings[modelId];
    }

    /// @dev Reverts with ModelNotInUse; else returns the model's number of labels, from the slot that was read.
    function _labelsInUse(bytes32 modelId) internal view returns (uint16 labels) {
        Model storage model = _models[modelId];
        Status status = model.status;
        if (status != Status.InUse) revert ModelNotInUse(modelId, status);
        return model.labels;
    }
}
