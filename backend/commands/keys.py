"""``scanproof keys``: a key pair for envelopes, shares and sealed text."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from backend.commands.arguments import WrongUse, new_file
from backend.commands.console import Console, columns
from backend.commands.evidence import write_all_new

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    PrivateKey = Ed25519PrivateKey | RSAPrivateKey | X25519PrivateKey

HELP = (
    "Make a key pair, to receive envelopes, shares and sealed text, or to sign\n\n"
    "Keep FILE to yourself, and give FILE.pub to others. Who loses FILE cannot open what was encrypted to it."
)
EXAMPLE = "scanproof keys x25519 --output me.pem"
_SUFFIX = ".pub"


def _x25519() -> X25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.generate()


def _rsa() -> RSAPrivateKey:
    from backend.crypto.wraps import new_rsa_key

    return new_rsa_key()


def _ed25519() -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


_KINDS: dict[str, tuple[str, Callable[[], PrivateKey]]] = {
    "x25519": ("to receive", _x25519),
    "rsa": ("to receive, 3,072 bits", _rsa),
    "ed25519": ("to sign", _ed25519),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{kind}: {what}" for kind, (what, _) in _KINDS.items())
    parser.add_argument("kind", metavar="KIND", choices=_KINDS, help=help_)
    parser.add_argument(
        "--output", metavar="FILE", type=new_file, required=True, help="the private key (PEM); must be new, as FILE.pub"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    public_file = Path(f"{options.output}{_SUFFIX}")
    if public_file.exists():
        raise WrongUse(f"expected a new file: {public_file} exists")

    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    purpose, make = _KINDS[options.kind]
    with console.waiting("making the key"):
        key = make()
    public = key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    write_all_new(
        {
            options.output: [key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())],
            public_file: [public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)],
        }
    )
    fingerprint = hashlib.sha256(der).hexdigest()
    raw = der[-32:].hex() if options.kind != "rsa" else None
    values = {
        "kind": options.kind,
        "file": str(options.output),
        "public": str(public_file),
        "fingerprint": fingerprint,
        "hex": raw,
    }
    rows = [
        ("Private", f"{options.output}, {purpose}; not encrypted"),
        ("Public", str(public_file)),
        *([("As digits", raw)] if raw else []),
        ("SHA-256", fingerprint),
    ]
    console.result(values, columns(rows))
    return 0
