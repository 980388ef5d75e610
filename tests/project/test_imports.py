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
# Folders of ml in the order of imports: each may import those before it, and itself.
ML_FOLDERS = (
    *("errors", "preprocessing", "histology", "bundle", "inference", "guidance", "analysis"),
    *("datasets", "evaluation", "networks", "training", "gate", "segmentation", "compare", "report"),
)
# What answers for an image: these load no TensorFlow.
SERVING = (
    *("ml/preprocessing", "ml/histology", "ml/bundle", "ml/inference", "ml/guidance", "ml/analysis"),
    *("ml/gate/gate.py", "ml/segmentation/segmenter.py", "ml/segmentation/overlay.py"),
    *("ml/compare/overview.py", "ml/compare/published.py", "ml/compare/results.py", "ml/datasets/phantom.py"),
)


def imports_of(path: Path) -> set[str]:
    """What a module imports when it runs; what only a type checker reads does not count."""
    names: set[str] = set()
    tree = ast.parse(path.read_text(), str(path))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def python_files(place: str) -> list[Path]:
    """A file, or those of a folder."""
    path = ROOT / place
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files, f"no Python files below {place}"
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


@pytest.mark.parametrize("module", ["domain", "errors", "ports"])
def test_the_core_needs_the_standard_library_only(module: str) -> None:
    names = imports_of(ROOT / "backend" / f"{module}.py")
    inner = ("backend.domain", "backend.errors", "backend")
    foreign = [name for name in names if name.split(".")[0] not in STDLIB and not any(within(name, i) for i in inner)]
    assert foreign == []


def test_encryption_needs_numpy_and_cryptography_only() -> None:
    allowed = ("backend.crypto", "numpy", "cryptography")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files("backend/crypto")
        for name in imports_of(path)
        if name.split(".")[0] not in STDLIB and not any(within(name, package) for package in allowed)
    ]
    assert wrong == []


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


_EMBEDS = "backend.adapters.exports.manifest_embedding"
"""Run by the decoder process, since its library parses foreign bytes."""


def test_the_large_libraries_of_exports_are_imported_by_their_writers_alone() -> None:
    libraries = ("c2pa", "highdicom", "reportlab", "segno")
    writers = ROOT / "backend" / "adapters" / "exports"
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files("backend")
        for name in imports_of(path)
        if (path.parent != writers or path.name == "writers.py")
        and not (path.name == "decoder_process.py" and within(name, _EMBEDS))
        and (
            any(within(name, library) for library in libraries)
            or (within(name, "backend.adapters.exports") and name.count(".") > 2 and ".writers" not in name)
        )
        # A process of its own, which imports it for that job.
        and not (path.name == "decoder_process.py" and within(name, "backend.adapters.exports.manifest_embedding"))
    ]
    assert wrong == []


@pytest.mark.parametrize("place", SERVING)
def test_serving_needs_no_tensorflow(place: str) -> None:
    heavy = ("tensorflow", "keras", "sklearn", "matplotlib")
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files(place)
        for name in imports_of(path)
        if any(within(name, package) for package in heavy)
    ]
    assert wrong == []


def test_every_folder_of_ml_is_in_the_order_of_imports() -> None:
    folders = {path.parent.name for path in (ROOT / "ml").glob("*/*.py")}
    assert folders <= set(ML_FOLDERS)


@pytest.mark.parametrize("folder", ML_FOLDERS[1:])
def test_the_folders_of_ml_import_in_this_order(folder: str) -> None:
    above = ML_FOLDERS[ML_FOLDERS.index(folder) + 1 :]
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in python_files(f"ml/{folder}")
        for name in imports_of(path)
        if any(within(name, f"ml.{other}") for other in above)
    ]
    assert wrong == []
