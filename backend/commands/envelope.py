"""``scanproof envelope``: a file encrypted for its receivers, as docs/ENVELOPE.md specifies it."""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.commands.arguments import WrongUse, existing_file, hash32, new_file, output_folder
from backend.commands.console import Console, columns
from backend.commands.evidence import write_all_new
from backend.commands.receivers import checked, read_most, recipient, recipient_key
from backend.errors import InvalidInput

HELP = (
    "Encrypt a file for its receivers, or open such an envelope\n\n"
    "The envelope is as it is pinned, and named by its CID. Whoever has it cannot open it without a wrap and its key."
)
EXAMPLE = "scanproof envelope encrypt scan.png --to bob.pem.pub --output private"
_ACTIONS = {
    "encrypt": "write the envelope of FILE, its opening and the wraps to --output",
    "decrypt": "write the file in the envelope FILE to --output",
}
_OPTIONS = {"encrypt": {"to", "manifest"}, "decrypt": {"wrap", "key", "opening", "commitment", "manifest"}}
_NEEDED = {"encrypt": ("to",), "decrypt": ("wrap", "key")}
_MOST_RECEIVERS = 99
_MOST_WRAP_BYTES = 1024
"""Of an RSA key of 8,192 bits."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items())
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=help_)
    parser.add_argument("file", metavar="FILE", type=existing_file, help="encrypt: any file; decrypt: an envelope")
    parser.add_argument(
        "--output", metavar="PATH", required=True, help="encrypt: a directory; decrypt: a file. It must be new"
    )
    parser.add_argument(
        "--to",
        metavar="KEY",
        action="append",
        help="encrypt: a receiver's public key, X25519 or RSA: a PEM file, or 64 hex digits; may be repeated",
    )
    parser.add_argument("--wrap", metavar="FILE", type=existing_file, help="decrypt: the receiver's wrap")
    parser.add_argument("--key", metavar="KEY", type=existing_file, help="decrypt: the receiver's private key (PEM)")
    parser.add_argument(
        "--opening", metavar="FILE", type=existing_file, help="decrypt: the encrypted opening beside the envelope"
    )
    parser.add_argument(
        "--commitment", metavar="HASH", type=hash32, help="decrypt: that of the record, to check with --opening"
    )
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="encrypt: the inference manifest for the opening; decrypt: write that of --opening here; must be new",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    for name in sorted(set().union(*_OPTIONS.values()) - _OPTIONS[options.action]):
        if getattr(options, name):
            raise WrongUse(f"--{name} is not for `{options.action}`")
    for name in _NEEDED[options.action]:
        if not getattr(options, name):
            raise WrongUse(f"`{options.action}` needs --{name}")
    return _ACTS[options.action](options, console)


def _encrypt(options: argparse.Namespace, console: Console) -> int:
    from backend.adapters.ipfs.unixfs import cid_of
    from backend.crypto.envelope import KEY_BYTES, LARGEST_PADDED, Kind, decrypt, encrypt, padded_length
    from backend.crypto.openings import Opening, commitment
    from backend.crypto.wraps import wrap

    folder = checked(output_folder, options.output)
    if folder.exists():
        raise WrongUse(f"expected a new directory: {folder} exists")
    if len(options.to) > _MOST_RECEIVERS:
        raise WrongUse(f"expected --to at most {_MOST_RECEIVERS} times, found {len(options.to)}")
    receivers = [recipient(text) for text in options.to]
    opening = Opening.new(_manifest(options.manifest) if options.manifest else "")
    key = secrets.token_bytes(KEY_BYTES)
    sealed = opening.encrypt(key)
    with options.file.open("rb") as source, console.waiting("encrypting"), _new_folder(folder) as draft:
        size = os.fstat(source.fileno()).st_size
        if padded_length(size) > LARGEST_PADDED:
            raise WrongUse(f"expected a file whose padded length is at most {LARGEST_PADDED:,} bytes, found {size:,}")
        unnamed = draft / "envelope"
        try:
            envelope_bytes = _write(unnamed, encrypt(source, size, key, Kind.FILE))
        except ValueError as error:
            raise InvalidInput(f"{options.file} changed while it was read: {error}") from error
        with unnamed.open("rb") as written:
            cid = cid_of(written)
            written.seek(0)
            # What the envelope holds, should the source change meanwhile.
            made = commitment(opening.salt, _sha256(decrypt(written, key, Kind.FILE)))
        unnamed.rename(draft / cid)
        _write(draft / f"{cid}.opening", [sealed])
        wraps = [f"{cid}.wrap-{number:02}" for number in range(1, len(receivers) + 1)]
        for name, receiver in zip(wraps, receivers, strict=True):
            _write(draft / name, [wrap(key, receiver, cid.encode())])
    values = {
        "cid": cid,
        "commitment": f"0x{made.hex()}",
        "manifestHash": _manifest_hash(opening.manifest),
        "bytes": size,
        "envelope": str(folder / cid),
        "envelopeBytes": envelope_bytes,
        "opening": str(folder / f"{cid}.opening"),
        "openingBytes": len(sealed),
        "wraps": [
            {"file": str(folder / name), "to": receiver} for name, receiver in zip(wraps, options.to, strict=True)
        ],
    }
    rows = [
        ("Envelope", f"{folder / cid}, {envelope_bytes:,} bytes: the only file that may be public"),
        ("Commitment", str(values["commitment"])),
        ("Opening", f"{folder / cid}.opening, {len(sealed):,} bytes"),
        *(("Wrap", f"{folder / name} for {receiver}") for name, receiver in zip(wraps, options.to, strict=True)),
    ]
    console.result(values, columns(rows))
    return 0


def _decrypt(options: argparse.Namespace, console: Console) -> int:
    file = checked(new_file, options.output)
    manifest_file = checked(new_file, options.manifest) if options.manifest else None
    for name in ("commitment", "manifest"):
        if getattr(options, name) and not options.opening:
            raise WrongUse(f"--{name} needs --opening")
    if file == manifest_file:
        raise WrongUse("expected two files for --output and --manifest, found one")

    from backend.adapters.ipfs.unixfs import cid_of
    from backend.crypto.envelope import Kind, decrypt
    from backend.crypto.errors import CryptoRefused, OpeningRefused, WrapRefused
    from backend.crypto.openings import MAX_SEALED_BYTES, commitment, decrypt_opening
    from backend.crypto.wraps import unwrap

    own = recipient_key(options.key)
    wrapped = read_most(options.wrap, _MOST_WRAP_BYTES)
    digest = hashlib.sha256()
    opening = made = None
    with options.file.open("rb") as source, console.waiting("decrypting"):
        cid = cid_of(source)
        source.seek(0)
        try:
            key = unwrap(wrapped, own, cid.encode())
        except WrapRefused as error:
            raise InvalidInput(f"{options.wrap}: {error}; the CID of {options.file} is {cid}") from error
        if options.opening:
            try:
                opening = decrypt_opening(read_most(options.opening, MAX_SEALED_BYTES), key)
            except CryptoRefused as error:
                raise InvalidInput(f"{options.opening}: {error}") from error
            if manifest_file and not opening.manifest:
                raise InvalidInput(f"{options.opening}: the opening holds no manifest")

        def content() -> Iterator[bytes]:
            nonlocal made
            for piece in decrypt(source, key, Kind.FILE):
                digest.update(piece)
                yield piece
            if opening:
                made = f"0x{commitment(opening.salt, digest.digest()).hex()}"
                if options.commitment not in (None, made):
                    raise OpeningRefused("commitment", f"expected the commitment {options.commitment}, found {made}")

        files: dict[Path, Iterable[bytes]] = {file: content()}
        if opening and manifest_file:
            files[manifest_file] = [opening.manifest.encode()]
        try:
            write_all_new(files)
        except CryptoRefused as error:
            raise InvalidInput(f"{options.file}: {error}") from error
    size = file.stat().st_size
    manifest_hash = _manifest_hash(opening.manifest) if opening else None
    values = {
        "file": str(file),
        "bytes": size,
        "sha256": digest.hexdigest(),
        "cid": cid,
        "commitment": made,
        "compared": options.commitment is not None,
        "manifest": str(manifest_file) if manifest_file else None,
        "manifestHash": manifest_hash,
    }
    rows = [
        ("Written", f"{file}, {size:,} bytes, authentic and whole"),
        ("Envelope", cid),
        *([("Commitment", made + ("" if options.commitment else ": compare it with the record's"))] if made else []),
        *([("Manifest", manifest_hash)] if manifest_hash else []),
    ]
    console.result(values, columns(rows))
    return 0


_ACTS: dict[str, Callable[[argparse.Namespace, Console], int]] = {"encrypt": _encrypt, "decrypt": _decrypt}


def _manifest(text: str) -> str:
    from backend.services.manifests import MAX_MANIFEST_BYTES

    content = read_most(checked(existing_file, text), MAX_MANIFEST_BYTES)
    if len(content) > MAX_MANIFEST_BYTES:
        raise WrongUse(f"expected a manifest of at most {MAX_MANIFEST_BYTES:,} bytes, found more in {text}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise WrongUse(f"expected a manifest in UTF-8, found other bytes in {text}") from error


def _manifest_hash(manifest: str) -> str | None:
    """As a diagnosis has it on the chain; None for a record without one."""
    from backend.cids import hash_of

    return hash_of(manifest.encode()) if manifest else None


def _sha256(pieces: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _write(path: Path, pieces: Iterable[bytes]) -> int:
    """The length of what was written, in bytes. Raises OSError."""
    with path.open("xb") as stream:
        stream.writelines(pieces)
        stream.flush()
        os.fsync(stream.fileno())
        return stream.tell()


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A directory for this user alone, which becomes ``folder`` at the end of the block, or is gone after an error.
    Raises WrongUse where it cannot be written."""
    above = next(path for path in folder.absolute().parents if path.is_dir())
    try:
        draft = Path(tempfile.mkdtemp(dir=above, prefix=f".{folder.name}."))
        try:
            yield draft
            folder.parent.mkdir(parents=True, exist_ok=True)
            draft.rename(folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        raise WrongUse(f"{folder} cannot be written: {error.strerror}") from error
