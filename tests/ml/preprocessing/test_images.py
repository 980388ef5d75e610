from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from ml.datasets.phantom import phantom_png
from ml.errors import ImageError, ImageTooLarge
from ml.inference.registry import Registry
from ml.preprocessing.images import DECODING, DECODINGS, decode_image
from ml.preprocessing.limits import MAX_PIXELS
from tests.dicoms import dicom


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def sixteen_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)


CASES = [
    ("PNG", "L", {}),
    ("PNG", "LA", {}),
    ("PNG", "P", {}),
    ("PNG", "RGB", {}),
    ("PNG", "RGBA", {}),
    ("JPEG", "L", {"quality": 95}),
    ("JPEG", "RGB", {"quality": 95}),
    ("JPEG", "CMYK", {"quality": 95}),
    ("TIFF", "L", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "CMYK", {}),
    ("BMP", "L", {}),
    ("BMP", "RGB", {}),
    ("WEBP", "RGB", {"lossless": True}),
    ("WEBP", "RGBA", {"lossless": True}),
]


@pytest.mark.parametrize(("file_format", "mode", "options"), CASES)
def test_every_kind_of_file_gives_the_same_grey(
    head: Image.Image, file_format: str, mode: str, options: dict[str, object]
) -> None:
    decoded = decode_image(encoded(head.convert(mode), file_format, **options))
    assert decoded.mode in ("L", "RGB")
    difference = np.asarray(decoded.convert("L")).astype(int) - np.asarray(head)
    assert np.abs(difference).mean() < 2.5


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bits_of_a_plain_picture_become_all_eight(head: Image.Image, file_format: str) -> None:
    decoded = np.asarray(decode_image(encoded(sixteen_bits(head), file_format))).astype(int)
    assert (decoded.min(), decoded.max()) == (0, 255)
    grey = np.asarray(head).astype(float)
    expected = (grey - grey.min()) / np.ptp(grey) * 255
    assert np.abs(decoded - expected).max() <= 1


def deep(head: Image.Image, *outliers: int, share: float = 0.0, offset: int = 0) -> np.ndarray:
    """The grey levels of ``head`` times four, as scanners write them; ``outliers`` replace the first pixels, or a
    ``share`` of all."""
    values = np.asarray(head).astype(np.uint16) * 4 + offset
    count = max(1, round(share * values.size))
    for place, outlier in enumerate(outliers):
        values.reshape(-1)[place * count : (place + 1) * count] = outlier
    return values


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize(
    ("outliers", "share"),
    [((65535,), 0.0), ((65535, 40000, 9000), 0.0), ((65535,), 0.009), ((65535,), 0.06), ((4095,), 0.0)],
)
def test_outliers_do_not_flatten_a_picture(
    head: Image.Image, file_format: str, outliers: tuple[int, ...], share: float
) -> None:
    plain = np.asarray(decode_image(encoded(Image.fromarray(deep(head)), file_format))).astype(int).reshape(-1)
    spoilt = Image.fromarray(deep(head, *outliers, share=share))
    decoded = np.asarray(decode_image(encoded(spoilt, file_format))).astype(int).reshape(-1)
    first = len(outliers) * max(1, round(share * plain.size))
    assert (decoded[:first] == 255).all()
    assert np.abs(decoded - plain)[first:].max() <= 1


def test_a_dead_pixel_does_not_brighten_a_picture(head: Image.Image) -> None:
    plain = np.asarray(decode_image(encoded(Image.fromarray(deep(head, offset=30000)), "PNG"))).astype(int)
    dead = np.asarray(decode_image(encoded(Image.fromarray(deep(head, 0, offset=30000)), "PNG"))).astype(int)
    assert np.abs(dead - plain).reshape(-1)[1:].max() <= 1


@pytest.mark.parametrize("value", [0, 300, 4095, 65535])
def test_a_border_changes_nothing(head: Image.Image, value: int) -> None:
    plain = np.asarray(decode_image(encoded(Image.fromarray(deep(head)), "PNG")))
    wide = np.pad(deep(head), 50, constant_values=value)
    assert np.array_equal(np.asarray(decode_image(encoded(Image.fromarray(wide), "PNG")))[50:-50, 50:-50], plain)


def test_a_picture_of_two_values_keeps_both() -> None:
    values = np.zeros((100, 100), np.uint16)
    values[0, :20] = 60000
    decoded = np.asarray(decode_image(encoded(Image.fromarray(values), "PNG")))
    assert np.array_equal(decoded > 0, values > 0)
    assert decoded.max() == 255


def test_the_first_decoding_stays_as_it_was(head: Image.Image) -> None:
    spoilt = encoded(Image.fromarray(deep(head, 65535)), "PNG")
    first = np.asarray(decode_image(spoilt, 1)).astype(int)
    assert first.reshape(-1)[1:].max() <= 5
    assert DECODING == max(DECODINGS) == 3
    plain = encoded(head, "PNG")
    for decoding in DECODINGS:
        assert np.array_equal(np.asarray(decode_image(plain, decoding)), np.asarray(head))


def test_the_second_decoding_stays_as_it_was(head: Image.Image) -> None:
    few, many = (encoded(Image.fromarray(deep(head, 65535, share=share)), "PNG") for share in (0.009, 0.06))
    assert np.asarray(decode_image(few, 2)).reshape(-1)[-2000:].max() > 60
    assert np.asarray(decode_image(many, 2)).reshape(-1)[-2000:].max() <= 5


@pytest.mark.parametrize("decoding", [1, 2])
def test_a_former_decoding_reads_no_dicom(decoding: int) -> None:
    with pytest.raises(ImageError, match=rf"^expected an image, as decoding {decoding} reads, found a DICOM file$"):
        decode_image(dicom(np.zeros((4, 4), np.uint16)), decoding)


def test_other_formats_cost_an_eight_bit_image_nothing() -> None:
    program = (
        "import sys\n"
        "from ml.datasets.phantom import phantom_png\n"
        "content = phantom_png(64)\n"
        "before = set(sys.modules)\n"
        "from ml.preprocessing.images import decode_image\n"
        "decode_image(content)\n"
        "print({'pydicom', 'nibabel', 'pylibjpeg', 'ml.preprocessing.windows'} & (set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_png_has_one_frame(head: Image.Image) -> None:
    with pytest.raises(ImageError, match=r"^expected frame 0 of an image that has one, found frame 1$"):
        decode_image(encoded(head, "PNG"), frame=1)


@pytest.mark.parametrize("decoding", [0, 4, -1])
def test_another_decoding_is_refused(head: Image.Image, decoding: int) -> None:
    with pytest.raises(ImageError, match=rf"^expected one of the decodings 1, 2, 3, found {decoding}$"):
        decode_image(encoded(head, "PNG"), decoding)


def test_a_hot_pixel_changes_no_answer() -> None:
    registry, image = Registry(), Image.open(io.BytesIO(phantom_png(256)))
    plain, spoilt = encoded(image, "PNG"), encoded(Image.fromarray(deep(image, 65535)), "PNG")
    model = registry.for_image(spoilt)
    assert model is registry.for_image(plain)
    expected, found = model.predict(plain), model.predict(spoilt)
    assert (found.label, found.abstained) == (expected.label, expected.abstained)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=0.02)


def test_float_pixels_that_are_not_finite_do_not_pass() -> None:
    values = np.linspace(0, 9, 100, dtype=np.float32).reshape(10, 10)
    values[0, 0], values[9, 9] = np.nan, np.inf
    decoded = np.asarray(decode_image(encoded(Image.fromarray(values), "TIFF")))
    assert decoded.dtype == np.uint8
    assert decoded[0, 0] == 0


def test_one_bit_becomes_black_and_white(head: Image.Image) -> None:
    decoded = decode_image(encoded(head.convert("1"), "PNG"))
    assert set(np.unique(np.asarray(decoded))) == {0, 255}


def test_what_is_transparent_becomes_black(head: Image.Image) -> None:
    image = head.convert("RGBA")
    image.putalpha(0)
    assert np.asarray(decode_image(encoded(image, "PNG"))).max() == 0


def test_a_transparent_palette_colour_becomes_black() -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 250, 250, 250])
    assert np.asarray(decode_image(encoded(image, "PNG", transparency=1))).max() == 0


def test_exif_orientation_is_applied(head: Image.Image) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode_image(encoded(head, "JPEG", exif=exif))
    assert decoded.size == (head.height, head.width)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "TIFF"])
def test_a_truncated_file_is_refused(head: Image.Image, file_format: str, share: float) -> None:
    content = encoded(head, file_format)
    with pytest.raises(ImageError, match=r"found damaged data|expected a PNG, JPEG"):
        decode_image(content[: int(len(content) * share)])


def test_a_truncated_photo_is_called_damaged(head: Image.Image) -> None:
    content = encoded(head, "JPEG")
    with pytest.raises(ImageError, match=r"^expected a complete image file, found damaged data: "):
        decode_image(content[:-200])


def test_a_flipped_byte_in_a_png_is_refused(head: Image.Image) -> None:
    content = bytearray(encoded(head, "PNG"))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(ImageError, match="found damaged data"):
        decode_image(bytes(content))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "0 bytes that begin with nothing"),
        (b"%PDF-1.7 not a picture", "22 bytes that begin with 255044462d312e37"),
    ],
)
def test_what_is_no_image_is_refused(content: bytes, found: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode_image(content)
    assert str(caught.value) == f"expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image, found {found}"


def test_bytes_that_only_begin_as_gzip_are_no_image() -> None:
    with pytest.raises(ImageError, match="found 34 bytes that begin with 1f8b08ff"):
        decode_image(b"\x1f\x8b\x08" + b"\xff" * 31)


def test_a_text_that_inflates_beyond_its_limit_is_damage() -> None:
    """Pillow refuses it when it opens the file, before any pixel."""
    plain = encoded(Image.new("L", (4, 4)), "PNG")
    text = b"zTXtname\0\0" + zlib.compress(bytes(2_000_000))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    with pytest.raises(ImageError, match=r"^expected a complete image file, found damaged data: Decompressed data too"):
        decode_image(plain[:33] + chunk + plain[33:])


def test_nothing_is_decoded_while_pillow_accepts_truncated_files(
    head: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(RuntimeError, match=r"^PIL.ImageFile.LOAD_TRUNCATED_IMAGES must be off"):
        decode_image(encoded(head, "PNG"))


@pytest.mark.parametrize("decoding", DECODINGS)
def test_a_deep_picture_of_one_value_is_black(decoding: int) -> None:
    flat = Image.fromarray(np.full((20, 20), 900, np.uint16))
    assert np.asarray(decode_image(encoded(flat, "PNG"), decoding)).max() == 0


def test_a_single_bright_pixel_of_a_flat_picture_stays_in_the_second_decoding() -> None:
    """Where the percentiles are equal, nothing is an outlier."""
    values = np.full((20, 20), 900, np.uint16)
    values[3, 5] = 1000
    decoded = np.asarray(decode_image(encoded(Image.fromarray(values), "PNG"), 2))
    assert (decoded[3, 5], decoded.sum()) == (255, 255)


def test_a_gif_is_refused(head: Image.Image) -> None:
    with pytest.raises(ImageError, match="expected a PNG, JPEG, TIFF, BMP, WebP or DICOM image"):
        decode_image(encoded(head, "GIF"))


def png_header(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    return body + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


@pytest.mark.parametrize(("width", "height"), [(8001, 5000), (100_000, 100_000)])
def test_a_decompression_bomb_is_refused_from_its_header(width: int, height: int) -> None:
    with pytest.raises(ImageTooLarge, match=f"^expected at most {MAX_PIXELS:,} pixels, found "):
        decode_image(png_header(width, height))


def test_an_open_image_has_the_same_limit() -> None:
    with pytest.raises(ImageTooLarge) as caught:
        decode_image(Image.new("1", (8001, 5000)))
    assert (caught.value.pixels, caught.value.limit) == (40_005_000, MAX_PIXELS)
