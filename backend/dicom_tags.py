"""Tags of DICOM attributes (PS3.6) as the DICOM JSON Model writes them: eight hex digits."""

from __future__ import annotations

SOP_CLASS = "00080016"
INSTANCE_UID = "00080018"
MODALITY = "00080060"
TRANSFER_SYNTAX = "00083002"
"""Available Transfer Syntax UID, of what DICOMweb offers (PS3.18, table 10.6.3-5)."""
STUDY_UID = "0020000D"
SERIES_UID = "0020000E"
INSTANCE_NUMBER = "00200013"
BITS_ALLOCATED = "00280100"
PIXEL_DATA = "7FE00010"
SOURCE_UID = "00200242"
"""SOP Instance UID of Concatenation Source: of the object whose frame a file has (PS3.3, section C.7.6.16.2.2.4)."""
FRAME_OFFSET = "00209228"
"""Concatenation Frame Offset Number: which frame that is, from 0."""
