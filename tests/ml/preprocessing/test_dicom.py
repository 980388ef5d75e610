"""Stored values become the picture that PS3.3 describes, whatever their bits, colour space and frames."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ml.errors import ImageError, ImageTooLarge
from ml.preprocessing.dicom import DicomFile, picture
from ml.preprocessing.windows import Window, robust_range, to_eight_bits
from tests.dicoms import dataset, dicom, sample, written


def ramp(dtype: str, low: int, high: int) -> np.ndarray:
    return np.linspace(low, high, 64 * 50).round().reshape(50, 64).astype(dtype)


def pixels(content: bytes, frame: int = 0) -> np.ndarray:
    return np.asarray(picture(content, frame)[0]).astype(int)


def windowed(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3, section C.11.2.1.2.1, word by word."""
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    inside = ((values - (center - 0.5)) / (width - 1) + 0.5) * 255
    return np.where(values <= low, 0, np.where(values > high, 255, inside))


def item(**values: Any) -> Sequence:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return Sequence([made])


def table(entries: np.ndarray, first: int, bits: int) -> Sequence:
    return item(LUTDescriptor=[len(entries), first, bits], LUTData=entries.astype("<u2").tobytes())


@pytest.mark.parametrize(
    ("dtype", "bits", "low", "high"),
    [
        ("uint8", 8, 0, 255),
        ("int8", 8, -128, 127),
        ("uint16", 10, 0, 1023),
        ("uint16", 12, 0, 4095),
        ("int16", 12, -2048, 2047),
        ("uint16", 16, 0, 65535),
        ("int16", 16, -32768, 32767),
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_window_of_the_file_is_applied_to_rescaled_values(
    dtype: str, bits: int, low: int, high: int, photometric: str
) -> None:
    stored = ramp(dtype, low, high)
    span = high - low
    content = dicom(
        stored,
        BitsStored=bits,
        RescaleSlope=0.5,
        RescaleIntercept=-7,
        WindowCenter=[0.5 * (low + span * 0.4) - 7, 1],
        WindowWidth=[span * 0.2, 2],
        PhotometricInterpretation=photometric,
    )
    expected = windowed(stored * 0.5 - 7, 0.5 * (low + span * 0.4) - 7, span * 0.2)
    expected = 255 - expected if photometric == "MONOCHROME1" else expected
    assert np.abs(pixels(content) - expected).max() <= 0.51


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_the_function_of_the_file_is_used(function: str) -> None:
    stored = ramp("uint16", 0, 4095)
    image, seen = picture(dicom(stored, WindowCenter=2000, WindowWidth=800, VOILUTFunction=function))
    assert seen.window == Window(2000.0, 800.0, function, "file")
    assert np.array_equal(np.asarray(image), to_eight_bits(stored, seen.window.apply))


@pytest.mark.parametrize(("center", "width"), [(None, None), ("", ""), (500, 0), (500, 0.5), (-9000, 10), (500, -3)])
def test_without_a_usable_window_the_percentiles_are_used(center: Any, width: Any) -> None:
    stored = ramp("int16", -1000, 3000)
    stored[0, 0] = 32767
    values = {} if center is None else {"WindowCenter": center, "WindowWidth": width}
    image, seen = picture(dicom(stored, RescaleSlope=2, RescaleIntercept=5, **values))
    low, high = (value * 2 + 5 for value in robust_range(stored))
    assert seen.window is not None
    assert (seen.window.origin, seen.window.center, seen.window.width) == ("percentiles", (low + high) / 2, high - low)
    expected = ((stored * 2.0 + 5 - low) / (high - low)).clip(0, 1) * 255
    assert np.abs(np.asarray(image) - expected).max() <= 0.51


def test_a_negative_slope_turns_brightness() -> None:
    found = pixels(dicom(ramp("uint16", 0, 4000), RescaleSlope=-1, RescaleIntercept=4000))
    assert found[0, 0] == 255
    assert found[-1, -1] == 0


@pytest.mark.parametrize("vr", [{}, {"PixelPaddingRangeLimit": -1900}])
def test_padding_is_no_picture(vr: dict[str, int]) -> None:
    plain = ramp("int16", -200, 900)
    padded = plain.copy()
    padded[:20] = -2000
    padded[20, :32] = -1900 if vr else -2000
    _, seen = picture(dicom(padded, PixelPaddingValue=-2000, **vr))
    assert seen.window is not None
    low = plain[20, 32:].min()
    assert abs(seen.window.center - seen.window.width / 2 - low) < 15


def test_a_bare_eight_bit_picture_stays_as_it_is() -> None:
    stored = ramp("uint8", 40, 90)
    assert np.array_equal(pixels(dicom(stored)), stored)
    assert np.array_equal(pixels(dicom(stored, PhotometricInterpretation="MONOCHROME1")), 255 - stored.astype(int))


def test_tables_of_modality_and_voi_are_applied() -> None:
    stored = ramp("uint16", 0, 255)
    modality = table(np.arange(256) * 3, 0, 16)
    voi = table(np.minimum(4095, np.arange(768) * 5), 0, 12)
    expected = np.minimum(4095, 15 * stored.astype(float)) / 4095 * 255
    found = pixels(dicom(stored, ModalityLUTSequence=modality, VOILUTSequence=voi, WindowCenter=1, WindowWidth=2))
    assert np.abs(found - expected).max() <= 0.51


def test_a_signed_table_begins_below_zero() -> None:
    stored = ramp("int16", -100, 100)
    voi = item(LUTDescriptor=[201, -100, 8], LUTData=bytes(range(201)) + b"\0")
    assert np.abs(pixels(dicom(stored, VOILUTSequence=voi)) - (stored.astype(int) + 100)).max() <= 1


def group(center: float, slope: float) -> Dataset:
    made = Dataset()
    made.FrameVOILUTSequence = item(WindowCenter=center, WindowWidth=500)
    made.PixelValueTransformationSequence = item(RescaleSlope=slope, RescaleIntercept=0)
    return made


def test_each_frame_of_an_enhanced_file_has_its_own_window() -> None:
    stored = np.stack([ramp("uint16", 0, 4000)] * 3)
    shared = Dataset()
    shared.PixelMeasuresSequence = item(PixelSpacing=[0.5, 0.25])
    content = dicom(
        stored,
        PerFrameFunctionalGroupsSequence=Sequence([group(1000, 1), group(2000, 1), group(1000, 0.25)]),
        SharedFunctionalGroupsSequence=Sequence([shared]),
    )
    for frame, (center, slope) in enumerate([(1000, 1), (2000, 1), (1000, 0.25)]):
        assert np.abs(pixels(content, frame) - windowed(stored[0] * slope, center, 500)).max() <= 0.51
    seen = picture(content)[1]
    assert (seen.frames, seen.spacing) == (3, (0.5, 0.25))


def test_frames_of_a_classic_file() -> None:
    stored = np.stack([np.full((6, 7), value, np.uint8) for value in (5, 99, 200)])
    content = dicom(stored)
    assert [pixels(content, frame).max() for frame in range(3)] == [5, 99, 200]
    with pytest.raises(ImageError, match=r"^expected a frame from 0 to 2, found 3$"):
        picture(content, 3)


def test_colour() -> None:
    colours = np.random.default_rng(1).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    assert np.array_equal(pixels(dicom(colours)), colours)
    planes = dataset(colours, PlanarConfiguration=1)
    planes.PixelData = np.moveaxis(colours, 2, 0).tobytes() + b"\0"
    assert np.array_equal(pixels(written(planes)), colours)
    deep = colours.astype(np.uint16) * 257
    assert np.array_equal(pixels(dicom(deep)), colours)


def test_ybr_becomes_rgb() -> None:
    grey = np.full((8, 8, 3), (90, 128, 128), np.uint8)
    assert (pixels(dicom(grey, PhotometricInterpretation="YBR_FULL")) == 90).all()
    red = np.full((8, 8, 3), (76, 85, 255), np.uint8)
    assert np.abs(pixels(dicom(red, PhotometricInterpretation="YBR_FULL")) - (254, 0, 0)).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_a_palette(bits: int) -> None:
    stored = ramp("uint8", 0, 255)
    made = dataset(stored, PhotometricInterpretation="PALETTE COLOR")
    for name, values in (("Red", range(256)), ("Green", range(255, -1, -1)), ("Blue", [7] * 256)):
        setattr(made, f"{name}PaletteColorLookupTableDescriptor", [256, 0, bits])
        scale = 257 if bits == 16 else 1
        entries = np.array([value * scale for value in values], "<u2" if bits == 16 else "u1").tobytes()
        setattr(made, f"{name}PaletteColorLookupTableData", entries)
    found = pixels(written(made))
    assert np.array_equal(found[..., 0], stored)
    assert np.array_equal(found[..., 1], 255 - stored.astype(int))
    assert (found[..., 2] == 7).all()


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_compressed_pixels_are_those_of_the_plain_file(syntax: str, dtype: str) -> None:
    values = np.random.default_rng(2).integers(0, 120, (50, 64)).astype(dtype)
    stored = (values - 60).astype(dtype) if dtype == "int16" else values
    made = dataset(stored, WindowCenter=40, WindowWidth=100)
    plain = pixels(written(made))
    plugin = {"encoding_plugin": "pylibjpeg"} if syntax != JPEGLSLossless else {}
    made.compress(syntax, **plugin)
    assert np.array_equal(pixels(written(made)), plain)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_plain_transfer_syntaxes(syntax: str) -> None:
    stored = ramp("int16", -500, 2000)
    made = dataset(stored, WindowCenter=300, WindowWidth=900)
    expected = pixels(written(made))
    made.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        made.PixelData = stored.astype(">i2").tobytes()
    assert np.array_equal(pixels(written(made)), expected)


def test_unused_high_bits_are_no_value() -> None:
    """Old files keep an overlay there. Source: PS3.5, section 8.1.1."""
    stored = ramp("uint16", 0, 4095)
    made = {"BitsStored": 12, "WindowCenter": 2000, "WindowWidth": 4000}
    assert np.array_equal(pixels(dicom(stored | 0xA000, **made)), pixels(dicom(stored, **made)))


def test_what_the_file_says() -> None:
    _, seen = picture(sample("examples_overlay.dcm"))
    assert (seen.modality, seen.body_part, seen.rows, seen.columns, seen.bits) == ("MR", "ABDOMEN", 300, 484, 12)
    assert seen.spacing == pytest.approx((0.7231, 0.7231), abs=1e-4)
    assert picture(sample("examples_ybr_color.dcm"))[1].spacing == pytest.approx((0.5105, 0.5105), abs=1e-4)


def test_a_position_that_cannot_be_read_hides_no_picture() -> None:
    content = dicom(ramp("uint8", 0, 255), ImagePositionPatient=list("123"), ImageOrientationPatient=list("100010"))
    whole, damaged = picture(content), picture(content.replace(b"1\\2\\3", b"a\\b\\c"))
    assert whole[1].place is not None
    assert damaged[1].place is not None
    assert (whole[1].place.position, damaged[1].place.position) == (3.0, None)
    assert damaged[0].tobytes() == whole[0].tobytes()


def test_the_jpeg_of_a_frame_that_is_missing_is_refused() -> None:
    file = DicomFile(sample("JPEG-lossy.dcm"))
    found = file.jpeg(0)
    assert found is not None
    assert found.startswith(b"\xff\xd8")
    with pytest.raises(ImageError, match=r"^expected a whole DICOM file, found pixels without frame 1: "):
        file.jpeg(1)


REFUSED: dict[str, tuple[Any, str]] = {
    "dose": (lambda: sample("rtdose_1frame.dcm"), "a DICOM file whose Bits Allocated is 1 or 8 or 16, found 32"),
    "report": (
        lambda: sample("test-SR.dcm"),
        "a DICOM file with a picture, found a DICOM file without pixels: Comprehensive SR Storage",
    ),
    "no-rows": (lambda: dicom(ramp("uint8", 0, 9), Rows=None), "a DICOM file whose Rows is 1 to 65,535, found none"),
    "bits": (
        lambda: dicom(ramp("uint16", 0, 9), BitsStored=17, HighBit=16),
        "a DICOM file whose Bits Stored is 1 to 16, found 17",
    ),
    "high-bit": (lambda: dicom(ramp("uint16", 0, 9), HighBit=14), "a DICOM file whose High Bit is 15, found 14"),
    "samples": (
        lambda: dicom(ramp("uint8", 0, 9), SamplesPerPixel=2), "a DICOM file whose Samples per Pixel is 1, found 2"
    ),
    "colour-space": (
        lambda: dicom(np.zeros((4, 4, 3), np.uint8), PhotometricInterpretation="CMYK"),
        "a DICOM file with one of the colour spaces MONOCHROME1, MONOCHROME2, PALETTE COLOR, RGB, YBR_FULL, "
        "YBR_FULL_422, YBR_ICT, YBR_RCT, found CMYK",
    ),
    "slope": (
        lambda: dicom(ramp("uint16", 0, 9), RescaleSlope=0, RescaleIntercept=0),
        "a DICOM file whose Rescale Slope is not 0, found 0",
    ),
    "frames": (
        lambda: dicom(ramp("uint8", 0, 9), NumberOfFrames=70_000),
        "a DICOM file whose Number of Frames is 1 to 65,536, found 70000",
    ),
    "no-palette": (
        lambda: dicom(ramp("uint8", 0, 9), PhotometricInterpretation="PALETTE COLOR"),
        "a DICOM file with a whole palette, found one that cannot be read: "
        "No suitable Palette Color Lookup Table Module found",
    ),
    "table": (
        lambda: dicom(ramp("uint16", 0, 9), VOILUTSequence=item(LUTDescriptor=[300, 0, 16], LUTData=bytes(4))),
        "a DICOM file with a whole look-up table, found one that cannot be read: 4 entries of 300, with 16 bits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(ImageError) as error:
        picture(make())
    assert str(error.value) == f"expected {message}"


def test_half_a_number_is_damage() -> None:
    content = dicom(ramp("uint8", 0, 9))
    place = content.index(b"\x08\0\x16\0")  # the first element of the data set
    damaged = content[:place] + b"\x08\0\5\0US\3\0abc" + content[place:]
    with pytest.raises(ImageError, match=r"^expected a whole DICOM file, found one whose elements cannot be read: "):
        picture(damaged)


def test_floating_point_pixels_are_refused() -> None:
    made = dataset(ramp("uint16", 0, 9), BitsAllocated=32)
    del made.PixelData
    made.FloatPixelData = np.zeros((50, 64), np.float32).tobytes()
    with pytest.raises(
        ImageError, match=r"^expected a DICOM file with integer pixels, found .* floating-point pixels$"
    ):
        picture(written(made))


def test_a_video_is_refused_by_the_name_of_its_coding() -> None:
    made = dataset(ramp("uint8", 0, 9))
    made.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    made.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0\xfe\xff\x00\xe0\4\0\0\0abcd"
    made["PixelData"].is_undefined_length = True
    with pytest.raises(ImageError, match=r"for still images, found MPEG-4 AVC/H.264 High Profile / Level 4.1 \(1\.2"):
        picture(written(made))


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(ImageTooLarge, match=r"^expected at most 40,000,000 pixels, found 4,294,836,225$"):
        picture(dicom(ramp("uint8", 0, 9), Rows=65_535, Columns=65_535))


def test_missing_pixels_are_refused() -> None:
    with pytest.raises(ImageError, match=r"^expected a whole DICOM file, found pixels that cannot be decoded: "):
        picture(dicom(ramp("uint16", 0, 9), Rows=51))


def test_a_decoder_that_is_not_installed_is_named() -> None:
    """The decoder of lossless JPEG is under the GPL: everything else works without it."""
    program = (
        "import sys; from importlib import metadata\n"
        "every = metadata.entry_points\n"
        "metadata.entry_points = lambda **group: [e for e in every(**group) if not e.value.startswith('libjpeg')]\n"
        "sys.modules['libjpeg'] = None\n"
        "from ml.errors import ImageError\n"
        "from ml.preprocessing.dicom import DicomFile, picture\n"
        "from tests.dicoms import sample\n"
        "for name in ('SC_rgb_jpeg_dcmtk', 'MR_small_jpeg_ls_lossless', 'MR_small_jp2klossless', 'MR_small_RLE'):\n"
        "    picture(sample(name + '.dcm'))\n"
        "try:\n"
        "    picture(sample('SC_rgb_jpeg_gdcm.dcm'))\n"
        "except ImageError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("expected pixels that can be decoded here, found JPEG Lossless")
    assert "pylibjpeg-libjpeg" in done.stdout


def test_a_scan_whose_end_of_spectrum_is_missing_is_read() -> None:
    assert np.array_equal(pixels(sample("JPEG-lossy.dcm")), pixels(sample("JPGExtended.dcm")))


def test_a_run_that_is_longer_than_its_picture_is_refused() -> None:
    """The decoder in Rust panics there, which is no ``Exception``."""
    content = bytearray(sample("MR_small_RLE.dcm"))
    place = content.index(b"\xfe\xff\x00\xe0", content.index(b"\xe0\x7f\x10\0OB") + 20) + 8
    assert content[place : place + 4] == b"\2\0\0\0"
    for run in range(64, 120):
        content[place + run] = 0x81
    with pytest.raises(ImageError, match=r"^expected a whole DICOM file, found pixels that cannot be decoded: "):
        picture(bytes(content))


def test_a_jp2_box_without_length_is_refused() -> None:
    """pydicom would look for the next box for ever."""
    content = sample("693_J2KI.dcm")
    start = content.index(b"\xff\x4f\xff\x51")
    box = b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(8)
    with pytest.raises(ImageError, match=r"^expected whole JPEG 2000 data in a DICOM file, found a box of 0 bytes$"):
        picture(content[:start] + box + content[start + len(box) :])


def test_whatever_is_changed_in_a_file_it_is_read_or_refused() -> None:
    random = np.random.default_rng(14)
    names = ("MR_small", "MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless", "SC_rgb_jpeg_gdcm")
    for name in names:
        content = sample(f"{name}.dcm")
        for _ in range(60):
            changed = bytearray(content)
            for place in random.integers(132, len(content), 4):
                changed[place] = random.integers(256)
            try:
                assert picture(bytes(changed))[0].width > 0
            except ImageError as error:
                assert str(error).startswith("expected ")
