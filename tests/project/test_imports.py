"""Who may import whom: the arrows of the architecture, read from the imports themselves."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STDLIB = sys.stdlib_module_names

# Modules of the left side may not import anything that begins with a name of the right side.
FORBIDDEN = {
    "ml": ("backend", "flask", "apiflask", "web3", "brownie", "scripts"),
    "scripts": ("backend", "ml"),
    "backend/services": ("backend.adapters", "backend.api", "backend.wiring", "flask", "apiflask", "web3", "ml"),
    "backend/api": ("backend.adapters", "web3", "ml", "sqlalchemy"),
    "backend/adapters": ("backend.api", "backend.services", "backend.wiring", "flask", "apiflask"),
}
SERVING = tuple(
    f"ml/{name}.py"
    for name in (
        *("predictor", "prediction", "ensemble", "combination", "activation", "preprocess", "procedures", "litert"),
        *("bundle", "metadata", "kinds", "agreement", "card", "calibration", "registry", "ood", "phantom"),
        *("segmentation/segmenter", "segmentation/overlay"),
        *("compare/overview", "compare/published", "compare/results"),
    )
)


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def python_files(folder: str) -> list[Path]:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"no Python files below {folder}"
    return files


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_layers_point_inwards(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files(folder)
        for name in imports_of(path)
        if any(within(name, package) for package in FORBIDDEN[folder])
    ]
    assert wrong == []


@pytest.mark.parametrize("module", ["domain", "submissions", "errors", "ports", "database_ports"])
def test_the_core_needs_the_standard_library_only(module: str) -> None:
    names = imports_of(ROOT / "backend" / f"{module}.py")
    inner = ("backend.domain", "backend.errors", "backend")
    foreign = [name for name in names if name.split(".")[0] not in STDLIB and not any(within(name, i) for i in inner)]
    assert foreign == []


def test_only_wiring_and_the_commands_name_concrete_adapters() -> None:
    allowed = {"wiring.py", "wsgi.py"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in python_files("backend")
        if path.name not in allowed
        and not {"adapters", "commands"} & set(path.relative_to(ROOT).parts)
        and any(within(name, "backend.adapters") for name in imports_of(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("module", SERVING)
def test_serving_needs_no_tensorflow(module: str) -> None:
    names = imports_of(ROOT / module)
    heavy = ("tensorflow", "keras", "sklearn", "matplotlib")
    assert not [name for name in names if any(within(name, package) for package in heavy)]
