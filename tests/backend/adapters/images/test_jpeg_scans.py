"""A JPEG has no checksums: its compressed data are read to the last bit. Good files of many encoders pass, damaged ones
that end with a proper end marker do not."""

from __future__ import annotations

import io
import os
import random
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from backend.adapters.images.inspection import inspect
from backend.adapters.images.jpeg import check_encapsulated, check_picture_data, strip
from backend.adapters.images.stripped import Findings
from backend.errors import UnsupportedImage
from ml.datasets.phantom import phantom_png
from tests.backend.adapters.images.conftest import picture, saved

END = b"\xff\xd9"
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
PICTURES = {
    "noise": picture(),
    "scan": Image.open(io.BytesIO(phantom_png(200))),
    "smooth": picture().resize((120, 90)).filter(ImageFilter.GaussianBlur(8)),
    "black-and-white": Image.fromarray(np.random.default_rng(1).integers(0, 2, (65, 66, 3), np.uint8) * 255),
    "one-pixel": Image.new("RGB", (1, 1), (255, 255, 255)),
    "strip": Image.new("RGB", (17, 3), (9, 200, 30)),
}
PILLOW: list[dict] = [
    {}, {"quality": 1}, {"quality": 100}, {"optimize": True}, {"subsampling": 0}, {"subsampling": 1},
    {"restart_marker_blocks": 1}, {"restart_marker_blocks": 5}, {"restart_marker_rows": 1},
    {"qtables": [[1] * 64, [255] * 64]},
]  # fmt: skip
OPENCV = [
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    [cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_QUALITY, 70],
    [cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 1],
    *([cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor] for factor in (0x411111, 0x211111, 0x121111, 0x111111)),
]


def is_whole(content: bytes) -> bool:
    try:
        check_picture_data(strip(content, Findings()))
    except UnsupportedImage:
        return False
    return True


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("name", PICTURES)
def test_what_pillow_writes_is_whole(name, mode, progressive):
    for options in PILLOW:
        if mode == "RGB" or not options.keys() & {"subsampling", "qtables"}:
            assert is_whole(saved("JPEG", PICTURES[name].convert(mode), progressive=progressive, **options)), options


@pytest.mark.parametrize("name", PICTURES)
def test_what_opencv_writes_is_whole(name):
    for options in OPENCV:
        _, content = cv2.imencode(".jpg", np.asarray(PICTURES[name].convert("RGB")), options)
        assert is_whole(content.tobytes()), options


@pytest.mark.parametrize(("progressive", "process", "bits"), [(False, 0xC0, 12), (False, 0xC1, 16), (True, 0xC2, 10)])
def test_a_frame_in_a_dicom_file_has_bits_of_its_process(progressive, process, bits):
    content = bytearray(saved("JPEG", progressive=progressive))
    check_encapsulated(bytes(content))
    start = re.search(rb"\xff[\xc0\xc2]", content).start()
    content[start + 1], content[start + 4] = process, bits
    with pytest.raises(UnsupportedImage, match=f"found a JPEG with {bits} bits a channel, which is not supported"):
        check_encapsulated(bytes(content))


def test_components_in_scans_of_their_own_are_whole():
    """Grey scans of the same size, put together as the three components of one picture."""
    planes = [saved("JPEG", PICTURES["scan"].convert("L").rotate(90 * turn)) for turn in range(3)]
    size = b"".join(part.to_bytes(2) for part in (200, 200))
    tables, scans = b"", b""
    for id_, plane in enumerate(planes, start=1):
        start = plane.index(b"\xff\xda")
        scans += b"\xff\xda\0\x08\1" + bytes((id_, 0)) + b"\0\x3f\0" + plane[start + 10 : -2]
    first = planes[0]
    for marker in (b"\xff\xdb", b"\xff\xc4"):
        for found in re.finditer(re.escape(marker), first[: first.index(b"\xff\xda")]):
            length = int.from_bytes(first[found.start() + 2 : found.start() + 4])
            tables += first[found.start() : found.start() + 2 + length]
    frame = b"\xff\xc0\0\x11\x08" + size + b"\3" + b"".join(bytes((id_, 0x11, 0)) for id_ in (1, 2, 3))
    content = b"\xff\xd8" + tables + frame + scans + END
    assert np.asarray(Image.open(io.BytesIO(content))).shape == (200, 200, 3)
    assert is_whole(content)
    assert not is_whole(content[: content.rindex(b"\xff\xda")] + END)


def test_padding_and_a_last_restart_marker_are_no_damage():
    content = saved("JPEG")
    assert is_whole(content[:-2] + b"\0\0" + END)
    assert is_whole(content[:-2] + b"\xff\xff" + END)
    restarted = saved("JPEG", restart_marker_rows=1)
    markers = RESTART.findall(restarted)
    assert is_whole(restarted[:-2] + bytes((0xFF, 0xD0 + len(markers) % 8)) + END)


@pytest.mark.slow
def test_the_scans_of_the_data_folder_are_whole():
    data = Path(os.environ.get("SCANPROOF_DATA", Path(__file__).parents[5] / "shared" / "data"))
    files = sorted(data.rglob("*.jp*g"))
    if not files:
        pytest.skip(f"no JPEG in {data}: set SCANPROOF_DATA")
    assert [path for path in files if not is_whole(path.read_bytes())] == []


VICTIMS = {
    "plain": {},
    "colour": {"mode": "RGB"},
    "subsampled": {"mode": "RGB", "subsampling": 2},
    "progressive": {"progressive": True},
    "progressive-colour": {"mode": "RGB", "progressive": True},
    "restarted": {"restart_marker_rows": 1},
    "restarted-progressive": {"restart_marker_rows": 1, "progressive": True},
}


def victim(name: str) -> bytes:
    options = dict(VICTIMS[name])
    return saved("JPEG", PICTURES["scan"].convert(options.pop("mode", "L")), quality=85, **options)


def refusal(content: bytes) -> str:
    with pytest.raises(UnsupportedImage) as error:
        inspect(content)
    return str(error.value)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("name", VICTIMS)
def test_a_cut_jpeg_that_was_closed_is_refused(name, share):
    content = victim(name)
    start = content.index(b"\xff\xda") + 20
    cut = content[: start + int((len(content) - start) * share)].rstrip(b"\xff")
    Image.open(io.BytesIO(cut + END)).load()
    assert refusal(cut + END).startswith("expected a whole JPEG, found one ")


@pytest.mark.parametrize("name", ["progressive", "progressive-colour", "restarted-progressive"])
def test_a_progressive_jpeg_without_its_last_scans_is_refused(name):
    content = victim(name)
    scans = [found.start() for found in re.finditer(rb"\xff\xda", content)]
    assert len(scans) > 3
    for start in scans[1:]:
        tables = content.rindex(b"\xff\xc4", 0, start) if b"\xff\xc4" in content[scans[0] : start] else start
        cut = content[: max(tables, scans[scans.index(start) - 1] + 12)] if tables < start else content[:start]
        if not RESTART.search(cut[-2:]):
            assert not is_whole(cut + END)
    first = content[: re.compile(rb"\xff[\xc4\xda]").search(content, scans[0] + 12).start()] + END
    assert refusal(first) == "expected a whole JPEG, found one whose last scans are missing"


@pytest.mark.parametrize("name", ["restarted", "restarted-progressive"])
@pytest.mark.parametrize("number", [1, 2, 8])
def test_missing_restart_intervals_are_found(name, number):
    content = victim(name)
    start = content.index(b"\xff\xda") + 12
    markers = [found.start() for found in RESTART.finditer(content, start)]
    cut = content[: markers[2]] + content[markers[2 + number] :]
    assert refusal(cut) == "expected a whole JPEG, found one whose restart intervals are incomplete"


@pytest.mark.parametrize("name", VICTIMS)
@pytest.mark.parametrize("fill", ["noise", "zeros", "removed", "doubled"])
def test_a_garbled_middle_is_found(name, fill):
    """Huffman codes find their step again after damage, so some of it stays: all but a few of the larger ones are."""
    generator = random.Random(f"{name} {fill}")
    content = victim(name)
    start = content.index(b"\xff\xda") + 14
    found = 0
    for _ in range(20):
        place = generator.randrange(start, len(content) - 400)
        part = {
            "noise": generator.randbytes(256).replace(b"\xff", b"\xfe"),
            "zeros": bytes(256),
            "removed": b"",
            "doubled": content[place : place + 256] * 2,
        }[fill]
        found += not is_whole(content[:place] + part + content[place + 256 :])
    assert found >= 18


def test_the_rest_of_a_file_that_was_filled_with_zeros_is_found():
    content = victim("plain")
    half = len(content) // 2
    assert refusal(content[:half] + bytes(len(content) - half - 2) + END).startswith(
        "expected a whole JPEG, found one "
    )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c[:-2] + b"\x12\x34\x56" + END, "that is damaged: data are left over behind its pixels"),
        (lambda c: c.replace(b"\xff\xda\0\x08\1\1\0", b"\xff\xda\0\x08\1\1\x33"), "that is damaged in scan 1"),
        (lambda c: c.replace(b"\xff\xda\0\x08\1\1", b"\xff\xda\0\x08\1\7"), "that is damaged in scan 1"),
        (lambda c: c[:-2] + c[c.index(b"\xff\xda") :], "whose scans do not continue each other"),
        (lambda c: c[:-2] + c[c.index(b"\xff\xc0") : c.index(b"\xff\xc4")] + END, "with two frames"),
        (lambda c: c.replace(b"\xff\xc4\0\x1f\0\0\1", b"\xff\xc4\0\x1f\0\3\1"), "with an impossible Huffman code"),
    ],
)
def test_the_damage_is_named(damage, message):
    assert refusal(damage(victim("plain"))) == f"expected a whole JPEG, found one {message}"


def test_a_frame_without_width_is_refused():
    content = bytearray(victim("plain"))
    content[content.index(b"\xff\xc0") + 7 : content.index(b"\xff\xc0") + 9] = b"\0\0"
    assert refusal(bytes(content)) == "expected a whole JPEG, found one whose frame header is damaged"
