// SPDX-License-Identifier: MIT
pragma solidity 0.8.30;

/// @title The form of a CID
/// @notice One check for every CID that a caller gives; whether it resolves, no contract can know
library Cid {
    /// @notice Not 59 characters beginning with "baf", the form of every CIDv1 in base32 with SHA-256
    /// @param cid Text that was given
    error InvalidCid(string cid);

    uint256 private constant LENGTH = 59;

    /// @notice Reverts with InvalidCid unless the text has the form of a CID, which also bounds its length
    /// @param cid Text to check
    function check(string calldata cid) internal pure {
        if (bytes(cid).length != LENGTH || bytes3(bytes(cid)) != "baf") revert InvalidCid(cid);
    }
}
