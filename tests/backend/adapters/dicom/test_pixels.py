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
from tests.backend.adapters.dicom.encoding import BIG_ENDIAN, EXPLICIT, IMPLICIT, JPEG, Encoding, encapsulated, file

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


def test_a_second_picture_within_a_fragment_is_cleared() -> None:
    first, second = jpeg(), jpeg(comment=SECRET)
    (cleared,), changed = streams.clean("jpeg", [first[:-2] + second], 48 * 32)
    assert changed
    assert cleared == first[:-2] + bytes(len(second))


@pytest.mark.parametrize("end", [b"", b"\xff", b"\xff\x00"])
def test_a_jpeg_without_an_end_stays(end: bytes) -> None:
    whole = jpeg()[:-2].rstrip(b"\xff") + end
    assert streams.clean("jpeg", [whole], 48 * 32) == ([whole], False)


def test_a_fragment_that_is_no_picture_is_cleared() -> None:
    """It follows a picture that has ended."""
    whole = jpeg()
    cleared, changed = streams.clean("jpeg", [whole, SECRET, bytes(4)], 48 * 32)
    assert (cleared, changed) == ([whole, bytes(len(SECRET)), bytes(4)], True)


def codestream() -> bytes:
    """One tile-part, and a comment that is empty already."""
    output = io.BytesIO()
    Image.effect_noise((48, 32), 60).save(output, "JPEG2000", no_jp2=True, comment=SECRET)
    return output.getvalue().replace(SECRET, bytes(len(SECRET)))


def with_tile_length(whole: bytes, length: int) -> bytes:
    """The length stands 6 bytes behind the marker SOT (T.800, section A.4.2)."""
    place = whole.index(b"\xff\x90") + 6
    return whole[:place] + struct.pack(">I", length) + whole[place + 4 :]


def test_a_tile_part_of_open_length_ends_with_its_codestream() -> None:
    """T.800, section A.4.2: the last tile-part may have the length 0."""
    open_end = with_tile_length(codestream(), 0)
    assert open_end.endswith(b"\xff\xd9")
    cleared, changed = streams.clean("jpeg2000", [open_end + SECRET, open_end], 48 * 32)
    assert changed
    assert cleared == [open_end + bytes(len(SECRET)), open_end]
    assert streams.clean("jpeg2000", [open_end[:-2]], 48 * 32) == ([open_end[:-2]], False)


def test_a_codestream_without_an_end_ends_with_its_tile_parts() -> None:
    whole = codestream()
    cleared, changed = streams.clean("jpeg2000", [whole[:-2] + b"\0\0"], 48 * 32)
    assert (cleared, changed) == ([whole[:-2] + b"\0\0"], False)
    assert streams.clean("jpeg2000", [whole], 48 * 32) == ([whole], False)


@pytest.mark.parametrize("length", [13, 1 << 31])
def test_a_tile_part_of_an_impossible_length_is_refused(length: int) -> None:
    with pytest.raises(UnsupportedImage, match="expected whole JPEG 2000 data"):
        streams.clean("jpeg2000", [with_tile_length(codestream(), length)], 48 * 32)


def test_a_jp2_file_without_a_codestream_in_its_box_is_refused() -> None:
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I", 8 + len(SECRET)) + b"jp2c" + SECRET
    with pytest.raises(UnsupportedImage, match="expected whole JPEG 2000 data"):
        streams.clean("jpeg2000", [boxes], 48 * 32)


def test_a_box_of_64_bits_is_read() -> None:
    signature = b"\0\0\0\x0cjP  \r\n\x87\n"
    box = struct.pack(">I4sQ", 1, b"jp2c", 0) + codestream()
    hidden = struct.pack(">I4sQ", 1, b"uuid", 16 + len(SECRET)) + SECRET
    (cleared,), _ = streams.clean("jpeg2000", [signature + hidden + box], 48 * 32)
    assert cleared == signature + hidden[:16] + bytes(len(SECRET)) + box


def test_a_code_of_rle_that_says_nothing_is_passed_over() -> None:
    """128 is no operation (PS3.5, section G.3.1)."""
    codes = bytes((128, 255 - 14, 9, 128))
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + codes[:3] + SECRET
    (cleared,), _ = streams.clean("rle", [frame], 16)
    assert cleared == frame[: -len(SECRET)] + bytes(len(SECRET))


def test_colours_of_half_the_columns_are_a_whole_picture() -> None:
    """YBR_FULL_422 stored as such: four values for two pixels (PS3.3, section C.7.6.3.1.2)."""
    encoding = Encoding(EXPLICIT)
    content = native(EXPLICIT, bytes(range(32)) + SECRET, allocated=8, stored=8)
    content = content.replace(encoding.element(0x00280002, "US", 1), encoding.element(0x00280002, "US", 3))
    content = content.replace(
        encoding.element(0x00280004, "CS", "MONOCHROME2"), encoding.element(0x00280004, "CS", "YBR_FULL_422")
    )
    assert pydicom.dcmread(io.BytesIO(deidentify(content, KEY).content)).PixelData == bytes(range(32))


def test_values_whose_high_bit_is_impossible_stay() -> None:
    """Nobody can say which bits are the picture."""
    encoding = Encoding(EXPLICIT)
    content = native(EXPLICIT, struct.pack("<16H", *(0xF000 | number for number in range(16))))
    content = content.replace(encoding.element(0x00280102, "US", 11), encoding.element(0x00280102, "US", 3))
    found = pydicom.dcmread(io.BytesIO(deidentify(content, KEY).content))
    assert found.PixelData == struct.pack("<16H", *(0xF000 | number for number in range(16)))


def with_offsets(first: int, wrong: int, lengths: int) -> pydicom.Dataset:
    """The de-identified form of two frames with an Extended Offset Table, of which the second entry and the first
    length are ``wrong`` by so much, and with a table of as many ``lengths``."""
    encoding, picture = Encoding(JPEG), jpeg()
    picture += bytes(len(picture) % 2)
    sizes = [len(picture) + wrong, len(picture)][:lengths]
    elements = {
        0x7FE00001: encoding.element(0x7FE00001, "OV", struct.pack("<2Q", 0, first + 8 + len(picture))),
        0x7FE00010: encoding.element(0x7FE00010, "OB", encapsulated(picture, picture), undefined=True),
    }
    if sizes:
        elements[0x7FE00002] = encoding.element(0x7FE00002, "OV", struct.pack(f"<{lengths}Q", *sizes))
    return pydicom.dcmread(io.BytesIO(deidentify(file(encoding, elements), KEY).content))


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_table_of_offsets_that_is_true_stays(wrong: int) -> None:
    """A length is with or without the padding (PS3.3, section C.7.6.3.1.8)."""
    found = with_offsets(0, wrong, 2)
    assert len(found.ExtendedOffsetTable) == len(found.ExtendedOffsetTableLengths) == 16


@pytest.mark.parametrize(("first", "wrong", "lengths"), [(2, 0, 2), (0, 2, 2), (0, -2, 2), (0, 0, 1), (0, 0, 0)])
def test_a_table_of_offsets_that_is_wrong_goes(first: int, wrong: int, lengths: int) -> None:
    found = with_offsets(first, wrong, lengths)
    assert "ExtendedOffsetTable" not in found
    assert "ExtendedOffsetTableLengths" not in found
    assert "PixelData" in found
