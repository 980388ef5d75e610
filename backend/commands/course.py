"""``scanproof course``: the outlined area over time, for the recorded images or studies of one patient."""

from __future__ import annotations

import argparse
from contextlib import closing
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.commands.arguments import hash32
from backend.commands.chosen_chain import limited_reading, opened_chain
from backend.commands.console import Console

if TYPE_CHECKING:
    from backend.services.course import CourseEntry

HELP = (
    "List the outlined areas of one patient over time\n\n"
    "Of the images, or of the studies, that the account of the record recorded of the same pseudonym."
)
EXAMPLE = "scanproof course 0x…"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image_id", metavar="IMAGE_ID", type=hash32, help="the image id of a record of the patient")


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.wiring import wire

    with (
        opened_chain(configuration.load(), console) as settings,
        closing(wire(settings)) as container,
        limited_reading(console, "reading the records of the patient, and outlining their slices"),
    ):
        record = container.records.find(options.image_id)
        found = container.course.of(record)
        while any(entry.pending for entry in found.entries):
            found = container.course.of(record)
    lines = [f"{_date(each)}  {_text(each)}  {each.record.image.image_id}" for each in found.entries]
    values = {"reason": found.reason, "entries": [_values(entry) for entry in found.entries]}
    console.result(values, "\n".join(lines) or f"There is no series: {found.reason}.")
    return 0


def _values(entry: CourseEntry) -> dict[str, object]:
    return {
        "imageId": entry.record.image.image_id,
        "cid": entry.record.image.cid,
        "studyDate": _date(entry),
        "pixels": entry.pixels,
        "squareMm": entry.square_mm,
        "cubicMm": entry.cubic_mm,
        "slices": entry.slices,
        "study": entry.study,
        "by": entry.by,
        "reason": entry.reason,
    }


def _date(entry: CourseEntry) -> str:
    date = entry.kind.study_date or ""
    return f"{date[:4]}-{date[4:6]}-{date[6:]}"


def _text(entry: CourseEntry) -> str:
    """The area with its unit; of a study the largest of a slice, with the volume."""
    if entry.pixels is None:
        return f"none: {entry.reason}"
    area = f"{entry.pixels:,.0f} pixels" if entry.square_mm is None else f"{entry.square_mm:,.1f} mm²"
    if not entry.study:
        return area
    volume = "" if entry.cubic_mm is None else f", {entry.cubic_mm:,.0f} mm³"
    return f"largest slice {area}{volume}, {entry.slices} slices outlined"
