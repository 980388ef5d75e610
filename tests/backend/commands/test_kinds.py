"""``scanproof kinds``: completes the kinds of stored images, and lists those of a kind."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, update

from backend.adapters.database.engine import open_database
from backend.adapters.database.kinds import SqlKinds
from backend.adapters.database.tables import ImageRow, KindRow
from backend.adapters.database.uploads import SqlImages
from backend.adapters.ipfs.block_store import EmbeddedStore
from backend.adapters.ipfs.unixfs import cid_of
from backend.domain import ImageFacts, ImageKind, KindSource, KindValue
from tests.dicoms import deidentified, dicom

PIXELS = np.arange(256, dtype=np.uint16).reshape(16, 16)
FILE = deidentified(dicom(PIXELS, BodyPartExamined="BRAIN", SeriesDescription="FLAIR"))
LOST = deidentified(dicom(PIXELS, SeriesDescription="T1"))


@pytest.fixture
def cid(scanproof) -> str:
    """The CID of a stored image; another one is not in the store any more."""
    folder = Path(scanproof.environ["SCANPROOF_VAR"])
    EmbeddedStore(folder / "ipfs").put(FILE, name="slice.dcm", media_type="application/dicom")
    database = open_database(f"sqlite:///{folder / 'scanproof.db'}")
    for content in (FILE, LOST):
        sha256 = hashlib.sha256(content).hexdigest()
        facts = ImageFacts(cid_of(content), sha256, len(content), 16, 16, "application/dicom", ())
        SqlImages(database).add(facts, None, "127.0.0.1")
    database.close()
    return cid_of(FILE)


def test_kinds_are_completed_and_listed(scanproof, cid: str) -> None:
    result = scanproof("kinds", "--sequence", "flair")
    assert (result.status, result.stdout) == (
        0,
        f"{cid}  modality MR (dicom), body part BRAIN (dicom), sequence flair (dicom), magnification unknown\n"
        "1 listed; 1 completed, 1 could not be read.\n",
    )
    again = scanproof("kinds", "--body-part", "brain", "--json")
    unknown = {"value": None, "source": "unknown", "by": None, "others": []}
    assert again.json == {
        "completed": 0,
        "unreadable": 1,
        "images": [
            {
                "cid": cid,
                "modality": {"value": "MR", "source": "dicom", "by": None, "others": []},
                "bodyPart": {"value": "BRAIN", "source": "dicom", "by": None, "others": []},
                "sequence": {"value": "flair", "source": "dicom", "by": None, "others": []},
                "magnification": unknown,
            }
        ],
    }
    assert scanproof("kinds", "--modality", "CT", "--json").json["images"] == []


def test_statements_that_differ_are_listed_side_by_side(scanproof, cid: str) -> None:
    folder = Path(scanproof.environ["SCANPROOF_VAR"])
    database = open_database(f"sqlite:///{folder / 'scanproof.db'}")
    said = KindValue("400", KindSource.UPLOADER, None, (KindValue("100", KindSource.UPLOADER),))
    SqlKinds(database).save([ImageKind(cid, magnification=said)])
    database.close()
    for magnification in ("100", "400X"):
        listed = scanproof("kinds", "--magnification", magnification)
        assert "magnification 400 (uploader) or 100 (uploader)" in listed.stdout
    (found,) = scanproof("kinds", "--magnification", "100", "--json").json["images"]
    assert found["magnification"]["others"] == [{"value": "100", "source": "uploader", "by": None}]


def test_a_damaged_row_is_named_and_never_shown(scanproof, cid: str) -> None:
    scanproof("kinds")
    folder = Path(scanproof.environ["SCANPROOF_VAR"])
    database = open_database(f"sqlite:///{folder / 'scanproof.db'}")
    with database.write() as session:
        session.execute(delete(ImageRow).where(ImageRow.cid != cid))
        session.execute(update(KindRow).values(sequence="t1"))
    database.close()
    failed = scanproof("kinds")
    assert (failed.status, f"image_kinds {cid} is damaged" in failed.stderr) == (1, True)
