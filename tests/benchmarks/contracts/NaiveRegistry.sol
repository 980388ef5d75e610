// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The registry as one writes it first: CID and diagnosis as strings in storage, nobody's signature checked
/// @notice Only the yardstick of the gas benchmark.
contract NaiveRegistry {
    struct Record {
        address uploader;
        uint256 registeredAt;
        string cid;
        string diagnosis;
    }

    Record[] public records;

    function registerImage(string calldata cid) external returns (uint256 id) {
        id = records.length;
        records.push(Record(msg.sender, block.timestamp, cid, ""));
    }

    function recordDiagnosis(uint256 id, string calldata diagnosis) external {
        require(records[id].uploader == msg.sender, "not the uploader");
        records[id].diagnosis = diagnosis;
    }
}
