"""Labelled images listed in a ``manifest.csv``."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from ml.datasets.samples import Sample, check_label
from ml.datasets.splits import check_groups
from ml.errors import WrongChoice

MANIFEST = "manifest.csv"
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
PATH_COLUMNS = ("path", "image")
GROUP_COLUMNS = ("group", "patient_case", "block")


def read_manifest(folder: Path, labels: Sequence[str] | None = None) -> list[Sample]:
    """The rows of ``folder/manifest.csv`` as `read_rows` returns them, checked that no group is in two splits.

    Raises:
        WrongChoice: see `read_rows`; or a group is in two splits.
    """
    samples = read_rows(folder, labels)
    check_groups((sample.group, sample.split) for sample in samples)
    return samples


def file_within(root: Path, path: Path) -> Path:
    """``path`` with all links followed. Raises WrongChoice where it is not a file inside ``root``, a resolved path."""
    if not path.is_file() or not (target := path.resolve()).is_relative_to(root):
        raise WrongChoice(f"the manifest names {path}, but there is no such file")
    return target


def read_rows(folder: Path, labels: Sequence[str] | None = None) -> list[Sample]:
    """Read ``folder/manifest.csv``: columns path (or image) and label; split, fold, tumour_type, magnification and
    group (or patient_case, or block) where there are any. UTF-8, with or without BOM, any line ends.

    Raises:
        WrongChoice: no such file, too large, no row, or a column or a label is missing; a label that is not in
            ``labels`` where they are given; an image that is named twice, is not there, or leads out of ``folder``.
    """
    manifest = folder / MANIFEST
    try:
        samples = list(_samples(folder, manifest, labels))
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise WrongChoice(f"{manifest}: cannot be read: {exc}") from exc
    if not samples:
        raise WrongChoice(f"{manifest}: expected at least one row, found none")
    return samples


def _samples(folder: Path, manifest: Path, labels: Sequence[str] | None) -> Iterator[Sample]:
    rows = csv.DictReader(io.StringIO(_text(manifest), newline=""), restval="", skipinitialspace=True)
    columns = rows.fieldnames or ()
    path_column = next((name for name in PATH_COLUMNS if name in columns), "path")
    group_column = next((name for name in GROUP_COLUMNS if name in columns), "group")
    if missing := {path_column, "label"} - set(columns):
        raise WrongChoice(f"{manifest}: expected the columns path and label, {', '.join(sorted(missing))} missing")
    root = folder.resolve()
    lines: dict[Path, int] = {}
    for row in rows:
        label = row["label"]
        check_label(label, labels)
        if not label:
            raise WrongChoice(f"{manifest}: line {rows.line_num} has no label")
        path = folder / row[path_column]
        target = file_within(root, path)
        if (line := lines.setdefault(target, rows.line_num)) != rows.line_num:
            raise WrongChoice(f"{manifest}: line {rows.line_num} names the file of line {line} again, {path}")
        yield Sample(
            path,
            label,
            *(row.get(name, "") for name in ("split", group_column, "fold", "tumour_type", "magnification")),
        )


def _text(manifest: Path) -> str:
    if not manifest.is_file():
        raise WrongChoice(f"{manifest}: there is no such file")
    if (size := manifest.stat().st_size) > MAX_MANIFEST_BYTES:
        raise WrongChoice(f"{manifest}: expected at most {MAX_MANIFEST_BYTES:,} bytes, found {size:,}")
    return manifest.read_text(encoding="utf-8-sig")
