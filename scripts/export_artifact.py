"""Writes the committed build of the contract: ``python -m scripts.export_artifact [--check]``.

``ImageRegistry.input.json`` is the complete standard-JSON input of solc, OpenZeppelin's sources included: whoever wants
to verify a deployment feeds it to any solc 0.8.30 or to a source verifier and gets the very bytecode, metadata hash
included. ``ImageRegistry.json`` holds what the product needs: ABI and bytecode.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from typing import Any

import yaml

from scripts.solc import ROOT, compile_with_npm

CONTRACT = "ImageRegistry"
SOURCE = f"contracts/{CONTRACT}.sol"
ARTIFACTS = ROOT / "contracts" / "artifacts"
ARTIFACT = ARTIFACTS / f"{CONTRACT}.json"
STANDARD_INPUT = ARTIFACTS / f"{CONTRACT}.input.json"


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
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "metadata"]}},
        },
    }
    compiled = compile_with_npm(compiler_input)
    return compiler_input | {"sources": _sources(sorted(compiled["sources"]))}


def build() -> dict[str, str]:
    """Compile, and return the text of each committed file by its name."""
    compiler_input = standard_input()
    contract = compile_with_npm(compiler_input)["contracts"][SOURCE][CONTRACT]
    metadata = json.loads(contract["metadata"])
    input_text = _canonical(compiler_input)
    artifact = {
        "contractName": CONTRACT,
        "compiler": {
            "version": metadata["compiler"]["version"],
            "evmVersion": metadata["settings"]["evmVersion"],
            "optimizer": metadata["settings"]["optimizer"],
        },
        "standardJsonSha256": hashlib.sha256(input_text.encode()).hexdigest(),
        "abi": contract["abi"],
        "bytecode": "0x" + contract["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + contract["evm"]["deployedBytecode"]["object"],
    }
    return {STANDARD_INPUT.name: input_text, ARTIFACT.name: _canonical(artifact)}


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or with ``--check`` compare them. Exit status 1 if a committed file differs."""
    parser = argparse.ArgumentParser(prog="export_artifact", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    check = parser.parse_args(arguments).check
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
