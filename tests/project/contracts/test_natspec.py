"""Everything that others see of our contracts says what it is: read from the compiler's syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.export_artifact import standard_input
from scripts.solc import compile_with_npm

Node = dict[str, Any]
OURS = "contracts/"
DESCRIBED = ("StructDefinition", "EnumDefinition", "EventDefinition", "ErrorDefinition")
TAG = re.compile(r"@(\w+)[ \t]+([^@]*)")
UNDOCUMENTED = """
pragma solidity 0.8.30;
contract Bare {
    /// @notice Noted
    /// @param who Somebody
    event Noted(address who, uint256 value);
    error Mute(uint256 value);
    /// @notice Half
    struct Half { uint256 value; }
    /// @notice Answers
    function answer(uint256 question) external pure returns (uint256 result) { return question; }
    function nothing() private {}
}
"""


@pytest.fixture(scope="module")
def sources() -> dict[str, Node]:
    compiler_input = standard_input()
    compiler_input["settings"]["outputSelection"] = {"*": {"": ["ast"]}}
    return compile_with_npm(compiler_input)["sources"]


def test_complete(sources: dict[str, Node]) -> None:
    ours = {path: source for path, source in sources.items() if path.startswith(OURS)}
    assert len(ours) >= 5
    assert [f"{path}: {gap}" for path, source in ours.items() for gap in gaps(source["ast"])] == []


def test_each_gap_is_found() -> None:
    compiler_input = {
        "language": "Solidity",
        "sources": {"Bare.sol": {"content": UNDOCUMENTED}},
        "settings": {"outputSelection": {"*": {"": ["ast"]}}},
    }
    assert list(gaps(compile_with_npm(compiler_input)["sources"]["Bare.sol"]["ast"])) == [
        "Bare lacks @notice",
        "Noted lacks @param value",
        "Mute lacks @notice",
        "Mute lacks @param value",
        "Half lacks @param value",
        "answer lacks @param question",
        "answer lacks @return result",
    ]


def gaps(tree: Node) -> Iterator[str]:
    """Name what a source file leaves unsaid."""
    for contract in tree["nodes"]:
        if contract["nodeType"] != "ContractDefinition":
            continue
        yield from _lacking(contract, [], [])
        for node in contract["nodes"]:
            kind = node["nodeType"]
            if kind in DESCRIBED:
                yield from _lacking(node, _names(node.get("members") if kind == "StructDefinition" else node), [])
            elif kind == "FunctionDefinition" and _seen(node, contract):
                yield from _lacking(node, _names(node), _names(node["returnParameters"]))
            elif kind == "VariableDeclaration" and node["visibility"] == "public":
                yield from _lacking(node, [], [])


def _seen(function: Node, contract: Node) -> bool:
    return function["visibility"] in ("external", "public") or contract["contractKind"] == "library"


def _names(holder: Node | list[Node] | None) -> list[str]:
    """Return the names of parameters, given as a list, or held by a list or a definition."""
    if isinstance(holder, dict):
        holder = holder.get("parameters", [])
    return _names(holder) if isinstance(holder, dict) else [parameter["name"] for parameter in holder or []]


def _lacking(node: Node, parameters: list[str], returns: list[str]) -> Iterator[str]:
    """A text may stand with what is implemented instead: the compiler refuses an @inheritdoc that leads nowhere."""
    text = (node.get("documentation") or {}).get("text", "")
    tags = [(name, words.split()) for name, words in TAG.findall(text)]
    if any(name == "inheritdoc" for name, _ in tags):
        return
    name = node["name"] or node["kind"]
    if not any(tag == "notice" and words for tag, words in tags):
        yield f"{name} lacks @notice"
    for tag, wanted in (("param", parameters), ("return", returns)):
        documented = {words[0] for given, words in tags if given == tag and len(words) > 1}
        yield from (f"{name} lacks @{tag} {one}" for one in wanted if one not in documented)
