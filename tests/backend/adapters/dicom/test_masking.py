"""Places of a DICOM image become black, and nothing else changes."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, RLELossless

from backend.adapters.dicom.deidentification import identifiers_left
from backend.adapters.dicom.masking import mask
from backend.domain import MAX_IMAGE_BYTES, TextBox
from backend.errors import ImageTooLarge, UnsupportedImage
from ml.preprocessing.dicom import DicomFile
from tests.backend.adapters.dicom.multiframe import bits, jpegs
from tests.dicoms import dataset, deidentified, dicom, sample, written

BOX = TextBox(2, 1, 4, 3)
GREY = (np.arange(96, dtype=np.uint16).reshape(8, 12) + 100) * 10


def places(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is within the box, and what is not."""
    inside = np.zeros(pixels.shape[:2], bool)
    inside[1:4, 2:6] = True
    return pixels[inside], pixels[~inside]


@pytest.mark.parametrize(
    ("pixels", "values", "black"),
    [
        (GREY, {}, GREY.min()),
        (GREY, {"PhotometricInterpretation": "MONOCHROME1"}, GREY.max()),
        (GREY.astype(np.int16) - 1500, {}, -500),
        (np.dstack([GREY // 10] * 3).astype(np.uint8), {}, 0),
    ],
    ids=["unsigned", "MONOCHROME1", "signed", "RGB"],
)
def test_places_are_black(pixels: np.ndarray, values: dict, black: int) -> None:
    content = deidentified(dicom(pixels, **values))
    masked = mask(content, [BOX])
    found = pydicom.dcmread(io.BytesIO(masked)).pixel_array
    (inside, outside), (_, before) = places(found), places(pixels)
    assert (inside == black).all()
    assert (outside == before).all()
    assert identifiers_left(masked) == ()
    assert mask(content, []) == content


def test_every_frame_and_every_plane_is_masked() -> None:
    frames = np.stack([GREY, GREY + 7])
    found = pydicom.dcmread(io.BytesIO(mask(deidentified(dicom(frames)), [BOX]))).pixel_array
    assert [(places(frame)[0] == frame.min()).all() for frame in found] == [True, True]

    planes = np.dstack([GREY // 10] * 3).astype(np.uint8)
    content = dicom(planes, PlanarConfiguration=1, PixelData=planes.transpose(2, 0, 1).tobytes())
    found = pydicom.dcmread(io.BytesIO(mask(deidentified(content), [BOX]))).pixel_array
    assert (places(found)[0] == 0).all()
    assert (places(found)[1] == places(planes)[1]).all()


SAMPLE_BOX = TextBox(1, 2, 3, 2)
DECODED = {
    "693_J2KI.dcm": "MONOCHROME2",
    "J2K_pixelrep_mismatch.dcm": "MONOCHROME2",
    "JPEG-lossy.dcm": "MONOCHROME2",
    "JPEGLSNearLossless_08.dcm": "MONOCHROME2",
    "JPEGLSNearLossless_16.dcm": "MONOCHROME2",
    "JPGExtended.dcm": "MONOCHROME2",
    "MR_small_RLE.dcm": "MONOCHROME2",
    "MR_small_jp2klossless.dcm": "MONOCHROME2",
    "MR_small_jpeg_ls_lossless.dcm": "MONOCHROME2",
    "GDCMJ2K_TextGBR.dcm": "YBR_RCT",
    "SC_rgb_dcmtk_+eb+cr.dcm": "RGB",
    "SC_rgb_dcmtk_+eb+cy+np.dcm": "YBR_FULL_422",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": "YBR_FULL",
    "SC_rgb_gdcm_KY.dcm": "RGB",
    "SC_rgb_jls_lossy_line.dcm": "RGB",
    "SC_rgb_jls_lossy_sample.dcm": "RGB",
    "SC_rgb_jpeg_gdcm.dcm": "RGB",
    "SC_rgb_rle_16bit_2frame.dcm": "RGB",
    "SC_rgb_rle_2frame.dcm": "RGB",
    "SC_rgb_small_odd_jpeg.dcm": "YBR_FULL",
    "SC_ybr_full_422_uncompressed.dcm": "YBR_FULL_422",
    "examples_ybr_color.dcm": "YBR_FULL_422",
}
"""pydicom's samples whose pixels are decoded first: each transfer syntax and colour space that can be read."""


@pytest.mark.parametrize("name", DECODED)
def test_pixels_are_decoded_and_masked(name: str) -> None:
    content = deidentified(sample(name))
    masked = mask(content, [SAMPLE_BOX])
    before, after = DicomFile(content), DicomFile(masked)
    grey = DECODED[name] == "MONOCHROME2"
    assert before.description.photometric == DECODED[name]
    for number in range(before.description.frames):
        expected = before.stored(number).copy()
        expected[2:4, 1:4] = expected.min() if grey else 0
        found = after.stored(number)
        assert found.dtype == expected.dtype
        assert (found == expected).all()
    assert identifiers_left(masked) == ()

    old, new = (pydicom.dcmread(io.BytesIO(each)) for each in (content, masked))
    assert new.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert new.PhotometricInterpretation == ("MONOCHROME2" if grey else "RGB")
    assert new.get("PlanarConfiguration", 0) == 0
    changed = {"PixelData", "PhotometricInterpretation", "PlanarConfiguration"}
    assert {each.keyword for each in [*old, *new] if old.get(each.tag) != new.get(each.tag)} <= changed
    assert len(new.PixelData) % 2 == 0


@pytest.mark.parametrize("table", ["none", "basic", "extended"])
def test_frames_are_decoded_whatever_their_table_of_offsets(table: str) -> None:
    content = deidentified(jpegs(table))
    masked = mask(content, [BOX])
    found = pydicom.dcmread(io.BytesIO(masked))
    assert found.pixel_array.shape == (2, 16, 24)
    assert "ExtendedOffsetTable" not in found
    assert "ExtendedOffsetTableLengths" not in found
    assert identifiers_left(masked) == ()


def test_lossy_compression_is_still_named() -> None:
    content = deidentified(sample("JPGExtended.dcm"))
    found = pydicom.dcmread(io.BytesIO(content))
    found.LossyImageCompression = "01"
    masked = pydicom.dcmread(io.BytesIO(mask(deidentified(written(found)), [BOX])))
    assert masked.LossyImageCompression == "01"


@pytest.mark.parametrize("planar", [0, 1])
def test_black_of_luminance_and_colour_differences(planar: int) -> None:
    values = np.random.default_rng(1).integers(0, 256, (8, 12, 3), np.uint8)
    stored = values.transpose(2, 0, 1) if planar else values
    content = deidentified(
        dicom(
            values,
            PhotometricInterpretation="YBR_FULL",
            PlanarConfiguration=planar,
            PixelData=stored.tobytes(),
        )
    )
    masked = mask(content, [BOX])
    found = pydicom.dcmread(io.BytesIO(masked))
    assert found.PhotometricInterpretation == "YBR_FULL"
    pixels = np.frombuffer(found.PixelData, np.uint8)
    pixels = pixels.reshape(3, 8, 12).transpose(1, 2, 0) if planar else pixels.reshape(8, 12, 3)
    (inside, outside), (_, before) = places(pixels), places(values)
    assert (inside == (0, 128, 128)).all()
    assert (outside == before).all()
    assert (places(np.asarray(DicomFile(masked).picture(0)[0]))[0] == 0).all()


def palette(shades: list[int], *, first: int = 0, compressed: bool = False) -> bytes:
    """Eight entries of one shade each, for the values from ``first`` on."""
    values: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        values[f"{colour}PaletteColorLookupTableDescriptor"] = [8, first, 16]
        values[f"{colour}PaletteColorLookupTableData"] = np.array(shades, "<u2").tobytes()
    made = dataset((np.arange(96, dtype=np.uint8).reshape(8, 12) % 8) + first, **values)
    if compressed:
        made.compress(RLELossless, generate_instance_uid=False)
    return deidentified(written(made))


@pytest.mark.parametrize("compressed", [False, True])
def test_the_darkest_entry_of_a_palette(compressed: bool) -> None:
    content = palette([9000, 60000, 50000, 700, 40000, 30000, 20000, 10000], first=5, compressed=compressed)
    masked = mask(content, [BOX])
    (inside, outside), (_, before) = places(DicomFile(masked).stored(0)), places(DicomFile(content).stored(0))
    assert (inside == 8).all()
    assert (outside == before).all()
    assert pydicom.dcmread(io.BytesIO(masked)).PhotometricInterpretation == "PALETTE COLOR"
    assert identifiers_left(masked) == ()


def test_a_palette_without_black_is_refused() -> None:
    with pytest.raises(UnsupportedImage, match="expected a palette with black to make text black, found none"):
        mask(palette([0x2000 + 0x1000 * shade for shade in range(8)]), [BOX])


def test_bits_are_refused() -> None:
    with pytest.raises(UnsupportedImage, match="expected grey, palette, RGB or YBR pixels of 8 or 16 bits"):
        mask(deidentified(bits()), [BOX])


def test_too_many_pixels_without_compression_are_refused_before_they_are_decoded() -> None:
    made = pydicom.dcmread(io.BytesIO(deidentified(sample("MR_small_RLE.dcm"))))
    made.NumberOfFrames = MAX_IMAGE_BYTES // (2 * 64 * 64) + 1
    with pytest.raises(ImageTooLarge, match="of pixels without compression to make text black"):
        mask(written(made), [BOX])


def test_compressed_values_of_more_bits_than_the_file_says_are_refused() -> None:
    made = dataset(GREY, BitsStored=12)
    made.compress(JPEGLSLossless, generate_instance_uid=False)
    made.BitsStored, made.HighBit = 8, 7
    with pytest.raises(UnsupportedImage, match="expected compressed pixels of 8 bits"):
        mask(written(made), [BOX])


def test_fewer_frames_than_the_file_says_are_refused() -> None:
    with pytest.raises(UnsupportedImage, match="expected the pixels of 3 frames"):
        mask(dicom(np.stack([GREY, GREY]), NumberOfFrames=3), [BOX])
