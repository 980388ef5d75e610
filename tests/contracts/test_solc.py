from __future__ import annotations

import shutil
import subprocess

import pytest
import solcx

from scripts import solc
from scripts.solc import VERSION, SolcUnavailable, compile_with_npm, ensure_solc

STORE = "pragma solidity 0.8.30; contract Store { uint256 public value; }"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of compilers, on a machine that cannot download the native one."""
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))
    monkeypatch.setattr(solc, "_install_native", lambda: False)
    return tmp_path


def test_py_solc_x_finds_the_npm_compiler(folder):
    ensure_solc()
    assert [str(version) for version in solcx.get_installed_solc_versions()] == [VERSION]


def test_npm_compiler_compiles_through_py_solc_x(folder):
    compiler_input = {
        "language": "Solidity",
        "sources": {"Store.sol": {"content": STORE}},
        "settings": {"outputSelection": {"*": {"*": ["evm.bytecode.object"]}}},
    }
    output = solcx.compile_standard(compiler_input, solc_binary=ensure_solc(), allow_paths=".")
    direct = compile_with_npm(compiler_input)
    assert output["contracts"] == direct["contracts"]


def test_second_call_changes_nothing(folder):
    before = ensure_solc().stat()
    after = ensure_solc().stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_broken_executable_is_replaced(folder):
    executable = folder / f"solc-v{VERSION}"
    executable.write_text("#!/bin/sh\nexit 1\n")
    executable.chmod(0o755)
    ensure_solc()
    assert VERSION in subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout


def test_unknown_option_fails(folder):
    process = subprocess.run([ensure_solc(), "--bin"], capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr == "expected --version or --standard-json as first argument, found --bin\n"


def test_missing_npm_package_names_the_remedy(folder, tmp_path_factory, monkeypatch):
    wrapper = tmp_path_factory.mktemp("bare") / "solc.cjs"
    shutil.copy(solc.WRAPPER, wrapper)
    monkeypatch.setattr(solc, "WRAPPER", wrapper)
    with pytest.raises(SolcUnavailable, match="npm ci --ignore-scripts"):
        ensure_solc()
    assert list(folder.iterdir()) == []


def test_missing_node_names_the_remedy(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(SolcUnavailable, match="install Node 20 or later"):
        ensure_solc()
    assert list(folder.iterdir()) == []


def test_compiler_error_is_the_compilers_own():
    with pytest.raises(ValueError, match="ParserError: Expected ';' but got '}'"):
        compile_with_npm(
            {
                "language": "Solidity",
                "sources": {"Store.sol": {"content": STORE.replace("value;", "value")}},
                "settings": {"outputSelection": {}},
            }
        )
