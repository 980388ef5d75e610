"""NIfTI volumes: one axial slice, 8 bits. nibabel is imported when a file is read.

Source: https://nifti.nimh.nih.gov/nifti-1 and /nifti-2.
"""

from __future__ import annotations

import math
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ml.errors import ImageError
from ml.preprocessing.limits import check_pixels, inflate
from ml.preprocessing.windows import range_window, robust_range, to_eight_bits

if TYPE_CHECKING:
    from nibabel import Nifti1Image

MAX_BYTES = 512 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_RIGHT, _FRONT, _UP = 0, 1, 2


def picture(content: bytes, frame: int = 0) -> tuple[Image.Image, int]:
    """The axial slice ``frame``, counted from 0 at the lowest, in mode ``L``, and the number of slices.

    The front is at the top and the right side at the left, as radiologists look at a slice. The window is the one of
    the header (``cal_min``, ``cal_max``), else that of ``windows.robust_range`` for the slice.

    Raises ImageError: damaged, not three-dimensional, colour or complex numbers, no such slice; ImageTooLarge.
    """
    volume = _open(_plain(content))
    turn = _turn(volume)
    slices = int(volume.shape[turn[_UP][0]])
    if not 0 <= frame < slices:
        raise ImageError(f"expected a slice from 0 to {slices - 1}, found {frame}")
    values = _slice(volume, turn, frame)
    low, high = float(volume.header["cal_min"]), float(volume.header["cal_max"])
    window = range_window(low, high, "file") if low < high else range_window(*robust_range(values), "percentiles")
    return Image.fromarray(to_eight_bits(values, window.apply)), slices


def _plain(content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    return inflate(content, zlib.MAX_WBITS | 16, MAX_BYTES, kind="NIfTI", method="gzip")


def _open(content: bytes) -> Nifti1Image:
    from nibabel import Nifti1Image, Nifti2Image

    # A header begins with its size.
    kind = Nifti2Image if 540 in (struct.unpack_from(order + "i", content)[0] for order in "<>") else Nifti1Image
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            volume = kind.from_bytes(content)
            shape, dtype = volume.shape, volume.get_data_dtype()
    except MemoryError:
        raise
    except Exception as exc:  # nibabel raises many types on damaged data
        raise ImageError(f"expected a whole NIfTI file, found one that cannot be read: {exc}") from exc
    if len(shape) < 3 or any(length != 1 for length in shape[3:]) or min(shape) < 1:
        raise ImageError(f"expected a NIfTI volume of three dimensions, found {' x '.join(map(str, shape))}")
    if dtype.kind not in "iuf":
        raise ImageError(f"expected a NIfTI volume of whole or real numbers, found one of {dtype}")
    needed = math.prod(map(int, shape)) * int(dtype.itemsize)
    if needed + int(volume.header["vox_offset"]) > len(content):
        raise ImageError(f"expected a whole NIfTI file of {needed:,} bytes of values, found one that is cut off")
    return volume


def _turn(volume: Nifti1Image) -> list[tuple[int, bool]]:
    """For right, front and up: the axis of the file that runs there, and whether it runs the other way."""
    from nibabel.orientations import io_orientation

    found = [(-1, False)] * 3
    try:
        directions = io_orientation(volume.affine)
    except np.linalg.LinAlgError as exc:
        raise ImageError("expected a NIfTI volume with an orientation, found one of no finite numbers") from exc
    for axis, (towards, sign) in enumerate(directions):
        if np.isnan(towards):
            raise ImageError("expected a NIfTI volume with an orientation, found one whose axes are parallel")
        found[int(towards)] = (axis, sign < 0)
    return found


def _slice(volume: Nifti1Image, turn: list[tuple[int, bool]], frame: int) -> np.ndarray:
    """Finite values (H, W) of a slice, rescaled as the header says."""
    (right, leftwards), (front, backwards), (up, downwards) = turn
    height, width = volume.shape[front], volume.shape[right]
    check_pixels(width, height)
    place: list[slice | int] = [slice(None)] * 3 + [0] * (len(volume.shape) - 3)
    place[up] = volume.shape[up] - 1 - frame if downwards else frame
    try:
        values = np.asarray(volume.dataobj[tuple(place)])
    except MemoryError:
        raise
    except Exception as exc:
        raise ImageError(f"expected a whole NIfTI file, found one that cannot be read: {exc}") from exc
    # The axis to the right first, then to the front.
    values = values if right < front else values.T
    values = values[:: 1 if leftwards else -1, :: 1 if backwards else -1].T
    return values if values.dtype.kind in "iu" else np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
