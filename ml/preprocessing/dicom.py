"""DICOM files: the picture of a frame, 8 bits a channel, and what the file says of it.

pydicom and its decoders are imported when a file is read. Source: DICOM PS3.3, sections C.7.6.3 and C.7.6.16, C.11.1
and C.11.2.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ml.errors import ImageError
from ml.preprocessing.dicom_sequence import sequence_of
from ml.preprocessing.dicom_structure import Structure, read_structure
from ml.preprocessing.limits import check_pixels
from ml.preprocessing.windows import (
    LINEAR,
    LINEAR_EXACT,
    SIGMOID,
    Table,
    Transform,
    Window,
    range_window,
    robust_range,
    to_eight_bits,
)

if TYPE_CHECKING:
    from pydicom import Dataset

MAX_FRAMES = 65_536
INTEGERS = 0x0010
GREY, PALETTE = ("MONOCHROME1", "MONOCHROME2"), "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_PLUGINS = ("pyjpegls", "pylibjpeg", "pydicom", "pillow")
_JPEG_PLUGINS = ("pillow", "pylibjpeg")
"""For the JPEG of photographs: the decoder that also decodes JPEG files."""
_JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
_SCAN_WITHOUT_SPECTRUM = re.compile(rb"(\xff\xda\0(?:\x08\x01..|\x0c\x03.{6}))\0\0\0", re.DOTALL)
_JPEG_2000 = tuple(f"1.2.840.10008.1.2.4.{number}" for number in (90, 91, 201, 202, 203))
_JP2, _JP2_BYTES, _BOX_HEADER = b"\0\0\0\x0cjP  ", 12, 8
MOST_DIFFERENCE = 0.01
"""By which share the sides of a pixel may differ: scanners round."""
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_CENTIMETRES = 3
_LONGEST_SHOWN = 40
_LONGEST_TEXT = 64
"""Characters of a UID, and of the Patient ID."""


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says of its pictures.

    ``modality`` is DICOM's code, such as MR; ``body_part`` as in Body Part Examined, such as BREAST; both are empty if
    unknown. ``bits`` are stored for each value. ``spacing`` is the distance of the rows and of the columns in mm.
    ``window`` is the one of the picture, None for colour and for a look-up table. ``place`` is where the slice belongs.
    ``sequence`` is that of an MR image, see ``dicom_sequence``, and ``study_date`` is YYYYMMDD; empty if unknown.
    """

    modality: str
    body_part: str
    rows: int
    columns: int
    frames: int
    bits: int
    spacing: tuple[float, float] | None
    photometric: str
    transfer_syntax: str
    window: Window | None = None
    place: Place | None = None
    sequence: str = ""
    study_date: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Patient ID, Study and Series Instance UID, Instance Number, and the position in mm along the normal of the image
    plane (PS3.3 C.7.6.2.1.1); None for what the file does not say. ``frame`` counts from 0 the frames before the first
    one in a concatenation (PS3.3 C.7.6.16.2.2.4)."""

    patient: str
    study: str
    series: str
    number: int | None
    position: float | None
    frame: int = 0


def picture(content: bytes, frame: int = 0) -> tuple[Image.Image, Description]:
    """Mode ``L`` or ``RGB``. Stored values become the modality's units, then brightness by the first VOI look-up table
    or window of the file, else by the robust percentiles of ``windows.robust_range``; values of at most 8 bits without
    either are brightness already. MONOCHROME1 is inverted. Overlays are not drawn.

    Raises ImageError, ImageTooLarge; ImageError for a ``frame`` that the file does not have.
    """
    file = DicomFile(content)
    if not 0 <= frame < file.description.frames:
        raise ImageError(f"expected a frame from 0 to {file.description.frames - 1}, found {frame}")
    image, window = file.picture(frame)
    return image, replace(file.description, window=window)


class DicomFile:
    """A file with pixels. Its header is read and checked at once, its pixels frame by frame.

    Raises ImageError for a file that is damaged, that has no pixels, or pixels other than 1 to 16-bit integers in a
    known transfer syntax and colour space; ImageTooLarge.
    """

    def __init__(self, content: bytes) -> None:
        structure = read_structure(content)
        with warnings.catch_warnings():
            # pydicom warns of what is odd, but can be read.
            warnings.simplefilter("ignore")
            self._dataset = _dataset(structure)
            self.description = _describe(self._dataset, structure)

    def picture(self, frame: int) -> tuple[Image.Image, Window | None]:
        """See the function ``picture``; the window that was used."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stored = self.stored(frame)
        if self.description.photometric in COLOURS:
            return Image.fromarray(self._brightness(stored)), None
        if self.description.photometric == PALETTE:
            return Image.fromarray(self.coloured(stored)), None
        modality, rescaled = _modality(self._dataset, frame)
        voi = self._voi(stored, frame, modality, rescaled=rescaled)
        inverted = self.description.photometric == "MONOCHROME1"

        def transform(values: np.ndarray) -> np.ndarray:
            brightness = voi.apply(modality(values))
            return 1.0 - brightness if inverted else brightness

        return Image.fromarray(to_eight_bits(stored, transform)), voi if isinstance(voi, Window) else None

    def check_square(self) -> None:
        """Raises ImageError for pixels whose sides differ by more than MOST_DIFFERENCE: a model would see another shape
        than the tissue has, since those that it was trained on were square."""
        height, width = _aspect(self._dataset) or (1.0, 1.0)
        if abs(height - width) > MOST_DIFFERENCE * max(height, width):
            raise ImageError(
                f"expected square pixels, as models were trained on, found {height:g} by {width:g}: resample the image "
                "first"
            )

    def text(self, keyword: str) -> str:
        """An attribute of the file; empty where it has none. Raises ImageError for one that cannot be read."""
        return str(_value(self._dataset, keyword) or "")

    def numbers(self, keyword: str, group: str | None = None) -> Sequence[float]:
        """The finite numbers of an attribute of the file, or of the first frame's functional ``group`` where it has
        one. Raises ImageError."""
        item = group and _functional(self._dataset, 0, group)
        return _numbers(item or self._dataset, keyword)

    def jpeg(self, frame: int) -> bytes | None:
        """The compressed data of a frame in one of the transfer syntaxes of ITU-T T.81; None for others."""
        from pydicom.encaps import get_frame

        if self.description.transfer_syntax not in (*_JPEG, *_LOSSLESS_JPEG):
            return None
        try:
            return get_frame(self._dataset.PixelData, frame, number_of_frames=self.description.frames)
        except Exception as exc:  # pydicom raises many types on damaged data
            raise ImageError(f"expected a whole DICOM file, found pixels without frame {frame}: {exc}") from exc

    def stored(self, frame: int) -> np.ndarray:
        """The stored values of a frame: (rows, columns) or, as RGB, (rows, columns, 3). Raises ImageError."""
        from pydicom.pixels.decoders.base import get_decoder

        syntax = self.description.transfer_syntax
        decoder = get_decoder(syntax)
        wanted = _JPEG_PLUGINS if syntax in _JPEG else _PLUGINS
        plugins = [name for name in wanted if name in decoder.available_plugins] if decoder.is_encapsulated else [""]
        if not plugins:
            needed = ", ".join(decoder.missing_dependencies)
            raise ImageError(f"expected pixels that can be decoded here, found {decoder.UID.name}: install {needed}")
        # One decoder may read what another calls damaged; only Pillow is known to lack 12 bits.
        for plugin in plugins if syntax in _JPEG else plugins[:1]:
            try:
                values, _ = decoder.as_array(self._dataset, index=frame, raw=False, decoding_plugin=plugin)
            except (MemoryError, KeyboardInterrupt, SystemExit):
                raise
            except BaseException as exc:  # many types on damaged data; a panic of a decoder in Rust is no Exception
                failure = exc
            else:
                return self._checked(values)
        reason = str(failure).rpartition("\n")[2].strip()
        raise ImageError(f"expected a whole DICOM file, found pixels that cannot be decoded: {reason}") from failure

    def _checked(self, values: np.ndarray) -> np.ndarray:
        seen = self.description
        expected = (seen.rows, seen.columns, 3) if seen.photometric in COLOURS else (seen.rows, seen.columns)
        if values.shape != expected:
            raise ImageError(f"expected pixels of the shape {expected} in a DICOM file, found {values.shape}")
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def _brightness(self, stored: np.ndarray) -> np.ndarray:
        if self.description.bits == 8:
            return stored
        most = (1 << self.description.bits) - 1
        return to_eight_bits(stored, lambda values: np.clip(values / most, 0.0, 1.0))

    def coloured(self, stored: np.ndarray) -> np.ndarray:
        """The 8-bit RGB of stored values by the palette of the file: their shape, and 3. Raises ImageError."""
        from pydicom.pixels.processing import apply_color_lut

        try:
            colours = apply_color_lut(stored, self._dataset)
        except (AttributeError, ValueError, KeyError, IndexError, TypeError, NotImplementedError) as exc:
            raise ImageError(
                f"expected a DICOM file with a whole palette, found one that cannot be read: {exc}"
            ) from exc
        colours = colours[..., :3]
        # Some files name 16 bits and use 8.
        return colours.astype(np.uint8) if colours.max() < 256 else (colours >> 8).astype(np.uint8)

    def _voi(self, stored: np.ndarray, frame: int, modality: Transform, *, rescaled: bool) -> Window | Table:
        """How brightness is made of the modality's units."""
        signed = bool(_value(self._dataset, "PixelRepresentation"))
        ends = modality(np.array([stored.min(), stored.max()], np.float64))
        found = _file_voi(_functional(self._dataset, frame, "FrameVOILUTSequence") or self._dataset, signed=signed)
        # A window beside all pixels, as some exports have, shows nothing.
        if found and (isinstance(found, Table) or ends[0] == ends[1] or np.ptp(found.apply(ends)) > 1 / 255):
            return found
        bits = self.description.bits
        if bits <= 8 and not rescaled:
            low = -(1 << bits - 1) if signed else 0
            return range_window(float(low), float(low + (1 << bits) - 1), "bits")
        values = modality(np.array(robust_range(stored, _padding(self._dataset, signed=signed))))
        return range_window(float(values.min()), float(values.max()), "percentiles")


def _dataset(structure: Structure) -> Dataset:
    """The elements before the pixels, and the pixels, without what follows them."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.filereader import read_dataset
    from pydicom.uid import UID

    pixels = structure.pixels
    header = io.BytesIO(structure.data[structure.start : pixels.start if pixels else len(structure.data)])
    try:
        dataset = read_dataset(header, structure.implicit, not structure.big_endian)
        dataset.set_original_encoding(structure.implicit, not structure.big_endian, dataset.get("SpecificCharacterSet"))
    except Exception as exc:  # pydicom raises many types on damaged data
        raise ImageError(f"expected a whole DICOM file, found one whose elements cannot be read: {exc}") from exc
    if pixels is None:
        kind = UID(str(dataset.get("SOPClassUID") or "")).name or str(dataset.get("Modality") or "no modality")
        raise ImageError(f"expected a DICOM file with a picture, found a DICOM file without pixels: {kind}")
    if pixels.element != INTEGERS:
        raise ImageError("expected a DICOM file with integer pixels, found a DICOM file with floating-point pixels")
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(structure.transfer_syntax)
    value = structure.data[pixels.value : pixels.end]
    if structure.transfer_syntax in _JPEG:
        # Some writers leave the end of the spectrum, which is 63 in a sequential scan (ISO/IEC 10918-1, B.2.3), at 0.
        value = _SCAN_WITHOUT_SPECTRUM.sub(b"\\g<1>\0\x3f\0", value)
    if structure.transfer_syntax in _JPEG_2000:
        _check_boxes(value)
    dataset.add_new(0x7FE00010, pixels.vr, value)
    dataset["PixelData"].is_undefined_length = pixels.encapsulated
    return dataset


def _check_boxes(value: bytes) -> None:
    """pydicom never ends at a box without length of a JP2 file (ISO/IEC 15444-1, annex I), which some writers embed."""
    start = value.find(_JP2)
    while start >= 0:
        position = start + _JP2_BYTES
        while position < len(value) and value[position + 4 : position + 8] != b"jp2c":
            length = int.from_bytes(value[position : position + 4])
            if length < _BOX_HEADER:
                raise ImageError(f"expected whole JPEG 2000 data in a DICOM file, found a box of {length} bytes")
            position += length
        start = value.find(_JP2, start + 1)


def _describe(dataset: Dataset, structure: Structure) -> Description:
    rows, columns = (_integer(dataset, name, range(1, 65_536)) for name in ("Rows", "Columns"))
    check_pixels(columns, rows)
    allocated = _integer(dataset, "BitsAllocated", (1, 8, 16))
    bits = _integer(dataset, "BitsStored", range(1, allocated + 1), allocated)
    _integer(dataset, "HighBit", (bits - 1,), bits - 1)
    _integer(dataset, "PixelRepresentation", (0, 1), 0)
    photometric = str(_value(dataset, "PhotometricInterpretation") or "none")
    if photometric not in (*GREY, PALETTE, *COLOURS):
        known = ", ".join((*GREY, PALETTE, *COLOURS))
        raise ImageError(f"expected a DICOM file with one of the colour spaces {known}, found {photometric}")
    _integer(dataset, "SamplesPerPixel", (3 if photometric in COLOURS else 1,))
    return Description(
        modality=str(_value(dataset, "Modality") or ""),
        body_part=str(_value(dataset, "BodyPartExamined") or "") or _anatomy(dataset),
        rows=rows,
        columns=columns,
        frames=_integer(dataset, "NumberOfFrames", range(1, MAX_FRAMES + 1), 1),
        bits=bits,
        spacing=_spacing(dataset),
        photometric=photometric,
        transfer_syntax=_syntax(structure, encapsulated=bool(structure.pixels and structure.pixels.encapsulated)),
        place=_place(dataset),
        sequence=_sequence(dataset),
        study_date=_optional(dataset, "StudyDate"),
    )


def _sequence(dataset: Dataset) -> str:
    if _optional(dataset, "Modality") != "MR":
        return ""
    frame_type = _functional(dataset, 0, "MRImageFrameTypeSequence") or dataset
    times = [
        next(iter(_optional_numbers(dataset, name, 1)), None)
        for name in ("RepetitionTime", "EchoTime", "InversionTime")
    ]
    return sequence_of(
        description=_optional(dataset, "SeriesDescription"),
        contrast=_optional(frame_type, "AcquisitionContrast"),
        scanning=_optional(dataset, "ScanningSequence").split("\\"),
        repetition_ms=times[0],
        echo_ms=times[1],
        inversion_ms=times[2],
    )


def _optional(dataset: Dataset, keyword: str) -> str:
    """Text that is not needed to see the picture: empty where it cannot be read. Several values are joined by a
    backslash."""
    with suppress(ImageError):
        value = _value(dataset, keyword) or ""
        parts = [value] if isinstance(value, str) else value if hasattr(value, "__iter__") else [value]
        return "\\".join(map(str, parts))[:_LONGEST_TEXT]
    return ""


def _optional_numbers(dataset: Dataset, keyword: str, count: int, group: str = "") -> Sequence[float]:
    """Numbers of the file, or of its first frame in the functional ``group``, that are not needed to see the picture:
    none where they cannot be read."""
    with suppress(ImageError):
        found = _numbers(_functional(dataset, 0, group) or dataset, keyword)
        return found if len(found) == count else ()
    return ()


def _place(dataset: Dataset) -> Place:
    patient, study, series = (
        str(dataset.get(name) or "")[:_LONGEST_TEXT] for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")
    )
    instance = _optional_numbers(dataset, "InstanceNumber", 1)
    offset = _optional_numbers(dataset, "ConcatenationFrameOffsetNumber", 1)
    corner = _optional_numbers(dataset, "ImagePositionPatient", 3, "PlanePositionSequence")
    axes = _optional_numbers(dataset, "ImageOrientationPatient", 6, "PlaneOrientationSequence")
    position = float(np.dot(np.cross(axes[:3], axes[3:]), corner)) if corner and axes else math.nan
    return Place(
        patient=patient,
        study=study,
        series=series,
        number=int(instance[0]) if instance else None,
        position=round(position, 3) if math.isfinite(position) else None,
        frame=int(offset[0]) if offset else 0,
    )


def _syntax(structure: Structure, *, encapsulated: bool) -> str:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    uid = UID(structure.transfer_syntax)
    try:
        decoder = get_decoder(uid)
    except NotImplementedError as exc:
        raise ImageError(
            f"expected a DICOM file in a transfer syntax for still images, found {uid.name} ({uid}): "
            "export it as Explicit VR Little Endian"
        ) from exc
    if decoder.is_encapsulated != encapsulated:
        found = "encapsulated" if encapsulated else "plain"
        raise ImageError(f"expected pixels as {uid.name} has them, found a DICOM file with {found} pixels")
    return str(uid)


def _integer(dataset: Dataset, keyword: str, allowed: range | tuple[int, ...], default: int | None = None) -> int:
    """Raises ImageError unless the element is one integer that is ``allowed``."""
    value = _value(dataset, keyword)
    if value in (None, "") and default is not None:
        return default
    number = _number(value)
    if number is None or number not in allowed:
        expected = f"{allowed[0]:,} to {allowed[-1]:,}" if len(allowed) > 3 else " or ".join(map(str, allowed))
        raise ImageError(f"expected a DICOM file whose {_name(keyword)} is {expected}, found {_shown(value)}")
    return int(number)


def _modality(dataset: Dataset, frame: int) -> tuple[Transform, bool]:
    """Stored values to the modality's units, and whether that changes them. Source: PS3.3, section C.11.1."""
    macro = _functional(dataset, frame, "PixelValueTransformationSequence") or dataset
    if tables := _value(macro, "ModalityLUTSequence"):
        table, _ = _table(tables[0], signed=bool(_value(dataset, "PixelRepresentation")))
        return table.apply, True
    slope, intercept = (_number(_value(macro, name)) for name in ("RescaleSlope", "RescaleIntercept"))
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if not slope:
        raise ImageError("expected a DICOM file whose Rescale Slope is not 0, found 0")
    return lambda values: values * slope + intercept, (slope, intercept) != (1.0, 0.0)


def _file_voi(macro: Dataset, *, signed: bool) -> Window | Table | None:
    """The first look-up table, or else the first usable window. Source: PS3.3, section C.11.2."""
    if tables := _value(macro, "VOILUTSequence"):
        table, most = _table(tables[0], signed=signed)
        return Table(table.first, table.entries / most)
    function = str(_value(macro, "VOILUTFunction") or LINEAR)
    least = {LINEAR: 1.0, LINEAR_EXACT: 0.0, SIGMOID: 0.0}.get(function)
    for center, width in zip(_numbers(macro, "WindowCenter"), _numbers(macro, "WindowWidth"), strict=False):
        if least is not None and width >= least and width > 0:
            return Window(center, width, function)
    return None


def _table(item: Dataset, *, signed: bool) -> tuple[Table, int]:
    """A look-up table of a modality or VOI LUT sequence, and the greatest value that its entries can have."""
    try:
        count, first, bits = (int(number) for number in item.LUTDescriptor)
        data = item.LUTData
        count = count or 65_536
        if isinstance(data, bytes):
            data = np.frombuffer(data, "u1" if len(data) <= count + 1 else "<u2" if _little(item) else ">u2")
        entries = np.asarray(data, np.float64).reshape(-1)[:count]
        if entries.size != count or not 8 <= bits <= 16 or entries.min() < 0:
            raise ValueError(f"{entries.size} entries of {count}, with {bits} bits")
    except Exception as exc:  # pydicom raises many types on damaged data
        raise ImageError(
            f"expected a DICOM file with a whole look-up table, found one that cannot be read: {exc}"
        ) from exc
    most = max((1 << bits) - 1, int(entries.max()))
    return Table(first - 65_536 if signed and first > 32_767 else first, entries), most


def _little(item: Dataset) -> bool:
    return item.original_encoding[1] is not False


def _padding(dataset: Dataset, *, signed: bool) -> tuple[int, int] | None:
    """Stored values that are no part of the picture, both ends included. Source: PS3.3, section C.7.5.1.1.2."""
    found = [_number(_value(dataset, name)) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if found[0] is None:
        return None
    ends = [int(end) - 65_536 if signed and end > 32_767 else int(end) for end in found if end is not None]
    return min(ends), max(ends)


def _functional(dataset: Dataset, frame: int, name: str) -> Dataset | None:
    """The item of a functional group of an enhanced image, of the frame or shared. Source: PS3.3, section C.7.6.16."""
    frames = _value(dataset, "PerFrameFunctionalGroupsSequence") or ()
    shared = _value(dataset, "SharedFunctionalGroupsSequence") or ()
    for groups in (*frames[frame : frame + 1], *shared[:1]):
        if items := _value(groups, name):
            item: Dataset = items[0]
            return item
    return None


def _spacing(dataset: Dataset) -> tuple[float, float] | None:
    measures = _functional(dataset, 0, "PixelMeasuresSequence") or dataset
    for name in _SPACINGS:
        numbers = _numbers(measures, name)
        if len(numbers) == 2 and min(numbers) > 0:
            return numbers[0], numbers[1]
    regions: Sequence[Dataset] = _value(dataset, "SequenceOfUltrasoundRegions") or ()
    if len(regions) == 1 and _value(regions[0], "PhysicalUnitsXDirection") == _CENTIMETRES:
        deltas = [_number(_value(regions[0], name)) or 0.0 for name in ("PhysicalDeltaY", "PhysicalDeltaX")]
        if all(deltas):
            return abs(deltas[0]) * 10, abs(deltas[1]) * 10
    return None


def _aspect(dataset: Dataset) -> tuple[float, float] | None:
    """The height and width of a pixel, in mm or as a ratio (PS3.3, section C.7.6.3.1.7); None if they are unknown."""
    ratio = _numbers(dataset, "PixelAspectRatio")
    known = (ratio[0], ratio[1]) if len(ratio) == 2 and min(ratio) > 0 else None
    return _spacing(dataset) or known


def _anatomy(dataset: Dataset) -> str:
    region = _functional(dataset, 0, "FrameAnatomySequence") or dataset
    items = _value(region, "AnatomicRegionSequence")
    return str(_value(items[0], "CodeMeaning") or "") if items else ""


def _value(dataset: Dataset, keyword: str) -> Any:
    """An element's value; None without it. Raises ImageError for one that cannot be read."""
    try:
        return dataset.get(keyword)
    except Exception as exc:  # pydicom raises many types on damaged data
        raise ImageError(
            f"expected a DICOM file with a readable {_name(keyword)}, found one that is not: {exc}"
        ) from exc


def _numbers(dataset: Dataset, keyword: str) -> Sequence[float]:
    value = _value(dataset, keyword)
    several = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value
    return [number for number in map(_number, several) if number is not None]


def _number(value: Any) -> float | None:
    """None for what is no finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _name(keyword: str) -> str:
    from pydicom.datadict import dictionary_description, tag_for_keyword

    return dictionary_description(tag_for_keyword(keyword) or 0)


def _shown(value: Any) -> str:
    return str(value)[:_LONGEST_SHOWN] or "none" if value is not None else "none"
