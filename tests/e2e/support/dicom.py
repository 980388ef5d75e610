"""DICOM files for the page, and what pydicom makes of their pixels."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pydicom
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import ExplicitVRLittleEndian, MultiFrameGrayscaleByteSecondaryCaptureImageStorage, generate_uid


def expected_values(dataset: pydicom.Dataset, frame: int) -> np.ndarray:
    """The stored values (rows, columns), or RGB of 8 bits (rows, columns, 3)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        plugins = [name for name in ("pillow", "pylibjpeg", "pydicom") if name in decoder.available_plugins]
        values = _first(decoder, dataset, frame, plugins or [""])
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            values = apply_color_lut(values, dataset)[..., :3]
            return values if values.max() < 256 else values >> 8
        if dataset.SamplesPerPixel == 3 and dataset.BitsStored > 8:
            return np.rint(values * (255.0 / ((1 << dataset.BitsStored) - 1))).astype(np.uint8)
    return values


def _first(decoder, dataset: pydicom.Dataset, frame: int, plugins: list[str]) -> np.ndarray:
    """By the first decoder that decodes it: each lacks something."""
    problems = []
    for plugin in plugins:
        try:
            return decoder.as_array(dataset, index=frame, decoding_plugin=plugin)[0]
        except Exception as exc:  # the decoders raise many types
            problems.append(exc)
    raise AssertionError(problems)


def multi_frame(frames: int) -> bytes:
    """Uniform frames of 8 bits, of grey ten times their number."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = (
        MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    )
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Rows = dataset.Columns = 32
    dataset.NumberOfFrames = frames
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    levels = np.arange(1, frames + 1, dtype=np.uint8) * 10
    dataset.PixelData = np.repeat(levels, 32 * 32).tobytes()
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()
