"""``scanproof lab``: methods for pictures, to try and to measure."""

from __future__ import annotations

import argparse
import io
import math
import secrets
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.commands.arguments import WrongUse, existing_file, new_file, positive, read_image
from backend.commands.console import Console, columns
from backend.commands.evidence import write_all_new, write_new
from backend.commands.receivers import read_most, recipient, recipient_key
from backend.errors import InvalidInput, UnsupportedImage

if TYPE_CHECKING:
    from backend.crypto.hiding import Pixels

HELP = (
    "Hide text in a picture and take it out again; measure pictures; break a weak cipher\n\n"
    "With text inside, no value changes by more than 1, so the PSNR is at least 48 dB; then the picture comes back bit "
    "for bit. `cipher` is no protection: `break` opens what it wrote without the key."
)
EXAMPLE = "scanproof lab hide scan.png --message patient.txt --output marked.png"
_ACTIONS = {
    "hide": "write PICTURE with --message inside to --output",
    "reveal": "write the text that PICTURE holds to --output",
    "measure": "entropy, correlation and histogram of PICTURE, and how it differs from OTHER",
    "cipher": "write PICTURE, encrypted by Chinese remainders, to --output; not protection",
    "decipher": "write the picture that `cipher` encrypted to --output",
    "break": "the same without its key, with the measures of the cipher beside those of AES-GCM",
}
_OPTIONS = {
    "hide": {"message", "output", "to"},
    "reveal": {"output", "restored", "key"},
    "measure": {"other"},
    "cipher": {"output", "number"},
    "decipher": {"output", "number"},
    "break": {"output"},
}
_NEEDED = {
    "hide": ("message", "output"),
    "reveal": ("output",),
    "measure": (),
    "cipher": ("output",),
    "decipher": ("output", "number"),
    "break": ("output",),
}
_NO_PROTECTION = "not protection: it has 64 keys, and `scanproof lab break` finds the right one without being told"
MAX_MESSAGE_BYTES = 1024 * 1024
_MODES = ("L", "RGB", "I;16")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items())
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=help_)
    parser.add_argument("picture", metavar="PICTURE", type=existing_file, help="a picture")
    parser.add_argument("other", metavar="OTHER", nargs="?", type=existing_file, help="measure: a picture of its size")
    parser.add_argument("--message", metavar="FILE", type=existing_file, help="hide: the text, or any other bytes")
    parser.add_argument("--output", metavar="FILE", type=new_file, help="reveal: the text; else: the new PNG")
    parser.add_argument("--restored", metavar="FILE", type=new_file, help="reveal: the picture as it was, as PNG")
    parser.add_argument(
        "--to",
        metavar="KEY",
        help="hide: encrypt the text to this public key, X25519 or RSA: a PEM file, or 64 hex digits",
    )
    parser.add_argument("--key", metavar="KEY", type=existing_file, help="reveal: the receiver's private key (PEM)")
    parser.add_argument(
        "--number",
        metavar="N",
        type=positive,
        help="cipher, decipher: the key, odd, from 1 to 135, not divisible by 17; cipher: default by chance",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    all_options = set().union(*_OPTIONS.values())
    for name in sorted(all_options - _OPTIONS[options.action]):
        if getattr(options, name):
            raise WrongUse(f"{_shown(name)} is not for `{options.action}`")
    for name in _NEEDED[options.action]:
        if not getattr(options, name):
            raise WrongUse(f"`{options.action}` needs {_shown(name)}")
    return _ACTS[options.action](options, console)


def _hide(options: argparse.Namespace, console: Console) -> int:
    from backend.crypto import measures
    from backend.crypto.errors import CryptoRefused
    from backend.crypto.hiding import hide
    from backend.crypto.sealing import seal

    message = read_most(options.message, MAX_MESSAGE_BYTES)
    if len(message) > MAX_MESSAGE_BYTES:
        raise WrongUse(f"expected a text of at most {MAX_MESSAGE_BYTES:,} bytes, found more in {options.message}")
    picture = _pixels(options.picture)
    if options.to:
        message = seal(message, recipient(options.to))
    try:
        with console.waiting("hiding the text"):
            marked = hide(picture, message)
    except CryptoRefused as error:
        raise InvalidInput(str(error)) from error
    write_new(options.output, _png(marked))
    psnr = measures.psnr(picture, marked) if picture.dtype.itemsize == 1 else None
    values = {"file": str(options.output), "bytes": len(message), "sealed": bool(options.to), "psnr": psnr}
    rows = [
        ("Written", f"{options.output}, with {len(message):,} bytes inside"),
        *([("PSNR", f"{psnr:.2f} dB")] if psnr else []),
        ("Take out", f"scanproof lab reveal {options.output} --output TEXT --restored PNG"),
    ]
    if not options.to:
        rows.append(("Note", "it is not encrypted: whoever has the picture can read it, unless you give --to"))
    console.result(values, columns(rows))
    return 0


def _reveal(options: argparse.Namespace, console: Console) -> int:
    from backend.crypto.errors import CryptoRefused
    from backend.crypto.hiding import reveal
    from backend.crypto.sealing import is_sealed, unseal

    keys = [recipient_key(options.key)] if options.key else []
    try:
        with console.waiting("taking the text out"):
            message, picture = reveal(_pixels(options.picture))
        sealed = is_sealed(message)
        if sealed and not keys:
            raise InvalidInput("the text is sealed to its receiver: give the receiver's --key")
        message = unseal(message, keys) if sealed else message
    except CryptoRefused as error:
        raise InvalidInput(str(error)) from error
    if options.restored == options.output:
        raise WrongUse("expected two files for --output and --restored, found one")
    restored = {options.restored: [_png(picture)]} if options.restored else {}
    write_all_new({options.output: [message], **restored})
    rows = [("Written", f"{options.output}, {len(message):,} bytes")]
    if options.restored:
        rows.append(("Restored", f"{options.restored}, the picture as it was before"))
    values = {
        "file": str(options.output),
        "bytes": len(message),
        "sealed": sealed,
        "restored": str(options.restored) if options.restored else None,
    }
    console.result(values, columns(rows))
    return 0


def _measure(options: argparse.Namespace, console: Console) -> int:
    from backend.crypto import measures

    picture = _eight_bits(options.picture)
    correlation = _correlation(picture)
    values: dict[str, Any] = {
        "width": picture.shape[1],
        "height": picture.shape[0],
        "entropy": measures.entropy(picture),
        "correlation": correlation,
        "histogram": measures.histogram(picture).tolist(),
    }
    rows = [
        ("Entropy", f"{values['entropy']:.4f} bits of 8"),
        *((f"Correlation, {name}", f"{value:+.4f}") for name, value in correlation.items()),
    ]
    if options.other:
        other = _eight_bits(options.other)
        if other.shape != picture.shape:
            raise WrongUse(f"expected two pictures of one size and colour, found {picture.shape} and {other.shape}")
        is_equal = bool((picture == other).all())
        ssim = measures.ssim(picture, other) if min(picture.shape[:2]) >= measures.WINDOW else None
        psnr = _psnr(picture, other)
        npcr, uaci = measures.npcr(picture, other), measures.uaci(picture, other)
        values |= {"equal": is_equal, "psnr": psnr, "ssim": ssim, "npcr": npcr, "uaci": uaci}
        rows += [
            ("PSNR", "equal" if psnr is None else f"{psnr:.2f} dB"),
            ("SSIM", "too small" if ssim is None else f"{ssim:.4f}"),
            ("NPCR", f"{100 * npcr:.2f} %"),
            ("UACI", f"{100 * uaci:.2f} %"),
        ]
    console.result(values, columns(rows))
    return 0


def _cipher(options: argparse.Namespace, console: Console) -> int:
    from backend.crypto.remainder_cipher import KEYS, encrypt

    number = options.number or secrets.choice(KEYS[1:])
    write_new(options.output, _png(_by_number(encrypt, _bytes(options.picture), number)))
    values = {"file": str(options.output), "number": number, "protects": False}
    rows = [
        ("Written", str(options.output)),
        ("Number", str(number)),
        ("Warning", _NO_PROTECTION),
        ("Decrypt", f"scanproof lab decipher {options.output} --number {number} --output PNG"),
        ("Break", f"scanproof lab break {options.output} --output PNG"),
    ]
    console.result(values, columns(rows))
    return 0


def _decipher(options: argparse.Namespace, console: Console) -> int:
    from backend.crypto.remainder_cipher import decrypt

    write_new(options.output, _png(_by_number(decrypt, _bytes(options.picture), options.number)))
    console.result({"file": str(options.output)}, columns([("Written", str(options.output))]))
    return 0


def _break(options: argparse.Namespace, console: Console) -> int:
    import numpy as np
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from backend.crypto.errors import CryptoRefused
    from backend.crypto.remainder_cipher import KEYS, decrypt, find_key

    encrypted = _bytes(options.picture)
    started = time.perf_counter()
    try:
        with console.waiting(f"trying {len(KEYS)} keys"):
            number = find_key(encrypted)
    except CryptoRefused as error:
        raise InvalidInput(str(error)) from error
    picture = decrypt(encrypted, number)
    seconds = time.perf_counter() - started
    with console.waiting("measuring"):
        sealed = AESGCM(AESGCM.generate_key(256)).encrypt(secrets.token_bytes(12), picture.tobytes(), None)
        noise = np.frombuffer(sealed, np.uint8, picture.size).reshape(picture.shape)
        shown = {
            "picture": _randomness(picture),
            "cipher": _randomness(encrypted) | _differences(picture, encrypted),
            "aesGcm": _randomness(noise) | _differences(picture, noise),
        }
    write_new(options.output, _png(picture))
    values = {"file": str(options.output), "number": number, "tried": len(KEYS), "seconds": seconds, "measures": shown}
    rows = [
        ("Written", f"{options.output}, the picture without its key"),
        ("Number", f"{number}, of {len(KEYS)} that were tried in {seconds:.2f} s"),
        ("Warning", _NO_PROTECTION),
        ("", "".join(f"{name:>14}" for name in ("picture", "this cipher", "AES-GCM"))),
        *((_MEASURES[name], _figures(name, shown.values())) for name in shown["aesGcm"]),
    ]
    console.result(values, columns(rows))
    return 0


_MEASURES = {
    "entropy": "Entropy, bits of 8",
    "horizontal": "Correlation, horizontal",
    "vertical": "Correlation, vertical",
    "diagonal": "Correlation, diagonal",
    "psnr": "PSNR, dB",
    "npcr": "NPCR",
    "uaci": "UACI",
}


def _randomness(picture: Pixels) -> dict[str, float | None]:
    from backend.crypto import measures

    return {"entropy": measures.entropy(picture), **_correlation(picture)}


def _correlation(picture: Pixels) -> dict[str, float]:
    from backend.crypto import measures

    return {name: measures.correlation(picture, name) for name in measures.DIRECTIONS}


def _differences(picture: Pixels, encrypted: Pixels) -> dict[str, float | None]:
    from backend.crypto import measures

    return {
        "psnr": _psnr(picture, encrypted),
        "npcr": measures.npcr(picture, encrypted),
        "uaci": measures.uaci(picture, encrypted),
    }


def _psnr(one: Pixels, other: Pixels) -> float | None:
    """None for equal pictures, for which it is infinite."""
    from backend.crypto import measures

    found = measures.psnr(one, other)
    return found if math.isfinite(found) else None


def _figures(name: str, pictures: Iterable[dict[str, float | None]]) -> str:
    values = (each.get(name) for each in pictures)
    return "".join(f"{'' if value is None else f'{value:.4f}':>14}" for value in values)


def _by_number(step: Callable[[Pixels, int], Pixels], picture: Pixels, number: int) -> Pixels:
    """Raises WrongUse for a number that is no key."""
    from backend.crypto.remainder_cipher import KEYS

    if number not in KEYS:
        raise WrongUse(f"expected an odd --number from 1 to {KEYS[-1]} that 17 does not divide, found {number}")
    return step(picture, number)


_ACTS: dict[str, Callable[[argparse.Namespace, Console], int]] = {
    "hide": _hide,
    "reveal": _reveal,
    "measure": _measure,
    "cipher": _cipher,
    "decipher": _decipher,
    "break": _break,
}


def _shown(name: str) -> str:
    return "OTHER" if name == "other" else f"--{name}"


def _pixels(path: Path) -> Pixels:
    """The stored values. Raises UnsupportedImage."""
    import numpy as np
    from PIL import Image

    from backend.crypto.hiding import MAX_PIXELS
    from backend.domain import MAX_IMAGE_BYTES

    content = read_image(path)
    try:
        if len(content) > MAX_IMAGE_BYTES:
            raise ValueError(f"it has more than {MAX_IMAGE_BYTES:,} bytes")
        with Image.open(io.BytesIO(content)) as picture:
            if picture.mode not in _MODES:
                raise ValueError(f"its pixels are of the sort {picture.mode}")
            if picture.width * picture.height * len(picture.getbands()) > MAX_PIXELS:
                raise ValueError(f"it has more than {MAX_PIXELS:,} values")
            return np.asarray(picture)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnsupportedImage(f"{path}: expected a whole picture of 8 or 16 bits, grey or RGB: {error}") from error


def _bytes(path: Path) -> Pixels:
    """As ``_pixels``, of 8 bits only."""
    pixels = _pixels(path)
    if pixels.dtype.itemsize != 1:
        raise UnsupportedImage(f"{path}: expected a picture of 8 bits, found 16")
    return pixels


def _eight_bits(path: Path) -> Pixels:
    """As ``_pixels``; of 16 bits the upper 8."""
    import numpy as np

    pixels = _pixels(path)
    return pixels if pixels.dtype.itemsize == 1 else (pixels >> 8).astype(np.uint8)


def _png(pixels: Pixels) -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(pixels).save(written, format="PNG")
    return written.getvalue()
