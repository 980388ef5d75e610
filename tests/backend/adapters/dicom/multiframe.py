"""DICOM files of several frames, and the golden vectors that the page's own split is held against:
``python -m tests.backend.adapters.dicom.multiframe``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence
from pydicom.uid import (
    EnhancedMRImageStorage,
    JPEGBaseline8Bit,
    RLELossless,
    SegmentationStorage,
    UltrasoundMultiFrameImageStorage,
)

from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.frames import split
from tests.backend.adapters.images.conftest import saved
from tests.dicoms import dataset, dicom, written

FILE = Path(__file__).resolve().parents[3] / "frontend" / "dicom" / "frames.json"
KEY = bytes(range(32))
AXIAL = [1, 0, 0, 0, 1, 0]
MASKS = np.random.default_rng(3).integers(0, 2, (3, 3, 5), np.uint8)


def classic(frames: int = 3, **values: object) -> bytes:
    """A cine loop of 16-bit frames, each of which has one shade."""
    shades = np.arange(1, frames + 1, dtype=np.uint16)[:, None, None] * 100
    pixels = np.broadcast_to(shades, (frames, 5, 7)) + np.arange(7, dtype=np.uint16)
    made = {
        "SOPClassUID": UltrasoundMultiFrameImageStorage,
        "PatientName": "Doe^Jane",
        "PatientID": "MRN-1",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.1",
        "InstanceNumber": 4,
        "FrameTimeVector": [0.0] + [40.0] * (frames - 1),
        "FrameIncrementPointer": 0x00181065,
    }
    return dicom(pixels, **{**made, **values})


def enhanced(heights: list[float], *, sizes: tuple[int, int] = (24, 20), **values: object) -> bytes:
    """An enhanced MR image (PS3.3, section A.36) with a window of its own for each frame, at these heights in mm."""
    pixels = np.stack([np.full(sizes, 100 * (n + 1), np.uint16) for n in range(len(heights))])
    pixels += np.arange(sizes[1], dtype=np.uint16)
    shared, orientation, measures = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = AXIAL
    measures.PixelSpacing = [0.5, 0.5]
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelMeasuresSequence = Sequence([measures])
    groups = []
    for number, height in enumerate(heights):
        group, place, window, content = Dataset(), Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, height]
        window.WindowCenter, window.WindowWidth = 100 * (number + 1) + 10, 20
        content.DimensionIndexValues = [1, number + 1]
        content.FrameComments = "Jane Doe"
        group.PlanePositionSequence = Sequence([place])
        group.FrameVOILUTSequence = Sequence([window])
        group.FrameContentSequence = Sequence([content])
        groups.append(group)
    made = {
        "SOPClassUID": EnhancedMRImageStorage,
        "PatientName": "Doe^Jane",
        "PatientID": "MRN-1",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.1",
        "SharedFunctionalGroupsSequence": Sequence([shared]),
        "PerFrameFunctionalGroupsSequence": Sequence(groups),
    }
    return dicom(pixels, **{**made, **values})


def bits() -> bytes:
    """Three frames of 15 pixels of one bit, which begin within a byte."""
    packed = np.packbits(MASKS.ravel(), bitorder="little").tobytes()
    made = dataset(MASKS, SOPClassUID=SegmentationStorage, BitsAllocated=1, BitsStored=1, HighBit=0)
    made.PixelData = packed + bytes(len(packed) % 2)
    return written(made)


def jpegs(table: str, parts: int = 1) -> bytes:
    """Two JPEGs in ``parts`` fragments each, with a ``table`` of offsets: none, basic or extended."""
    made = dataset(np.zeros((2, 16, 24), np.uint8))
    frames = [saved("JPEG", Image.new("L", (24, 16), shade)) for shade in (40, 200)]
    if table == "extended":
        made.PixelData, made.ExtendedOffsetTable, made.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    else:
        made.PixelData = encapsulate(frames, fragments_per_frame=parts, has_bot=table == "basic")
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    made.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return written(made)


def run_lengths() -> bytes:
    made = dataset(np.arange(2 * 6 * 8, dtype=np.uint16).reshape(2, 6, 8))
    made.compress(RLELossless)
    return written(made)


FILES = {
    "classic": classic(),
    "enhanced": enhanced([3.0, -1.5]),
    "bits": bits(),
    "jpeg": jpegs("none"),
    "jpeg in parts": jpegs("none", 2),
    "jpeg with offsets": jpegs("basic", 3),
    "jpeg with extended offsets": jpegs("extended"),
    "run lengths": run_lengths(),
}


def text() -> str:
    """JSON: each file, deflated and in Base64, and the SHA-256 of its frames after de-identification."""
    files = {}
    for name, content in FILES.items():
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        parts = split(deidentify(content, KEY).content)
        files[name] = {
            "input": base64.b64encode(deflate.compress(content) + deflate.flush()).decode(),
            "frames": [hashlib.sha256(part).hexdigest() for part in parts],
        }
    return json.dumps({"key": KEY.hex(), "files": files}, indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
