"""What hides beside the picture goes; the picture does not change by a bit."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
import pydicom
import pytest
from PIL import Image

from backend.adapters.dicom import streams
from backend.adapters.dicom.deidentification import deidentify
from backend.errors import UnsupportedImage
from tests.backend.adapters.dicom.encoding import BIG_ENDIAN, EXPLICIT, IMPLICIT, Encoding, file

KEY = bytes(32)
SECRET = b"DOE^JANE"


def native(uid: str, pixels: bytes, *, side: int = 4, allocated: int = 16, stored: int = 12, signed: int = 0) -> bytes:
    encoding = Encoding(uid)
    numbers = {
        0x00280002: 1,
        0x00280010: side,
        0x00280011: side,
        0x00280100: allocated,
        0x00280101: stored,
        0x00280102: stored - 1,
        0x00280103: signed,
    }
    elements = {tag: encoding.element(tag, "US", number) for tag, number in numbers.items()}
    elements[0x00080016] = encoding.element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7")
    elements[0x00280004] = encoding.element(0x00280004, "CS", "MONOCHROME2")
    elements[0x7FE00010] = encoding.element(0x7FE00010, "OW" if allocated > 8 else "OB", pixels)
    return file(encoding, elements)


def pixels_of(content: bytes) -> np.ndarray:
    return pydicom.dcmread(io.BytesIO(content)).pixel_array


@pytest.mark.parametrize("uid", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_bits_that_are_not_stored_are_cleared(uid: str) -> None:
    order = ">" if uid == BIG_ENDIAN else "<"
    content = native(uid, struct.pack(f"{order}16H", *(number | 0xF000 for number in range(16))))

    clean = deidentify(content, KEY)

    assert pydicom.dcmread(io.BytesIO(clean.content)).PixelData == struct.pack("<16H", *range(16))
    assert clean.report.cleaned == {"(7FE0,0010) Pixel Data": 1}


def test_the_sign_of_a_number_stays() -> None:
    content = native(EXPLICIT, struct.pack("<16h", *range(-8, 8)), signed=1)
    clean = deidentify(content, KEY)
    assert pixels_of(clean.content).ravel().tolist() == list(range(-8, 8))
    assert clean.report.cleaned == {}


def test_bytes_behind_the_last_frame_go() -> None:
    clean = deidentify(native(EXPLICIT, bytes(16) + SECRET, allocated=8, stored=8), KEY)
    assert SECRET not in clean.content
    assert pixels_of(clean.content).shape == (4, 4)


def test_words_of_32_bits_change_their_byte_order_as_a_whole() -> None:
    content = native(BIG_ENDIAN, struct.pack(">16I", *range(16)), allocated=32, stored=32)
    assert pydicom.dcmread(io.BytesIO(deidentify(content, KEY).content)).PixelData == struct.pack("<16I", *range(16))


def jpeg(**options: object) -> bytes:
    output = io.BytesIO()
    Image.effect_noise((48, 32), 60).save(output, "JPEG", **options)
    return output.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(payload)) + payload


def test_comments_and_application_segments_of_a_jpeg_are_cleared() -> None:
    whole = jpeg(progressive=True, icc_profile=SECRET * 10)
    planted = whole[:2] + segment(0xFE, SECRET) + segment(0xED, SECRET) + segment(0xE8, SECRET) + whole[2:] + SECRET

    fragments, changed = streams.clean("jpeg", [planted], 48 * 32)

    assert changed
    assert SECRET not in fragments[0]
    assert len(fragments[0]) == len(planted)
    assert Image.open(io.BytesIO(fragments[0])).tobytes() == Image.open(io.BytesIO(whole)).tobytes()


def test_a_comment_between_two_scans_is_cleared() -> None:
    whole = jpeg(progressive=True)
    scan = whole.rindex(b"\xff\xda")
    table = whole.rindex(b"\xff\xc4", 0, scan)  # a table before the last scan, where a segment may begin
    (cleared,), _ = streams.clean("jpeg", [whole[:table] + segment(0xFE, SECRET) + whole[table:]], 48 * 32)
    assert SECRET not in cleared


def test_several_frames_in_several_fragments() -> None:
    frames = [jpeg(comment=SECRET) for _ in range(2)]
    fragments = [frames[0][:100], frames[0][100:], frames[1] + SECRET, SECRET]
    cleared, _ = streams.clean("jpeg", fragments, 48 * 32)
    assert [len(part) for part in cleared] == [len(part) for part in fragments]
    assert SECRET not in b"".join(cleared)
    Image.open(io.BytesIO(cleared[0] + cleared[1])).load()
    Image.open(io.BytesIO(cleared[2])).load()


@pytest.mark.parametrize("boxed", [False, True])
def test_comments_boxes_and_the_rest_of_a_jpeg_2000_are_cleared(boxed: bool) -> None:
    output = io.BytesIO()
    Image.effect_noise((48, 32), 60).save(output, "JPEG2000", no_jp2=not boxed, comment=SECRET)
    whole = output.getvalue()
    if boxed:
        place = whole.index(b"jp2c") - 4
        box = struct.pack(">I", 8 + len(SECRET)) + b"xml " + SECRET
        whole = whole[:place] + box + whole[place:]
        header = whole.index(b"jp2h")
        length = int.from_bytes(whole[header - 4 : header])
        end = header - 4 + length
        whole = whole[: header - 4] + struct.pack(">I", length + len(box)) + whole[header:end] + box + whole[end:]

    (cleared,), changed = streams.clean("jpeg2000", [whole + SECRET], 48 * 32)

    assert changed
    assert SECRET not in cleared
    assert Image.open(io.BytesIO(cleared)).tobytes() == Image.open(io.BytesIO(whole)).tobytes()


def test_gaps_of_an_rle_frame_are_cleared() -> None:
    codes = bytes((255 - 14, 9))  # 16 bytes of one value
    frame = struct.pack("<16I", 1, 72, *[0x4A4F484E] * 14) + SECRET + codes + SECRET
    (cleared,), _ = streams.clean("rle", [frame], 16)
    assert cleared == struct.pack("<16I", 1, 72, *[0] * 14) + bytes(8) + codes + bytes(8)


@pytest.mark.parametrize(
    ("stream", "fragments"),
    [
        ("jpeg", [b"GIF89a"]),
        ("jpeg", [b"\xff\xd8\xff\xe0\xff\xff"]),
        ("jpeg2000", [b"\xff\xd8\xff\xe0"]),
        ("jpeg2000", [b"\xff\x4f\xff\x51\xff\xff"]),
        ("jpeg2000", [b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x01abcd"]),
        ("rle", [b"short"]),
        ("rle", [struct.pack("<16I", 2, 100, 64, *[0] * 13) + bytes(64)]),
        ("rle", [struct.pack("<16I", 99, *[64] * 15)]),
    ],
)
def test_data_of_another_codec_are_refused(stream: str, fragments: Sequence[bytes]) -> None:
    with pytest.raises(UnsupportedImage, match=r"expected whole .* data in \(7FE0,0010\) Pixel Data, found damaged"):
        streams.clean(stream, fragments, 16)
