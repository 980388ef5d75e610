"""A slice of a NIfTI volume, whichever way its axes run."""

from __future__ import annotations

import gzip
import itertools
from typing import Any

import nibabel
import numpy as np
import pytest
from nibabel.orientations import apply_orientation, axcodes2ornt, ornt_transform

from ml.errors import ImageError, ImageTooLarge
from ml.preprocessing import nifti
from ml.preprocessing.images import decode_image, is_nifti
from ml.preprocessing.nifti import picture

SHAPE = (30, 40, 5)


def volume() -> np.ndarray:
    """To the right, the front and up: brighter to the right (up to 29), the front (up to 390) and up (up to 4000)."""
    right, front, up = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    return (right + 10 * front + 1000 * up).astype(np.int16)


def written(values: np.ndarray, codes: str = "RAS", kind: Any = nibabel.Nifti1Image, **header: float) -> bytes:
    """The volume, whose axes are those of RAS, stored with its axes along ``codes``."""
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(codes))
    stored = apply_orientation(values, turn)
    affine = nibabel.orientations.inv_ornt_aff(turn, values.shape[:3])
    image = kind(stored, affine)
    for name, value in header.items():
        image.header[name] = value
    return image.to_bytes()


CODES = ["".join(code) for sides in itertools.product("RL", "AP", "SI") for code in itertools.permutations(sides)]


@pytest.mark.parametrize("codes", CODES)
def test_the_right_side_is_left_and_the_front_is_above(codes: str) -> None:
    image, slices = picture(written(volume(), codes, cal_min=2000, cal_max=2419), 2)
    assert (image.size, slices) == ((30, 40), 5)
    expected = ((volume()[::-1, ::-1, 2].T - 2000.0) / 419).clip(0, 1) * 255
    assert np.abs(np.asarray(image) - expected).max() <= 0.51


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("packed", [False, True])
def test_every_kind_of_number_gives_the_same_picture(kind: Any, dtype: str, packed: bool) -> None:
    values = (volume() % 250).astype(dtype)
    content = written(values, kind=kind)
    content = gzip.compress(content) if packed else content
    assert is_nifti(content)
    expected = picture(written((volume() % 250).astype(np.int16)), 1)[0]
    assert np.array_equal(np.asarray(picture(content, 1)[0]), np.asarray(expected))
    assert np.array_equal(np.asarray(decode_image(content, frame=1)), np.asarray(expected))


def test_values_are_rescaled_and_what_is_not_finite_is_nothing() -> None:
    values = volume().astype(np.float32)
    values[0, 0, 0] = np.nan
    image, _ = picture(written(values, cal_min=0, cal_max=419))
    assert np.asarray(image)[-1, -1] == 0
    scaled = nibabel.Nifti1Image(volume(), np.eye(4))
    scaled.header.set_slope_inter(2, 10)
    scaled.header["cal_min"], scaled.header["cal_max"] = 10, 848
    expected = (volume()[::-1, ::-1, 0].T / 419.0) * 255
    assert np.abs(np.asarray(picture(scaled.to_bytes())[0]) - expected).max() <= 1


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def changed(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


REFUSED: dict[str, tuple[bytes, str]] = {
    "slice": (written(volume()), "expected a slice from 0 to 4, found 9"),
    "cut": (cut(written(volume())), "expected a whole NIfTI file of 12,000 bytes of values, found one that is cut off"),
    "packed": (
        cut(gzip.compress(written(volume()))),
        "expected a whole NIfTI file, found one whose gzip data are cut off",
    ),
    "series": (
        written(np.zeros((3, 3, 3, 7), np.int16)),
        "expected a NIfTI volume of three dimensions, found 3 x 3 x 3 x 7",
    ),
    "damaged": (
        changed(gzip.compress(written(volume())), 10, b"\xff" * 40),
        "expected a whole NIfTI file, found one whose gzip data are damaged: "
        "Error -3 while decompressing data: invalid block type",
    ),
    "code": (
        changed(written(volume()), 70, b"\xff\x7f"),
        "expected a whole NIfTI file, found one that cannot be read: data code 32767 not recognized",
    ),
    "complex": (
        written(np.zeros((3, 3, 3), np.complex64)),
        "expected a NIfTI volume of whole or real numbers, found one of complex64",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_said(name: str) -> None:
    content, message = REFUSED[name]
    with pytest.raises(ImageError) as error:
        picture(content, 9 if name == "slice" else 0)
    assert str(error.value) == message


@pytest.mark.parametrize(("value", "found"), [(np.nan, "of no finite numbers"), (0.0, "whose axes are parallel")])
def test_a_volume_without_orientation_is_refused(value: float, found: str) -> None:
    image = nibabel.Nifti1Image(volume(), np.eye(4))
    content = bytearray(image.to_bytes())
    content[280:292] = np.array([value] * 3, "<f4").tobytes()
    with pytest.raises(ImageError, match=rf"^expected a NIfTI volume with an orientation, found one {found}$"):
        picture(bytes(content))


def test_a_bomb_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nifti, "MAX_BYTES", 10_000)
    with pytest.raises(ImageError, match=r"^expected a NIfTI file that inflates to at most 10,000 bytes, found one"):
        picture(gzip.compress(written(volume())))


def test_a_header_that_lies_about_its_size_allocates_nothing() -> None:
    content = bytearray(written(volume()))
    content[42:48] = (32_000).to_bytes(2, "little") * 3
    with pytest.raises(ImageError, match=r"^expected a whole NIfTI file of 65,536,000,000,000 bytes of values, found"):
        picture(bytes(content))


def test_too_many_pixels_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.preprocessing.limits.MAX_PIXELS", 1000)
    with pytest.raises(ImageTooLarge, match=r"^expected at most 1,000 pixels, found 1,200$"):
        picture(written(volume()))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", gzip.compress(b"x" * 999), b"\x5c\1\0\0".ljust(600, b"\0")])
def test_other_files_are_none(content: bytes) -> None:
    assert not is_nifti(content)


@pytest.mark.parametrize("name", ["nibabel.Nifti1Image.from_bytes", "nibabel.arrayproxy.ArrayProxy.__getitem__"])
def test_memory_that_runs_out_is_no_damage(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Whoever decodes in a process with a limit says that the file is too large."""

    def run_out(*_: object) -> None:
        raise MemoryError

    content = written(volume())
    monkeypatch.setattr(name, run_out)
    with pytest.raises(MemoryError):
        picture(content)


def test_values_that_nibabel_cannot_give_are_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no such block")

    content = written(volume())
    monkeypatch.setattr("nibabel.arrayproxy.ArrayProxy.__getitem__", fail)
    with pytest.raises(
        ImageError, match=r"^expected a whole NIfTI file, found one that cannot be read: no such block$"
    ):
        picture(content)
