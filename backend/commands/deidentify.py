"""``scanproof deidentify``."""

from __future__ import annotations

import argparse
import hashlib
import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend import settings as configuration
from backend.commands.arguments import WrongUse, existing_file, file_in_folder, file_or_folder, output_folder
from backend.commands.console import Console, columns
from backend.commands.slides import clean_slide, is_slide

if TYPE_CHECKING:
    from backend.adapters.dicom.identity_map import IdentityMap

HELP = (
    "Remove identifiers from DICOM files and whole slides\n\n"
    "By the rules of the page: DICOM PS3.15, Annex E. The files stay; copies are written."
)
EXAMPLE = "scanproof deidentify study --out clean"
_MOST_FILES = 20_000
_MOST_SHOWN = 20
_MOST_FRAMES = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", metavar="PATH", type=file_or_folder, help="a DICOM file or whole slide, or a directory of such files"
    )
    parser.add_argument("--out", metavar="DIR", type=output_folder, required=True, help="where the copies are written")
    parser.add_argument("--mask-text", action="store_true", help="make text in the pictures black where it is found")
    parser.add_argument(
        "--map",
        metavar="FILE",
        type=file_in_folder,
        help="an encrypted map to the original UIDs, patient and study, made or added to; keep it",
    )
    parser.add_argument(
        "--key", metavar="FILE", type=file_in_folder, help="the sender's key (default: one of this installation)"
    )
    parser.add_argument(
        "--passphrase",
        metavar="FILE",
        type=existing_file,
        help="a file with a passphrase that opens the map (default: the sender's key opens it)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.dicom.identity_map import IdentityMap
    from backend.adapters.dicom.map_locks import Passphrase, SenderKey, load_passphrase
    from backend.adapters.dicom.sender import KEY_FILE, Sender, load_key
    from backend.errors import Conflict, ImageTooLarge, UnsupportedImage

    if options.out.resolve().is_relative_to(options.path.resolve()):
        raise WrongUse(f"expected --out outside {options.path}, whose files are read, found {options.out}")
    if options.map and options.map.resolve().is_relative_to(options.out.resolve()):
        raise WrongUse(f"expected --map outside {options.out}, whose copies are sent away, found {options.map}")
    if options.passphrase and not options.map:
        raise WrongUse("--passphrase opens a map: name one with --map, or leave it out")
    files = _files(options.path)
    key = load_key(options.key or configuration.load().var / KEY_FILE)
    lock = Passphrase(load_passphrase(options.passphrase)) if options.passphrase else SenderKey(key)
    originals = IdentityMap(options.map, lock) if options.map else None
    done: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    sources: dict[Path, Path] = {}
    with closing(Sender(key)) as sender, _saved(originals, done):
        for number, file in enumerate(files, 1):
            if len(files) > 1:
                console.progress(f"{number} of {len(files)}")
            try:
                if is_slide(file):
                    done.append(_clean_slide(file, options))
                    continue
                source = _read(file)
                made = sender.deidentify(source)
                attributes = sender.attributes(source) if originals else {}
                content, text = _look_for_text(made.content, mask=options.mask_text)
                if originals:
                    originals.add(made.uids, attributes, _hashes(content, made.frames))
                target = options.out / f"{made.instance}.dcm"
                _write(content, target, source=sources.get(target))
            except (UnsupportedImage, ImageTooLarge, Conflict, _NotWritten) as error:
                refused.append({"file": str(file), "reason": str(error)})
                continue
            sources.setdefault(target, file)
            done.append({"file": str(file), "written": str(target), "text": text, **made.report.counts()})
    console.result({"files": done, "refused": refused}, _in_words(done, refused, options.out, masked=options.mask_text))
    return 1 if refused else 0


@contextmanager
def _saved(originals: IdentityMap | None, done: Sequence[object]) -> Iterator[None]:
    """Save the map in the end, also where a file ends the command: the copies of those before it are there."""
    try:
        yield
    finally:
        if originals and done:
            originals.save()


def _clean_slide(file: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Write a copy of a slide without identifiers, named by its CID. Raises _NotWritten, UnsupportedImage,
    ImageTooLarge."""
    if options.mask_text:
        raise _NotWritten("text is not looked for in whole slides, so none was made black: no copy was written")
    with clean_slide(file, configuration.load()) as (slide, removed):
        target = options.out / f"{slide.facts.cid}.tif"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # Under that name are the same bytes, if it is there.
            if not target.exists():
                draft = target.with_name(f".{target.name}")
                shutil.copyfile(slide.path, draft)
                draft.replace(target)
        except OSError as error:
            raise WrongUse(f"{target} cannot be written: {error.strerror}") from error
    counts = {"removed": dict.fromkeys(removed, 1), "replaced": {}, "cleaned": {}}
    return {"file": str(file), "written": str(target), "text": None, **counts}


class _NotWritten(Exception):
    """A copy that would lose another file, or show text that was to be black."""


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        raise WrongUse(f"expected DICOM files, found none in {path}")
    if len(files) > _MOST_FILES:
        raise WrongUse(f"expected at most {_MOST_FILES} files, found {len(files)} in {path}")
    return files


def _read(file: Path) -> bytes:
    """The file, or just so much of it that it is seen to be too large."""
    from backend.adapters.dicom.sender import MAX_FILE_BYTES

    with file.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES + 1)


def _hashes(content: bytes, count: int) -> list[str]:
    """SHA-256 of the file without identifiers, and of the files that its ``count`` frames become.

    Raises UnsupportedImage, ImageTooLarge.
    """
    from backend.adapters.images.inspector import PillowInspector

    frames = PillowInspector().split(content, kept=False) if count != 1 else []
    return [hashlib.sha256(each).hexdigest() for each in (content, *frames)]


def _look_for_text(content: bytes, *, mask: bool) -> tuple[bytes, int | None]:
    """The file, and the number of places with text in its pictures, of which _MOST_FRAMES are looked at, evenly spread;
    they are black in all pictures if that was asked for. None where it cannot be looked for. Raises _NotWritten where
    nothing can be made black that was to be."""
    from backend.adapters.dicom.frames import count
    from backend.adapters.images.decoder_pool import decoder_pool
    from backend.adapters.images.text_finder import OcrTextFinder
    from backend.errors import ImageTooLarge, UnsupportedImage

    try:
        finder, frames = OcrTextFinder(), count(content)
        looked_at = range(0, frames, max(1, math.ceil(frames / _MOST_FRAMES)))
        boxes = list(dict.fromkeys(box for frame in looked_at for box in finder.find(content, frame)))
    except (UnsupportedImage, ImageTooLarge) as error:
        if mask:
            raise _NotWritten("text could not be looked for, so none was made black: no copy was written") from error
        return content, None
    if boxes and mask:
        try:
            content = decoder_pool().mask(content, boxes, kept=False)[1]
        except (UnsupportedImage, ImageTooLarge) as error:
            raise _NotWritten(
                "the picture seems to show text, which could not be made black: no copy was written"
            ) from error
    return content, len(boxes)


def _write(content: bytes, target: Path, *, source: Path | None) -> None:
    """Under the new UID: the file's own name may be that of a patient. ``source`` is the file whose copy has that name
    already. Raises _NotWritten where other bytes have it."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = target.open("xb")
        except FileExistsError:
            if target.stat().st_size == len(content) and target.read_bytes() == content:
                return
            other = f"{target}, the copy of {source}" if source else f"{target}, which was there before"
            raise _NotWritten(f"its copy would replace {other}, with other bytes: no copy was written") from None
        try:
            with file:
                file.write(content)
        except BaseException:
            target.unlink()
            raise
    except OSError as error:
        raise WrongUse(f"{target} cannot be written: {error.strerror}") from error


def _in_words(done: list[dict[str, Any]], refused: list[dict[str, str]], folder: Path, *, masked: bool) -> str:
    rows = [("Written", f"{_counted(len({one['written'] for one in done}), 'file')} to {folder}")]
    for kind in ("removed", "replaced", "cleaned"):
        names = {name for file in done for name in file[kind]}
        rows.append((kind.capitalize(), f"{_counted(len(names), 'attribute')} in all"))
    unread = [_both(one) for one in done if one["text"] is None]
    shown = [] if masked else [_both(one) for one in done if one["text"]]
    rows += _listed("Refused", [f"{one['file']}: {one['reason']}" for one in refused])
    rows += _listed("Text", [f"{name}: the picture seems to show text" for name in shown])
    rows += _listed("Text", [f"{name}: text could not be looked for" for name in unread])
    return f"{columns(rows)}\n\nText in a picture may be overlooked: look at the pictures."


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _both(one: dict[str, Any]) -> str:
    return f"{one['file']}, written as {one['written']}"


def _listed(name: str, lines: list[str]) -> list[tuple[str, str]]:
    more = [f"{len(lines) - _MOST_SHOWN} more"] if len(lines) > _MOST_SHOWN else []
    return [(name, line) for line in [*lines[:_MOST_SHOWN], *more]]
