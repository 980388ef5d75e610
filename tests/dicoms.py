"""DICOM files made from arrays, and pydicom's samples."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from backend.adapters.dicom.deidentification import deidentify
from backend.adapters.dicom.replacement import KEY_BYTES

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"


def sample(name: str) -> bytes:
    """One of pydicom's own test files; those that its package lacks are not asked for."""
    return Path(str(get_testdata_file(name, download=False))).read_bytes()


def dataset(pixels: np.ndarray, **values: Any) -> Dataset:
    """An MR image of ``pixels``, (H, W), (N, H, W) or (H, W, 3); ``values`` replace or add attributes by
    their keywords, None removes one."""
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = MRImageStorage
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = generate_uid(entropy_srcs=["scanproof"])
    made.Modality = "MR"
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        made.PlanarConfiguration = 0
    elif pixels.ndim == 3:
        made.NumberOfFrames = len(pixels)
    made.Rows, made.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    bits = pixels.dtype.itemsize * 8
    made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    made.PixelData = content + bytes(len(content) % 2)
    made["PixelData"].VR = "OW" if bits > 8 else "OB"
    for keyword, value in values.items():
        if value is None:
            delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    if "BitsStored" in values and "HighBit" not in values:
        made.HighBit = made.BitsStored - 1
    return made


def written(made: Dataset, **options: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.save_as(file, enforce_file_format=True, **options)
    return file.getvalue()


def dicom(pixels: np.ndarray, **values: Any) -> bytes:
    """The file of ``dataset``."""
    return written(dataset(pixels, **values))


def deidentified(content: bytes) -> bytes:
    """The file as it may be pinned."""
    return deidentify(content, bytes(KEY_BYTES)).content
