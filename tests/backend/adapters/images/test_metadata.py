"""Whatever a file says beside its pixels is gone from what is pinned, and the person hears of it."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.backend.adapters.images.conftest import SECRET, opened, picture, same_pixels, saved
from tests.backend.adapters.images.metadata import PROFILE, TEXT, bmp_with_gap, exif, jpeg, png, png_chunk, tiff, webp

XMP = b"http://ns.adobe.com/xap/1.0/\0" + SECRET
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1e\x1c\x02\x78\0\x19" + SECRET
JFIF = b"JFIF\0\1\1\0\0\1\0\1"
DEFLATED = zlib.compress(SECRET * 3)
PLANTED = {
    "jpeg-exif": (jpeg((0xE1, b"Exif\0\0" + exif())), {"EXIF"}),
    "jpeg-gps": (jpeg((0xE1, b"Exif\0\0" + exif(gps=True))), {"EXIF", "GPS position"}),
    "jpeg-exif-thumbnail": (jpeg((0xE1, b"Exif\0\0" + exif(thumbnail=True))), {"EXIF", "thumbnail"}),
    "jpeg-broken-exif": (jpeg((0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff" + SECRET)), {"EXIF"}),
    "jpeg-xmp": (jpeg((0xE1, XMP)), {"XMP"}),
    "jpeg-long-xmp": (jpeg((0xE1, b"http://ns.adobe.com/xmp/extension/\0" + SECRET)), {"XMP"}),
    "jpeg-iptc": (jpeg((0xED, IPTC)), {"IPTC"}),
    "jpeg-comment": (jpeg((0xFE, SECRET)), {"comments"}),
    "jpeg-jfif-thumbnail": (jpeg((0xE0, JFIF + b"\1\1" + SECRET)), {"thumbnail"}),
    "jpeg-jfxx-thumbnail": (jpeg((0xE0, b"JFXX\0\x10" + SECRET)), {"thumbnail"}),
    "jpeg-other": (jpeg((0xEB, SECRET)), {"other data"}),
    "jpeg-more-pictures": (jpeg((0xE2, b"MPF\0" + SECRET)), {"other data"}),
    "jpeg-adobe": (jpeg((0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET)), set()),
    "jpeg-between": (saved("JPEG")[:20] + SECRET + saved("JPEG")[20:], {"other data"}),
    "jpeg-trailing": (jpeg(after=SECRET), {"trailing data"}),
    "jpeg-comment-at-the-end": (saved("JPEG")[:-2] + b"\xff\xfe\0\x1b" + SECRET + b"\xff\xd9", {"comments"}),
    "png-text": (png((b"tEXt", b"Comment\0" + SECRET)), {"text"}),
    "png-deflated-text": (png((b"zTXt", b"Comment\0\0" + DEFLATED)), {"text"}),
    "png-international-text": (png((b"iTXt", b"Author\0\0\0\0\0" + SECRET)), {"text"}),
    "png-xmp": (png((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SECRET)), {"XMP"}),
    "png-time": (png((b"tIME", b"\x07\xb2\1\1\0\0\0")), {"time"}),
    "png-exif": (png((b"eXIf", exif(gps=True))), {"EXIF", "GPS position"}),
    "png-other": (png((b"prVt", SECRET)), {"other data"}),
    "png-long-gamma": (png((b"gAMA", SECRET)), {"other data"}),
    "png-profile-name": (png((b"iCCP", SECRET + b"\0\0" + zlib.compress(bytes(200)))), set()),
    "png-trailing": (png(after=SECRET), {"trailing data"}),
    "png-text-at-the-end": (saved("PNG")[:-12] + png_chunk(b"tEXt", b"a\0" + SECRET) + saved("PNG")[-12:], {"text"}),
    "webp-exif-and-xmp": (webp(), {"EXIF", "XMP"}),
    "webp-other": (webp((b"PRIV", SECRET), lossless=True), {"EXIF", "XMP", "other data"}),
    "webp-trailing": (webp(after=SECRET, mode="RGBA"), {"EXIF", "XMP", "trailing data"}),
    "tiff-texts": (tiff({270: TEXT, 305: TEXT, 315: TEXT, 33432: TEXT}), {"text"}),
    "tiff-time": (tiff({306: "1970:01:01 00:00:00"}), {"time"}),
    "tiff-xmp": (tiff({700: SECRET}), {"XMP"}),
    "tiff-iptc": (tiff({33723: SECRET, 34377: SECRET}), {"IPTC"}),
    "tiff-private": (tiff({65000: SECRET}), {"other data"}),
    "tiff-exif": (tiff({34665: {37510: SECRET}}), {"EXIF"}),
    "tiff-gps": (tiff({34853: {29: TEXT}}), {"GPS position"}),
    "tiff-trailing": (tiff({}, after=SECRET), set()),
    "bmp-gap": (bmp_with_gap(), set()),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_secrets_are_gone_and_named(accept, name):
    upload, names = PLANTED[name]
    content, facts = accept(upload)
    assert SECRET not in content
    assert DEFLATED[4:-4] not in content
    assert facts.stripped == tuple(sorted(names))
    assert same_pixels(opened(content), opened(upload))
    assert accept(content)[1].stripped == ()
    assert accept(content)[0] == content


@pytest.mark.parametrize("name", [name for name in PLANTED if "time" not in name])
def test_the_secret_was_there(name):
    upload, _ = PLANTED[name]
    assert SECRET in upload or DEFLATED in upload


def test_everything_at_once(accept):
    upload = jpeg((0xE1, b"Exif\0\0" + exif(gps=True)), (0xE1, XMP), (0xED, IPTC), (0xFE, SECRET), after=SECRET)
    content, facts = accept(upload)
    assert facts.stripped == ("EXIF", "GPS position", "IPTC", "XMP", "comments", "trailing data")
    assert content == saved("JPEG")


def test_another_program_finds_nothing(accept):
    for upload, _ in PLANTED.values():
        image = opened(accept(upload)[0])
        assert dict(image.getexif()) == {}
        assert set(image.info) <= {
            *("jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "adobe", "adobe_transform"),
            *("icc_profile", "loop", "background", "timestamp", "duration"),
        }


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_that_was_to_be_turned_is_turned(accept, format_, orientation):
    options = {"tiffinfo": {274: orientation}} if format_ == "TIFF" else {"exif": b"Exif\0\0" + exif(orientation)}
    upload = saved(format_, **options)
    content, facts = accept(upload)
    seen = ImageOps.exif_transpose(Image.open(io.BytesIO(upload)))
    assert same_pixels(opened(content), seen)
    assert (facts.width, facts.height) == seen.size
    assert facts.media_type == "image/png"
    assert "orientation" in facts.stripped
    assert SECRET not in content


def test_turning_keeps_palette_alpha_depth_and_profile(accept):
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        upload = saved("PNG", picture(mode), exif=exif(6), icc_profile=b"profile")
        image = opened(accept(upload)[0])
        assert image.mode == mode
        assert np.array_equal(np.asarray(image.convert("RGBA") if mode == "P" else image), turned(upload, mode))
        assert image.info["icc_profile"] == b"profile"


def turned(upload: bytes, mode: str) -> np.ndarray:
    image = opened(upload)
    return np.rot90(np.asarray(image.convert("RGBA") if mode == "P" else image), -1)


@pytest.mark.parametrize("orientation", [0, 1, 9, 65535])
def test_an_orientation_that_means_nothing_changes_nothing(accept, orientation):
    content, facts = accept(saved("JPEG", exif=b"Exif\0\0" + exif(orientation)))
    assert content == saved("JPEG")
    assert facts.stripped == ("EXIF",)


def test_fill_bytes_and_restarts_are_part_of_jpeg(accept):
    plain = saved("JPEG", restart_marker_blocks=1)
    filled = plain.replace(b"\xff\xdb", b"\xff\xff\xff\xdb").replace(b"\xff\xda", b"\xff\xff\xda")
    assert accept(filled)[0] == plain


def test_a_webp_does_not_announce_what_was_taken_out(accept):
    content, _ = accept(webp(mode="RGBA", icc_profile=PROFILE))
    assert content[12:16] == b"VP8X"
    assert content[20] == 0x30  # a colour profile and transparency, neither EXIF nor XMP
