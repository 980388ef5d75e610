"""A DICOM file is pinned as it is, once nothing in it identifies anybody; its view is what the models see."""

from __future__ import annotations

import hashlib
import io
import struct

import nibabel
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, get_frame

from backend.adapters.images.decoded_images import DecodedImages
from backend.adapters.images.decoder_pool import DecoderPool
from backend.adapters.images.inspector import PillowInspector
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import ImageFacts
from backend.errors import IdentifiersLeft, ImageTooLarge, UnsupportedImage
from ml.preprocessing.dicom import picture
from tests.backend.adapters.images.conftest import opened
from tests.dicoms import SAMPLES, deidentified, dicom, sample, written

RAMP = np.linspace(-900, 2900, 60 * 70).round().astype(np.int16).reshape(60, 70)


@pytest.fixture(scope="module")
def inspector() -> PillowInspector:
    return PillowInspector()


def test_a_file_without_identifiers_stays_as_it_is(inspector: PillowInspector) -> None:
    upload = deidentified(dicom(RAMP, WindowCenter=1000, WindowWidth=1500))
    content, facts = inspector.accept(upload)
    assert content == upload
    assert facts == ImageFacts(
        cid=cid_of(upload),
        sha256=hashlib.sha256(upload).hexdigest(),
        size=len(upload),
        width=70,
        height=60,
        media_type="application/dicom",
        stripped=(),
    )
    assert inspector.identify(upload) == facts


def test_a_file_with_identifiers_is_refused_and_can_be_examined(inspector: PillowInspector) -> None:
    upload = dicom(RAMP, PatientName="Doe^Jane", InstitutionName="St Mary")
    with pytest.raises(IdentifiersLeft, match=r"^expected a DICOM file without identifiers, found .*Patient's Name"):
        inspector.accept(upload)
    content, facts = inspector.examine(upload)
    assert (content, facts.cid) == (upload, cid_of(upload))


def test_the_view_is_what_the_models_see(inspector: PillowInspector) -> None:
    upload = deidentified(dicom(RAMP, WindowCenter=1000, WindowWidth=1500, PhotometricInterpretation="MONOCHROME1"))
    view = inspector.view(upload)
    assert view is not None
    shown = np.asarray(opened(view))
    assert np.array_equal(shown, np.asarray(picture(upload)[0]))
    with DecodedImages().open(upload) as seen:
        assert np.array_equal(shown, np.asarray(seen))
    assert (shown[0, 0], shown[-1, -1]) == (255, 0)


def test_several_frames_are_examined_one_by_one_and_not_kept(inspector: PillowInspector) -> None:
    upload = deidentified(dicom(np.stack([np.full((8, 8), value, np.uint8) for value in (1, 99, 200)])))
    with pytest.raises(UnsupportedImage, match=r"^expected a DICOM file of one frame, found one of 3$"):
        inspector.accept(upload)
    assert inspector.examine(upload)[1].frames == 3
    images = DecodedImages()
    for frame, value in enumerate((1, 99, 200)):
        view = inspector.view(upload, frame)
        assert view is not None
        assert np.asarray(opened(view)).max() == value
        with images.open(upload, frame=frame) as seen:
            assert np.asarray(seen).max() == value


@pytest.mark.parametrize("name", ["CT_small", "examples_overlay", "MR_small_bigendian", "JPGExtended", "liver_1frame"])
def test_the_picture_survives_the_removal_of_identifiers(name: str) -> None:
    original = sample(f"{name}.dcm")
    (before, seen), (after, kept) = picture(original), picture(deidentified(original))
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert (kept.window, kept.spacing, kept.rows) == (seen.window, seen.spacing, seen.rows)


def test_every_sample_of_pydicom_is_accepted_or_refused_in_words(inspector: PillowInspector) -> None:
    accepted = 0
    for path in sorted(SAMPLES.glob("*.dcm")):
        try:
            inspector.examine(path.read_bytes())
            accepted += 1
        except (UnsupportedImage, ImageTooLarge) as error:
            assert str(error).startswith("expected a")
            assert "found" in str(error)
    assert accepted >= 48


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"PixelSpacing": [0.5, 0.25]}, "0.5 by 0.25"),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, "0.1 by 0.2"),
        ({"PixelAspectRatio": [4, 3]}, "4 by 3"),
        ({"PixelSpacing": [0.5, 0.5], "PixelAspectRatio": [4, 3]}, None),
        ({"PixelSpacing": [0.5, 0.502]}, None),
        ({"PixelAspectRatio": [0, 3]}, None),
    ],
)
def test_pixels_that_are_not_square_are_refused(inspector: PillowInspector, values: dict, found: str | None) -> None:
    """A record of such an image would still be read."""
    content = deidentified(dicom(RAMP, WindowCenter=1000, WindowWidth=1500, **values))
    if found is None:
        assert inspector.accept(content)[1].width == 70
        return
    message = f"expected square pixels, as models were trained on, found {found}: resample the image first"
    for read in (inspector.accept, inspector.examine):
        with pytest.raises(UnsupportedImage, match=f"^{message}$"):
            read(content)
    assert inspector.identify(content).width == 70


def test_lying_rows_and_bombs_are_refused_by_the_process_and_it_goes_on() -> None:
    pool = DecoderPool(processes=1)
    inspector = PillowInspector(pool)
    whole = deidentified(dicom(RAMP))
    rows = whole.index(struct.pack("<HH2sH", 0x28, 0x10, b"US", 2))
    lying = whole[: rows + 8] + struct.pack("<H", 60_000) + whole[rows + 10 :]
    nested = struct.pack("<HH2s2xI", 8, 0x1140, b"SQ", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    try:
        with pytest.raises(UnsupportedImage, match="found pixels that cannot be decoded: The number of bytes"):
            inspector.accept(lying)
        with pytest.raises(UnsupportedImage, match="sequences at most 50 deep, found deeper ones"):
            inspector.accept(bytes(128) + b"DICM" + nested * 200_000)
        assert inspector.accept(whole)[1].width == 70
    finally:
        pool.close()


def test_a_volume_is_examined_and_not_kept(inspector: PillowInspector) -> None:
    volume = nibabel.Nifti1Image(np.arange(60, dtype=np.int16).reshape(5, 4, 3), np.eye(4)).to_bytes()
    with pytest.raises(
        UnsupportedImage,
        match=r"found a NIfTI volume, which is classified slice by slice, but not recorded: take the DICOM",
    ):
        inspector.accept(volume)
    facts = inspector.examine(volume)[1]
    assert (facts.width, facts.height, facts.frames) == (5, 4, 3)
    assert inspector.view(volume, 2) is not None
    with pytest.raises(UnsupportedImage, match=r"^expected a slice from 0 to 2, found 3$"):
        inspector.view(volume, 3)


JPEGS = ["SC_rgb_jpeg_gdcm", "JPGExtended", "SC_rgb_jpeg_dcmtk", "SC_jpeg_no_color_transform_2", "examples_ybr_color"]


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_jpeg_that_is_cut_is_refused_although_it_has_an_end_marker(
    inspector: PillowInspector, name: str, share: float
) -> None:
    """Lossless, of 12 and of 8 bits: decoders fill what is missing."""
    made = dcmread(io.BytesIO(sample(f"{name}.dcm")))
    whole = get_frame(made.PixelData, 0, number_of_frames=int(made.get("NumberOfFrames") or 1))
    made.NumberOfFrames = 1
    for content in (whole, whole[: int(share * len(whole))] + b"\xff\xd9"):
        made.PixelData = encapsulate([content])
        made["PixelData"].is_undefined_length = True
        if content is whole:
            inspector.examine(written(made))
        else:
            with pytest.raises(UnsupportedImage, match=r"^expected a whole JPEG, found one that is "):
                inspector.examine(written(made))
