"""The data set of a de-identified file in the DICOM JSON Model (PS3.18, Annex F), without pixels and bulk data."""

from __future__ import annotations

import io
import json
from typing import Any

from backend.dicom_tags import TRANSFER_SYNTAX
from backend.errors import UnsupportedImage

MAX_JSON_BYTES = 256 * 1024
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})


def describe(content: bytes) -> dict[str, Any]:
    """Attributes by tag, such as ``00080060``. Sequences are left out where all would take over MAX_JSON_BYTES, as in
    enhanced files of many frames.

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
    if len(json.dumps(elements)) > MAX_JSON_BYTES:
        elements = {tag: each for tag, each in elements.items() if each["vr"] != "SQ"}
    return dict(sorted(elements.items()))
