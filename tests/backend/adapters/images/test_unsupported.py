"""A whole file of a kind that cannot be used is called by its name, never damaged, with what to do."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from backend.errors import UnsupportedImage
from tests.backend.adapters.images import metadata
from tests.backend.adapters.images.conftest import picture, saved

IMAGE = "expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found "
SHOWN = "expected an image that browsers show, found "
VOLUME = (
    f"{IMAGE}a NIfTI volume, which is classified slice by slice, but not recorded: take the DICOM "
    "series that it was made of, or save its slices as PNG and choose them together"
)
NIFTI = b"\x5c\1\0\0".ljust(344, b"\0") + b"n+1\0"
TO_PNG = ", which is not supported: convert it to PNG"
TO_8_BIT = ", which is not supported: convert it to an 8-bit PNG"
TO_GREY = ", which is not supported: convert it to unsigned 8-bit or 16-bit grey"
TO_COLOUR = ", which is not supported: convert it to 8 bits a channel"
DICOM = "expected a DICOM file with a picture, found a DICOM file without pixels: no modality"
ELEMENT = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"


def with_precision(bits: int) -> bytes:
    content = bytearray(saved("JPEG"))
    content[content.index(b"\xff\xc0") + 4] = bits
    return bytes(content)


def bmp(compression: int, masks: tuple[int, int, int], bits: int = 32) -> bytes:
    pixels = bytes(4 * 4 * bits // 8)
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, bits, compression, len(pixels), 0, 0, 0, 0)
    start = 14 + len(header) + 12
    return (
        b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + struct.pack("<III", *masks) + pixels
    )


def two_channels() -> bytes:
    content = bytearray(saved("JPEG"))
    start = content.index(b"\xff\xc0")
    content[start + 3] -= 3
    content[start + 9] = 2
    return bytes(content[: start + 16] + content[start + 19 :])


def height_behind() -> bytes:
    content = bytearray(saved("JPEG"))
    start = content.index(b"\xff\xc0")
    height = bytes(content[start + 5 : start + 7])
    content[start + 5 : start + 7] = bytes(2)
    return bytes(content[:-2]) + b"\xff\xdc\0\4" + height + b"\xff\xd9"


KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "dicom": (lambda: bytes(128) + b"DICM" + ELEMENT, DICOM),
    **{
        f"dicom-behind-{begin[:4]!r}": (lambda begin=begin: begin.ljust(128, b"\0") + b"DICM" + ELEMENT, DICOM)
        for begin in (
            b"II*\0\x54\0\0\0", b"MM\0*\0\0\0\x54", b"II+\0\x08\0\0\0", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM",
            b"GIF89a",
        )
    },
    "dicom-behind-a-whole-tiff": (lambda: metadata.raw_tiff()[:128].ljust(128, b"\0") + b"DICM" + ELEMENT, DICOM),
    "dicom-without-preamble": (lambda: ELEMENT + bytes(60), DICOM),
    "dicom-without-preamble-implicit": (lambda: b"\x08\0\x08\0\x10\0\0\0ORIGINAL\\PRIMARY" + bytes(60), DICOM),
    "gif": (lambda: saved("GIF"), f"{IMAGE}a GIF{TO_PNG}"),
    "pdf": (lambda: saved("PDF"), f"{IMAGE}a PDF{TO_PNG}"),
    "video": (lambda: b"\0\0\0\x18ftypisom", f"{IMAGE}a HEIC, AVIF or video file{TO_PNG}"),
    "zip": (lambda: b"PK\3\4" + bytes(30), f"{IMAGE}a ZIP archive{TO_PNG}"),
    "gzip": (lambda: b"\x1f\x8b" + bytes(30), f"{IMAGE}a gzip archive{TO_PNG}"),
    "jpeg-2000": (lambda: saved("JPEG2000"), f"{IMAGE}a JPEG 2000 image{TO_PNG}"),
    "jpeg-2000-codestream": (lambda: saved("JPEG2000", no_jp2=True), f"{IMAGE}a JPEG 2000 image{TO_PNG}"),
    "jpeg-xl": (lambda: b"\xff\x0a" + bytes(30), f"{IMAGE}a JPEG XL image{TO_PNG}"),
    "jpeg-xl-container": (lambda: b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(30), f"{IMAGE}a JPEG XL image{TO_PNG}"),
    "heic": (lambda: b"\0\0\0\x18ftypheic" + bytes(30), f"{IMAGE}a HEIC image{TO_PNG}"),
    "avif": (lambda: b"\0\0\0\x18ftypavif" + bytes(30), f"{IMAGE}an AVIF image{TO_PNG}"),
    "psd": (lambda: b"8BPS\0\1" + bytes(30), f"{IMAGE}a Photoshop file (PSD){TO_PNG}"),
    "netpbm": (lambda: saved("PPM"), f"{IMAGE}a Netpbm image{TO_PNG}"),
    "nifti": (lambda: NIFTI, VOLUME),
    "nifti-gzipped": (lambda: gzip.compress(NIFTI), VOLUME),
    "nifti-2": (lambda: b"\x1c\2\0\0n+2\0\r\n\x1a\n".ljust(540, b"\0"), VOLUME),
    "jpeg-12-bits": (lambda: with_precision(12), f"{SHOWN}a JPEG with 12 bits a channel{TO_8_BIT}"),
    "jpeg-two-channels": (two_channels, f"{SHOWN}a JPEG with 2 channels{TO_8_BIT}"),
    "jpeg-lossless": (lambda: metadata.with_marker(saved("JPEG"), 0xC3), f"{SHOWN}a lossless JPEG{TO_8_BIT}"),
    "jpeg-lossless-arithmetic": (
        lambda: metadata.with_marker(saved("JPEG"), 0xCB), f"{SHOWN}a lossless JPEG{TO_8_BIT}"
    ),
    "jpeg-arithmetic": (
        lambda: metadata.with_marker(saved("JPEG"), 0xC9), f"{SHOWN}a JPEG with arithmetic coding{TO_8_BIT}"
    ),
    "jpeg-arithmetic-progressive": (
        lambda: metadata.with_marker(saved("JPEG"), 0xCA), f"{SHOWN}a JPEG with arithmetic coding{TO_8_BIT}"
    ),
    "jpeg-hierarchical": (
        lambda: metadata.with_marker(saved("JPEG"), 0xC5), f"{SHOWN}a hierarchical JPEG{TO_8_BIT}"
    ),
    "jpeg-hierarchical-header": (
        lambda: metadata.jpeg((0xDE, bytes(15))), f"{SHOWN}a hierarchical JPEG{TO_8_BIT}"
    ),
    "jpeg-height-behind": (
        height_behind, f"{SHOWN}a JPEG that gives its height behind its picture (DNL){TO_8_BIT}"
    ),
    "png-of-xcode": (
        lambda: metadata.png((b"CgBI", bytes(4))), f"{SHOWN}a PNG with the chunk b'CgBI'{TO_8_BIT}"
    ),
    "jpeg-ls": (lambda: metadata.jpeg((0xF7, bytes(9))), f"{SHOWN}a JPEG-LS image{TO_8_BIT}"),
    "png-16-bit-colour": (metadata.deep_png, f"{SHOWN}a PNG with 16 bits in each of several channels{TO_COLOUR}"),
    "png-16-bit-alpha": (
        lambda: metadata.deep_png(colour=4), f"{SHOWN}a PNG with 16 bits in each of several channels{TO_COLOUR}"
    ),
    "png-16-bit-colour-alpha-turned": (
        lambda: metadata.png((b"eXIf", metadata.exif(6)), picture_bytes=metadata.deep_png(colour=6)),
        f"{SHOWN}a PNG with 16 bits in each of several channels{TO_COLOUR}",
    ),
    "tiff-16-bit-colour": (
        lambda: metadata.raw_tiff(bits=(16, 16, 16)), f"{SHOWN}a colour TIFF with 16 bits a channel{TO_COLOUR}"
    ),
    "tiff-signed-8": (
        lambda: metadata.raw_tiff(bits=(8,), sample_format=2),
        f"{SHOWN}a TIFF with signed 8-bit pixels{TO_GREY}, for example by adding 128 to each pixel",
    ),
    "tiff-signed-16": (
        lambda: metadata.raw_tiff(bits=(16,), sample_format=2),
        f"{SHOWN}a TIFF with signed 16-bit pixels{TO_GREY}, for example by adding 32768 to each pixel",
    ),
    "tiff-signed-16-big": (
        lambda: metadata.raw_tiff(bits=(16,), sample_format=2, big=True),
        f"{SHOWN}a TIFF with signed 16-bit pixels{TO_GREY}, for example by adding 32768 to each pixel",
    ),
    "tiff-signed-colour": (
        lambda: metadata.raw_tiff(sample_format=2),
        f"{SHOWN}a TIFF with signed 8-bit pixels{TO_GREY}, for example by adding 128 to each pixel",
    ),
    **{
        f"tiff-float-{bits}": (
            lambda bits=bits: metadata.raw_tiff(bits=(bits,), sample_format=3),
            f"{SHOWN}a TIFF with {bits}-bit floating-point pixels{TO_GREY}",
        )
        for bits in (16, 24, 32, 64)
    },
    "tiff-float-colour": (
        lambda: metadata.raw_tiff(bits=(32, 32, 32), sample_format=3),
        f"{SHOWN}a TIFF with 32-bit floating-point pixels{TO_GREY}",
    ),
    "tiff-complex": (
        lambda: metadata.raw_tiff(bits=(64,), sample_format=6), f"{SHOWN}a TIFF with complex pixels{TO_GREY}"
    ),
    "tiff-32": (lambda: metadata.raw_tiff(bits=(32,)), f"{SHOWN}a TIFF with 32-bit pixels{TO_GREY}"),
    "tiff-64": (lambda: metadata.raw_tiff(bits=(64,)), f"{SHOWN}a TIFF with 64-bit pixels{TO_GREY}"),
    "tiff-signed-32": (
        lambda: metadata.raw_tiff(bits=(32,), sample_format=2),
        f"{SHOWN}a TIFF with signed 32-bit pixels{TO_GREY}",
    ),
    "tiff-16-white-is-zero": (
        lambda: metadata.tiff({262: 0}, mode="I;16"),
        f"{SHOWN}a 16-bit TIFF in which zero is white, which is not supported: "
        "convert it to one in which zero is black",
    ),
    "tiff-cmyk": (
        lambda: saved("TIFF", picture("CMYK")),
        f"{SHOWN}an image with CMYK pixels, which is not supported: convert it to grey or RGB",
    ),
    **{
        f"tiff-compression-{number}": (
            lambda number=number: metadata.raw_tiff(compression=number, data=b"no such data" * 9),
            f"{SHOWN}a TIFF with {name} compression ({number}){TO_8_BIT}",
        )
        for number, name in (
            (50001, "WebP"), (34712, "JPEG 2000"), (33005, "JPEG 2000"), (50002, "JPEG XL"), (52546, "JPEG XL"),
            (34887, "LERC"), (34661, "JBIG"), (34676, "LogLuv"), (12345, "unknown"),
        )
    },
    "tiff-layout": (
        lambda: metadata.raw_tiff(bits=(3, 3, 2)),
        f"{SHOWN}a TIFF with 3 + 3 + 2 bits a pixel and photometric interpretation 2{TO_8_BIT}",
    ),
    "bmp-masks": (
        lambda: bmp(3, (0x3FF00000, 0xFFC00, 0x3FF)),
        f"{SHOWN}a BMP with 32-bit pixels in an unusual layout (compression 3){TO_8_BIT}",
    ),
    "bmp-16-bit-masks": (
        lambda: bmp(3, (0xF00, 0xF0, 0xF), 16),
        f"{SHOWN}a BMP with 16-bit pixels in an unusual layout (compression 3){TO_8_BIT}",
    ),
    "bmp-jpeg": (
        lambda: bmp(4, (0, 0, 0), 24), f"{SHOWN}a BMP with 24-bit pixels in an unusual layout (compression 4){TO_8_BIT}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_an_unsupported_kind_is_called_by_its_name(accept, name):
    make, message = KINDS[name]
    with pytest.raises(UnsupportedImage) as error:
        accept(make())
    assert str(error.value) == message


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_the_hand_made_tiff_is_whole(accept, dtype):
    upload = metadata.raw_tiff(bits=(np.dtype(dtype).itemsize * 8,))
    expected = np.frombuffer(upload[-4 * np.dtype(dtype).itemsize :], dtype).reshape(2, 2)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(accept(upload)[0]))), expected)


def test_a_bmp_with_usual_masks_is_accepted(accept):
    assert accept(bmp(3, (0xFF0000, 0xFF00, 0xFF)))[1].media_type == "image/png"


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "zstd", "lzma"])
def test_what_pillow_reads_of_a_tiff_is_accepted(accept, compression):
    assert accept(saved("TIFF", compression=compression))[1].width == picture().width


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
def test_a_cut_tiff_of_a_usual_kind_is_still_called_damaged(accept, compression, share):
    upload = saved("TIFF", compression=compression)
    with pytest.raises(UnsupportedImage, match=r"^expected a whole TIFF image, found one that is cut off or damaged$"):
        accept(upload[: int(len(upload) * share)])


@pytest.mark.parametrize(("compression", "magic"), [("zstd", b"\x28\xb5\x2f\xfd"), ("lzma", b"\xfd7zXZ")])
def test_a_garbled_tiff_of_a_kind_that_is_read_is_called_damaged(accept, compression, magic):
    upload = saved("TIFF", compression=compression)
    assert magic in upload
    with pytest.raises(UnsupportedImage, match=r"^expected a whole TIFF image, found one that is cut off or damaged$"):
        accept(upload.replace(magic, bytes(len(magic))))
