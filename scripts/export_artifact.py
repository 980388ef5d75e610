"""Writes the committed build of the contract: ``python -m scripts.export_artifact [--check | --keep]``.

``ImageRegistry.input.json`` is the complete standard-JSON input of solc, OpenZeppelin's sources included: whoever wants
to verify a deployment feeds it to any solc 0.8.30 or to a source verifier and gets the very bytecode, metadata hash
included. ``ImageRegistry.json`` holds what the product needs: ABI, bytecode, the places of its immutables, storage
layout.

A registry that was deployed stays readable after the sources change: ``--keep`` files the committed build under
``former/<code hash>/`` before the new one is written. The code hash is the keccak256 of the runtime code with zeros in
the place of its immutables, which are the only bytes that differ between deployments of one build.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml
from eth_utils import keccak

from scripts.solc import ROOT, compile_with_npm

CONTRACT = "ImageRegistry"
SOURCE = f"contracts/{CONTRACT}.sol"
ARTIFACTS = ROOT / "contracts" / "artifacts"
ARTIFACT = ARTIFACTS / f"{CONTRACT}.json"
STANDARD_INPUT = ARTIFACTS / f"{CONTRACT}.input.json"
FORMER = "former"
OUTPUTS = [
    "abi",
    "evm.bytecode.object",
    "evm.deployedBytecode.immutableReferences",
    "evm.deployedBytecode.object",
    "metadata",
    "storageLayout",
]


def standard_input() -> dict[str, Any]:
    """Return the self-contained standard-JSON input, with the compiler settings that Brownie uses."""
    config = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    compiler_input = {
        "language": "Solidity",
        "sources": _sources([SOURCE]),
        "settings": {
            "evmVersion": config["evm_version"],
            "optimizer": config["solc"]["optimizer"],
            "remappings": config["solc"]["remappings"],
            "outputSelection": {"*": {"*": OUTPUTS}},
        },
    }
    compiled = compile_with_npm(compiler_input)
    return compiler_input | {"sources": _sources(sorted(compiled["sources"]))}


def build() -> dict[str, str]:
    """Compile, and return the text of each committed file by its name."""
    input_text = _canonical(standard_input())
    return {STANDARD_INPUT.name: input_text, ARTIFACT.name: _canonical(artifact_of(input_text))}


def artifact_of(input_text: str) -> dict[str, Any]:
    """Compile a standard-JSON input, of these or of former sources, and return what the product needs of it."""
    compiler_input = json.loads(input_text)
    compiler_input["settings"]["outputSelection"] = {"*": {"*": OUTPUTS}}
    contract = compile_with_npm(compiler_input)["contracts"][SOURCE][CONTRACT]
    metadata = json.loads(contract["metadata"])
    deployed = contract["evm"]["deployedBytecode"]
    places = [place for places in deployed["immutableReferences"].values() for place in places]
    return {
        "contractName": CONTRACT,
        "compiler": {
            "version": metadata["compiler"]["version"],
            "evmVersion": metadata["settings"]["evmVersion"],
            "optimizer": metadata["settings"]["optimizer"],
        },
        "standardJsonSha256": hashlib.sha256(input_text.encode()).hexdigest(),
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + deployed["object"],
        "immutables": sorted([place["start"], place["length"]] for place in places),
        "codeHash": "0x" + keccak(hexstr=deployed["object"]).hex(),
        "storageLayout": contract["storageLayout"],
    }


def keep() -> Path:
    """File the committed build under its code hash, and return the folder."""
    folder: Path = ARTIFACTS / FORMER / json.loads(ARTIFACT.read_text())["codeHash"]
    folder.mkdir(parents=True, exist_ok=True)
    for file in (STANDARD_INPUT, ARTIFACT):
        shutil.copyfile(file, folder / file.name)
    return folder


def builds() -> list[tuple[dict[str, Any], str]]:
    """The committed builds, each with the text of its standard-JSON input: the current one, then the former ones."""
    folders = [ARTIFACTS, *sorted((ARTIFACTS / FORMER).iterdir())]
    return [
        (json.loads((folder / ARTIFACT.name).read_text()), (folder / STANDARD_INPUT.name).read_text())
        for folder in folders
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, with ``--keep`` file the former ones, with ``--check`` compare. Exit status 1 if one differs."""
    parser = argparse.ArgumentParser(prog="export_artifact", description=__doc__.splitlines()[0])
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    way.add_argument("--keep", action="store_true", help="file the committed build under former/, write nothing else")
    given = parser.parse_args(arguments)
    if given.keep:
        print(keep().relative_to(ARTIFACTS))
        return 0
    check = given.check
    stale = False
    for name, text in build().items():
        path = ARTIFACTS / name
        if not check:
            ARTIFACTS.mkdir(exist_ok=True)
            path.write_text(text)
            print(path.name)
        elif not path.is_file() or path.read_text() != text:
            print(f"{path.name} differs from the sources; run `python -m scripts.export_artifact`")
            stale = True
    return int(stale)


def _sources(paths: list[str]) -> dict[str, dict[str, str]]:
    return {path: {"content": (ROOT / path).read_text()} for path in paths}


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
