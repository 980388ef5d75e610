"""``scanproof shares``: a file in shares, some of which restore it."""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import WrongUse, existing_file, output_file, output_folder, positive
from backend.commands.console import Console, columns
from backend.commands.receivers import checked, read_most, recipient, recipient_key
from backend.errors import InvalidShares

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from backend.crypto.image_shares import Share
    from backend.crypto.wraps import RecipientKey

HELP = (
    "Split a file into shares, or restore it from them\n\n"
    "Each share is a picture of noise. Any --threshold of them restore the file bit for bit; fewer tell nothing of it."
)
EXAMPLE = "scanproof shares split scan.png --shares 10 --threshold 8 --output shares"
_ACTIONS = {"split": "write the shares of FILE to --output", "combine": "restore a file from the shares FILE…"}
_OF_SPLIT = ("shares", "threshold", "compact", "sign", "to")
_OF_COMBINE = ("key", "signer")
_MOST_SHARES = 255
_NAME = re.compile(r"share-[0-9]{2,3}\.png")
_MOST_BYTES = 1024 * 1024 * 1024
"""Of all shares together."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items())
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=help_)
    parser.add_argument("files", metavar="FILE", nargs="+", type=existing_file, help="the file, or the shares")
    parser.add_argument("--output", metavar="PATH", required=True, help="split: a directory; combine: a file")
    parser.add_argument("--overwrite", action="store_true", help="replace what --output holds")
    parser.add_argument("--shares", metavar="N", type=positive, help="split: how many shares, 2 to 255")
    parser.add_argument("--threshold", metavar="K", type=positive, help="split: how many of them restore the file")
    parser.add_argument(
        "--compact",
        action="store_true",
        help="split: shares of a K-th of the file, protected by AES instead of by chance",
    )
    parser.add_argument(
        "--sign",
        metavar="KEY",
        type=existing_file,
        help="split: sign with this Ed25519 key (PEM; default: one for this set)",
    )
    parser.add_argument(
        "--to",
        metavar="KEY",
        action="append",
        default=[],
        help="split: the public key of a share's receiver, X25519 or RSA: a PEM file, or 64 hex digits. Give N of them",
    )
    parser.add_argument(
        "--key",
        metavar="KEY",
        action="append",
        type=existing_file,
        default=[],
        help="combine: a receiver's private key (PEM); may be repeated",
    )
    parser.add_argument(
        "--signer",
        metavar="HEX",
        type=_public_key,
        help="combine: accept shares of this signer only, as split prints it",
    )


def _public_key(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected 64 hex digits, found {text[:80]!r}")
    return text.lower()


def run(options: argparse.Namespace, console: Console) -> int:
    others = _OF_COMBINE if options.action == "split" else _OF_SPLIT
    if foreign := [name for name in others if getattr(options, name)]:
        raise WrongUse(f"--{foreign[0]} is not for `{options.action}`")
    return _ACTS[options.action](options, console)


def _split(options: argparse.Namespace, console: Console) -> int:
    if len(options.files) != 1 or not options.shares or not options.threshold:
        raise WrongUse("`split` needs one FILE, --shares and --threshold")
    if not 2 <= options.threshold <= options.shares <= _MOST_SHARES:
        raise WrongUse(f"expected 2 to {_MOST_SHARES} shares and a threshold from 2 to as many")
    if options.to and len(options.to) != options.shares:
        raise WrongUse(f"expected --to {options.shares} times, a receiver for each share, found {len(options.to)}")
    folder = checked(output_folder, options.output)

    from backend.crypto.image_shares import MAX_FILE_BYTES, read_share, split
    from backend.crypto.noise_png import write_png
    from backend.crypto.sealing import seal

    recipients = [recipient(text) for text in options.to]
    signer = _signer(options.sign) if options.sign else None
    content = read_most(options.files[0], MAX_FILE_BYTES)
    if len(content) > MAX_FILE_BYTES:
        raise WrongUse(f"expected a file of at most {MAX_FILE_BYTES:,} bytes, found more in {options.files[0]}")
    signed_by = set_id = b""
    written: list[Path] = []
    total = 0
    try:
        documents = split(
            content, shares=options.shares, threshold=options.threshold, compact=options.compact, signer=signer
        )
    except ValueError as error:
        raise WrongUse(str(error)) from error
    with console.waiting("splitting"), _new_shares(folder, overwrite=options.overwrite) as add:
        for number, document in enumerate(documents, 1):
            if not set_id:
                made = read_share(document).set
                signed_by, set_id = made.signer, made.id
            picture = write_png(seal(document, recipients[number - 1]) if recipients else document)
            total += len(picture)
            written.append(add(f"share-{number:02}.png", picture))
    values = {
        "files": [str(path) for path in written],
        "shares": options.shares,
        "threshold": options.threshold,
        "compact": options.compact,
        "sealed": bool(recipients),
        "bytes": total,
        "set": set_id.hex(),
        "signer": signed_by.hex(),
    }
    rows = [
        ("Written", f"{options.shares} shares to {folder}, {total:,} bytes"),
        ("Restore", f"any {options.threshold} of them: scanproof shares combine SHARE… --output FILE"),
        ("Signer", signed_by.hex()),
    ]
    console.result(values, columns(rows))
    return 0


def _combine(options: argparse.Namespace, console: Console) -> int:
    file = checked(output_file, options.output)
    if file.exists() and not options.overwrite:
        raise WrongUse(f"{file} exists: --overwrite replaces it")
    if file.resolve() in [path.resolve() for path in options.files]:
        raise WrongUse(f"expected --output beside the shares, found the share {file}")
    if len(options.files) > _MOST_SHARES:
        raise WrongUse(f"expected at most {_MOST_SHARES} shares, found {len(options.files)}")
    if sum(share.stat().st_size for share in options.files) > _MOST_BYTES:
        raise WrongUse(f"expected shares of at most {_MOST_BYTES:,} bytes in all, found more")

    from backend.commands.evidence import write_new
    from backend.crypto.errors import CryptoRefused, SharesRefused
    from backend.crypto.image_shares import combine

    keys = [recipient_key(path) for path in options.key]
    shares: dict[Path, Share] = {}
    refused: dict[Path, str] = {}
    with console.waiting("checking the shares"):
        for path in options.files:
            try:
                shares[path] = _share(path, keys, options.signer)
            except CryptoRefused as error:
                refused[path] = str(error)
    try:
        content = combine(list(shares.values()))
    except SharesRefused as error:
        blamed = {path: str(error) for path, share in shares.items() if _is_blamed(share, error, shares)}
        listed = "".join(f"; {path}: {reason}" for path, reason in {**refused, **blamed}.items())
        raise InvalidShares(f"{error}{listed}") from error
    if options.overwrite:
        from backend.adapters import private_files

        with _written(file):
            private_files.make_folder(file.parent)
            private_files.replace(file, content)
    else:
        with _written(file):
            file.parent.mkdir(parents=True, exist_ok=True)
        write_new(file, content)
    made = next(iter(shares.values())).set
    values = {
        "file": str(file),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "shares": [{"file": str(path), "index": share.index} for path, share in shares.items()],
        "refused": [{"file": str(path), "reason": reason} for path, reason in refused.items()],
        "threshold": made.threshold,
        "set": made.id.hex(),
        "signer": made.signer.hex(),
    }
    rows = [
        ("Restored", f"{file}, {len(content):,} bytes, the file that was split"),
        ("SHA-256", str(values["sha256"])),
        ("Signer", made.signer.hex()),
        *(("Refused", f"{path}: {reason}") for path, reason in refused.items()),
    ]
    console.result(values, columns(rows))
    return 1 if refused else 0


_ACTS: dict[str, Callable[[argparse.Namespace, Console], int]] = {"split": _split, "combine": _combine}


def _is_blamed(share: Share, error: Any, shares: dict[Path, Share]) -> bool:
    """Of several sets, those of the smaller ones; else those of the index that the error names."""
    if error.reason != "sets":
        return share.index in error.indexes
    sets = [each.set for each in shares.values()]
    return share.set != max(sets, key=sets.count)


def _share(path: Path, keys: list[RecipientKey], signer: str | None) -> Share:
    """Raises CryptoRefused."""
    from backend.crypto.errors import SharesRefused
    from backend.crypto.image_shares import MAX_SHARE_BYTES, read_share
    from backend.crypto.noise_png import read_png
    from backend.crypto.sealing import MOST_ADDED_BYTES, is_sealed, unseal

    most = 2 * (MAX_SHARE_BYTES + MOST_ADDED_BYTES)
    document = read_png(read_most(path, most), most)
    if is_sealed(document):
        if not keys:
            raise SharesRefused("recipient", "the share is sealed to its receiver: give the receiver's --key")
        document = unseal(document, keys)
    share = read_share(document)
    if signer and share.set.signer.hex() != signer:
        raise SharesRefused("signer", f"the share is signed by {share.set.signer.hex()}")
    return share


def _signer(path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from backend.crypto.wraps import MAX_PEM_BYTES

    try:
        key = load_pem_private_key(read_most(path, MAX_PEM_BYTES), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise WrongUse(f"--sign {path}: expected a private key of Ed25519 in PEM without a password")
    return key


@contextmanager
def _new_shares(folder: Path, *, overwrite: bool) -> Iterator[Callable[[str, bytes], Path]]:
    """A function that writes one share; all appear together at the end of the block, or none. Raises WrongUse where
    the directory holds something and ``overwrite`` is not set; with it, former shares go."""
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise WrongUse(f"expected a new or empty directory, found files in {folder}: --overwrite replaces its shares")
    drafts: dict[Path, Path] = {}

    def add(name: str, picture: bytes) -> Path:
        handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        drafts[folder / name] = Path(draft)
        with os.fdopen(handle, "wb") as stream:
            stream.write(picture)
            stream.flush()
            os.fsync(stream.fileno())
        return folder / name

    is_new = not folder.exists()
    try:
        with _written(folder):
            folder.mkdir(parents=True, exist_ok=True)
            yield add
            for path in folder.iterdir():
                if path not in drafts and _NAME.fullmatch(path.name):
                    path.unlink()
            for path, draft in drafts.items():
                draft.replace(path)
    except BaseException:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
        if is_new:
            with suppress(OSError):  # something else is in it by now, or it could not be made
                folder.rmdir()
        raise


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WrongUse(f"{path} cannot be written: {error.strerror}") from error
