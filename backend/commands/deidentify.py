"""``scanproof deidentify``."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend import settings as configuration
from backend.commands.arguments import WrongUse, existing_path, file_in_folder, output_folder
from backend.commands.console import Console, columns

if TYPE_CHECKING:
    from backend.adapters.dicom.sender import Sender

HELP = (
    "Remove identifiers from DICOM files\n\n"
    "By the rules of the page: DICOM PS3.15, Annex E. The files stay; copies are written."
)
EXAMPLE = "scanproof deidentify study --out clean"
_KEY = Path("keys") / "deidentification.key"
_MOST_FILES = 20_000
_MOST_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", type=existing_path, help="a DICOM file, or a directory of such files")
    parser.add_argument("--out", metavar="DIR", type=output_folder, required=True, help="where the copies are written")
    parser.add_argument(
        "--key", metavar="FILE", type=file_in_folder, help="the sender's key (default: one of this installation)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.dicom.sender import Sender, load_key

    files = _files(options.path)
    key = load_key(options.key or configuration.load().var / _KEY)
    done: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    with closing(Sender(key)) as sender:
        for number, file in enumerate(files, 1):
            if len(files) > 1:
                console.progress(f"{number} of {len(files)}")
            _add(file, options.out, sender, done, refused)
    console.result({"files": done, "refused": refused}, _in_words(done, refused, options.out))
    return 1 if refused else 0


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        raise WrongUse(f"expected DICOM files, found none in {path}")
    if len(files) > _MOST_FILES:
        raise WrongUse(f"expected at most {_MOST_FILES} files, found {len(files)} in {path}")
    return files


def _add(file: Path, folder: Path, sender: Sender, done: list[dict[str, Any]], refused: list[dict[str, str]]) -> None:
    """De-identify one file, and write it under its new UID: its own name may be that of a patient."""
    from backend.adapters.dicom.sender import MAX_FILE_BYTES
    from backend.errors import ImageTooLarge, UnsupportedImage

    try:
        with file.open("rb") as stream:
            made = sender.deidentify(stream.read(MAX_FILE_BYTES + 1))
    except (UnsupportedImage, ImageTooLarge) as error:
        refused.append({"file": str(file), "reason": str(error)})
        return
    target = folder / f"{made.instance}.dcm"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made.content)
    except OSError as error:
        raise WrongUse(f"{target} cannot be written: {error.strerror}") from error
    done.append({"file": str(file), "written": str(target), **made.report.counts()})


def _in_words(done: list[dict[str, Any]], refused: list[dict[str, str]], folder: Path) -> str:
    rows = [("Written", f"{len(done)} files to {folder}")]
    for kind in ("removed", "replaced", "cleaned"):
        names = {name for file in done for name in file[kind]}
        rows.append((kind.capitalize(), f"{len(names)} attributes in all"))
    rows += [("Refused", f"{one['file']}: {one['reason']}") for one in refused[:_MOST_SHOWN]]
    if len(refused) > _MOST_SHOWN:
        rows.append(("Refused", f"{len(refused) - _MOST_SHOWN} more"))
    return f"{columns(rows)}\n\nText that is part of the picture is not looked for: look at the pictures."
