"""The data set of a de-identified file in the DICOM JSON Model (PS3.18, Annex F), without pixels and bulk data."""

from __future__ import annotations

import io
import json
from typing import Any

from backend.dicom_tags import TRANSFER_SYNTAX
from backend.errors import UnsupportedImage

MAX_JSON_BYTES = 64 * 1024
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def describe(content: bytes) -> dict[str, Any]:
    """Attributes by tag, such as ``00080060``. The largest are left out until the rest takes at most MAX_JSON_BYTES:
    sequences first, as of enhanced files of many frames, then tables; never a UID.

    Raises UnsupportedImage.
    """
    import pydicom

    try:
        file = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        syntax = str(file.file_meta.TransferSyntaxUID)
        elements = {
            f"{element.tag:08X}": element.to_json_dict(None, 1024)
            for element in file
            if element.VR not in _BULK and element.tag.element != 0
        }
    except Exception as error:  # pydicom raises many types on values that it does not expect
        raise UnsupportedImage("expected a DICOM image, found one whose attributes cannot be read") from error
    elements[TRANSFER_SYNTAX] = {"vr": "UI", "Value": [syntax]}
    sizes = {tag: len(json.dumps(each)) for tag, each in elements.items()}
    others = (tag for tag in sizes if elements[tag]["vr"] != "UI")
    smallest = sorted(others, key=lambda tag: (elements[tag]["vr"] == "SQ", sizes[tag]))
    while smallest and sum(sizes.values()) > MAX_JSON_BYTES:
        del sizes[smallest.pop()]
    return {tag: elements[tag] for tag in sorted(sizes)}
