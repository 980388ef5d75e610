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

    mapping(bytes32 modelId => Status) private _statuses;
    mapping(bytes32 modelId => bytes32 trainingId) private _trainings;

    /// @inheritdoc IModelRegistry
    function registerModel(bytes32 modelId, string calldata cardCid) external onlyRole(MODEL_ADMIN_ROLE) {
        if (modelId == 0) revert ZeroHash();
        Cid.check(cardCid);
        if (_statuses[modelId] != Status.Unknown) revert ModelAlreadyRegistered(modelId);
        _statuses[modelId] = Status.InUse;
        emit ModelRegistered(modelId, msg.sender, cardCid);
    }

    /// @inheritdoc IModelRegistry
    function retireModel(bytes32 modelId) external onlyRole(MODEL_ADMIN_ROLE) {
        _checkInUse(modelId);
        _statuses[modelId] = Status.Retired;
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
        return _statuses[modelId];
    }

    /// @inheritdoc IModelRegistry
    function trainingOf(bytes32 modelId) external view returns (bytes32 trainingId) {
        return _trainings[modelId];
    }

    /// @dev Reverts with ModelNotInUse.
    function _checkInUse(bytes32 modelId) internal view {
        Status status = _statuses[modelId];
        if (status != Status.InUse) revert ModelNotInUse(modelId, status);
    }
}
