"""The picture of each of pydicom's samples is that of DCMTK and of GDCM, to one grey level.

Both are Debian packages (dcmtk, libgdcm-tools). GDCM shows no windows, so it rewrites the file uncompressed, and the
picture of that is compared.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.errors import ImageError
from ml.preprocessing.dicom import Description, picture
from tests.dicoms import SAMPLES, dicom
from tests.needs import needs_dcmtk, needs_gdcm

JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
NOT_READ_BY_DCMTK = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
"""DCMTK's free part has no JPEG 2000."""
DAMAGED_FOR_DCMTK = ("SC_rgb_jpeg",)
"""Elements without types under a transfer syntax with types."""
SWAPPED_BY_GDCM = ("SC_rgb_rle_16bit", "SC_rgb_rle_16bit_2frame")
"""Written with the bytes of each value in the wrong order, or not at all."""
LOSSY_TWELVE_BITS = ("JPEG-lossy", "JPGExtended")
"""Decoders differ by one stored value, which the percentiles of this picture stretch to two or three levels."""


def readable() -> Iterator[tuple[Path, np.ndarray, Description]]:
    """The samples that have a picture, and the picture of the first frame."""
    for path in sorted(SAMPLES.glob("*.dcm")):
        try:
            image, seen = picture(path.read_bytes())
        except ImageError:
            continue
        yield path, np.asarray(image), seen


def by_dcmtk(path: Path, seen: Description, *options: str) -> np.ndarray:
    """DCMTK's picture, through the window of the file, or through ``seen``'s where that is another."""
    if seen.window and seen.window.origin == "file":
        options = ("+Wi", "1", *options)
    elif seen.window:
        # Its own window is LINEAR, whose centre and width are those of an exact one plus 0.5 and 1.
        options = ("+Ww", str(seen.window.center + 0.5), str(seen.window.width + 1), *options)
    program = "dcml2pnm" if seen.transfer_syntax in JPEG_LS else "dcmj2pnm"
    done = subprocess.run([program, "-q", "-O", *options, str(path)], capture_output=True, check=True)
    return np.asarray(Image.open(io.BytesIO(done.stdout)))


def by_gdcm(path: Path, folder: Path) -> np.ndarray:
    plain = folder / "plain.dcm"
    subprocess.run(["gdcmconv", "--raw", str(path), str(plain)], capture_output=True, check=True)
    return np.asarray(picture(plain.read_bytes())[0])


def difference(left: np.ndarray, right: np.ndarray) -> int:
    assert left.shape == right.shape
    return int(np.abs(left.astype(int) - right).max())


def most(path: Path) -> int:
    return 3 if path.stem in LOSSY_TWELVE_BITS else 1


@needs_dcmtk
def test_the_pictures_are_those_of_dcmtk() -> None:
    compared = 0
    for path, found, seen in readable():
        if seen.transfer_syntax in NOT_READ_BY_DCMTK or path.stem in DAMAGED_FOR_DCMTK:
            continue
        assert difference(found, by_dcmtk(path, seen)) <= most(path), path.stem
        compared += 1
    assert compared == 43


@needs_gdcm
@pytest.mark.parametrize("jpeg_2000", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_pictures_are_those_of_files_that_gdcm_decompressed(tmp_path: Path, jpeg_2000: bool) -> None:
    compared = 0
    for path, found, seen in readable():
        if (seen.transfer_syntax in NOT_READ_BY_DCMTK) == jpeg_2000 and path.stem not in SWAPPED_BY_GDCM:
            assert difference(found, by_gdcm(path, tmp_path)) <= most(path), path.stem
            compared += 1
    assert compared == (7 if jpeg_2000 else 42)


@needs_dcmtk
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(("dtype", "bits"), [("uint8", 8), ("int8", 8), ("uint16", 12), ("uint16", 16), ("int16", 12)])
@pytest.mark.parametrize("function", ["LINEAR", "SIGMOID"])
def test_windows_are_those_of_dcmtk(tmp_path: Path, dtype: str, bits: int, photometric: str, function: str) -> None:
    low = -(1 << bits - 1) if dtype.startswith("i") else 0
    stored = np.linspace(low, low + (1 << bits) - 1, 128 * 128).round().reshape(128, 128).astype(dtype)
    content = dicom(
        stored,
        BitsStored=bits,
        PhotometricInterpretation=photometric,
        RescaleSlope="2",
        RescaleIntercept="-40",
        WindowCenter=str(2 * (low + (1 << bits) * 0.4)),
        WindowWidth=str(1 << bits - 1),
        VOILUTFunction=function,
    )
    path = tmp_path / "window.dcm"
    path.write_bytes(content)
    image, seen = picture(content)
    assert difference(np.asarray(image), by_dcmtk(path, seen)) <= 1


@needs_dcmtk
@pytest.mark.parametrize("frame", [0, 29])
def test_each_frame_is_that_of_dcmtk(frame: int) -> None:
    path = SAMPLES / "examples_ybr_color.dcm"
    image, seen = picture(path.read_bytes(), frame)
    assert difference(np.asarray(image), by_dcmtk(path, seen, "+F", str(frame + 1))) <= 1
