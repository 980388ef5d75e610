"""Every package that npm fetches is checked against a hash."""

from __future__ import annotations

import json
import re

from backend.settings import ROOT


def test_every_package_that_is_fetched_has_its_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    fetched = {path: entry for path, entry in packages.items() if path and not {"link", "inBundle"} & entry.keys()}
    assert len(fetched) > 300
    without = [path for path, entry in fetched.items() if not is_strong(entry.get("integrity", ""))]
    assert without == []


def is_strong(integrity: str) -> bool:
    return re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", integrity) is not None
