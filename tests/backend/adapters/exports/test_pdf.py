"""The page of a record, read back by pypdf, and its QR code by OpenCV."""

from __future__ import annotations

import io
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from reportlab.pdfbase import pdfmetrics

from backend.adapters.exports import pdf
from backend.domain import DiagnosisStatus, Verdict
from backend.exports import OutlineFacts, RecordFacts
from tests.backend.adapters.exports.documents import (
    ABSTAINED,
    ASSERTED,
    CID,
    CONFIRMED,
    CONTRACT,
    OVERRIDDEN,
    REASON,
    STATES,
    WITHDRAWN,
    facts,
)
from tests.backend.adapters.exports.facts import MODEL, OUTLINE, REVIEWER, review, study

PIXELS = Image.radial_gradient("L").resize((64, 64))


def read(found: RecordFacts) -> PdfReader:
    return PdfReader(io.BytesIO(pdf.page(found, found.shown, PIXELS)))


def text_of(found: RecordFacts) -> str:
    """What the page shows, in one line; lines that were wrapped are joined."""
    (page,) = read(found).pages
    return " ".join(page.extract_text().split())


@pytest.mark.parametrize("state", STATES)
def test_one_a4_page_says_what_the_result_is_not(state: str):
    found = facts(STATES[state])

    (page,) = read(found).pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    shown = text_of(found)
    assert "AI result, not a diagnosis." in shown
    assert f"Status: {found.diagnosis.status_text}." in shown
    assert "How to verify" in shown


@pytest.mark.parametrize(
    ("state", "headline"),
    [
        ("asserted", "Result Glioma Confidence of the model: 91.2%"),
        ("confirmed", "Result Glioma Confidence of the model: 91.2%"),
        ("abstained", f"Result No answer The model brain-mri 2.1.0 gave no answer: {REASON}."),
        ("overridden", "Result Meningioma The model brain-mri 2.1.0 said: Glioma. Confidence of the model: 91.2%"),
        ("overridden abstention", "Result Meningioma The model brain-mri 2.1.0 gave no answer"),
        ("overridden without an answer", "Result No answer The model brain-mri 2.1.0 said: Glioma"),
        ("overridden under a seal", "Result Known to whoever holds the opening The model brain-mri 2.1.0 said: Glioma"),
        ("withdrawn", "Result Withdrawn: no result is valid The model brain-mri 2.1.0 said: Glioma"),
        ("compromised", "Result Key compromised: no result is valid The model brain-mri 2.1.0 said: Glioma"),
    ],
)
def test_the_result_is_what_is_valid_now(state: str, headline: str):
    assert headline in text_of(facts(STATES[state]))


def test_everything_that_identifies_the_record_is_there():
    found = facts(OVERRIDDEN)

    shown = text_of(found)

    for text in (
        *(found.transaction_hash, found.image_id, CID, found.sha256, MODEL.sha256, CONTRACT, "(chain 31337)"),
        *(found.uploader, found.diagnosis.classifier, found.diagnosis.manifest_cid),
        *("2026-09-21 14:13:20 UTC, block 7", "(classifier), 2026-09-21 14:15:00 UTC"),
        f"overridden: meningioma, by {REVIEWER}, 2026-09-21 14:18:20 UTC. Seen on two slices.",
        f"scanproof verify --image-id {found.image_id}",
        f"scanproof evidence {found.image_id}",
    ):
        assert text in shown


def test_a_result_of_another_transaction_names_both():
    other = "0x" + "99" * 32

    shown = text_of(facts(replace(ASSERTED, transaction_hash=other)))

    assert f"Transaction of the result {other}" in shown


def test_of_many_reviews_the_newest_are_shown():
    reviews = tuple(replace(review(Verdict.CONFIRMED), reason=f"look {n}") for n in range(5))

    shown = text_of(facts(replace(CONFIRMED, reviews=reviews)))

    assert "5, of which the newest are below" in shown
    assert [n for n in range(5) if f"look {n}" in shown] == [2, 3, 4]
    assert shown.index("look 4") < shown.index("look 3")


def images(found: RecordFacts) -> list[Image.Image]:
    (page,) = read(found).pages
    return [image.image for image in page.images]


def test_the_code_leads_to_the_record():
    found = facts()

    (code,) = (image for image in images(found) if image.size != PIXELS.size)
    seen = np.asarray(code.convert("L"))

    assert cv2.QRCodeDetector().detectAndDecode(seen)[0] == found.link


def test_the_picture_is_the_one_that_the_model_saw():
    assert any(np.array_equal(np.asarray(image.convert("L")), np.asarray(PIXELS)) for image in images(facts()))


def test_a_large_picture_is_made_smaller():
    found = facts()
    large = Image.new("RGB", (3000, 1500), (90, 80, 70))

    reader = PdfReader(io.BytesIO(pdf.page(found, replace(found.shown, width=3000, height=1500), large)))

    assert max(image.image.width for image in reader.pages[0].images) == 1200


def drawn_lines(found: RecordFacts) -> int:
    (page,) = read(found).pages
    return page.get_contents().get_data().count(b" l ")


def test_the_outline_is_drawn():
    outlined, bare = facts(ASSERTED), facts(ASSERTED)
    bare = replace(bare, pictures=(replace(bare.shown, outline=None, no_outline="the classifier found no tumour"),))

    assert drawn_lines(outlined) == drawn_lines(bare) + 2 * 2 * 3  # a line and its halo, of two squares
    assert "The outline is by the model tumour-outline: 390 pixels." in text_of(outlined)
    assert "Nothing is outlined: the classifier found no tumour." in text_of(bare)


def test_an_outline_of_a_clinician_with_spacing_is_in_mm():
    found = facts(CONFIRMED)
    outline = OutlineFacts(OUTLINE, None, REVIEWER, 390, 97.5)

    shown = text_of(replace(found, pictures=(replace(found.shown, outline=outline),)))

    assert f"Theoutlineisbytheclinician{REVIEWER}:97.5mm²." in shown.replace(" ", "")


def test_a_study_says_which_slice_is_shown():
    found = facts()

    shown = text_of(replace(found, study=study(12), pictures=(replace(found.shown, order=6),)))

    assert "A study of 12 slices; the picture is slice 7." in shown
    assert f"CID of the study {CID}" in shown


def test_texts_of_others_are_shown_as_text():
    reason = "<b>bold</b> &amp; <script>alert(1)</script> \u202egnp.txt"

    shown = text_of(facts(replace(ABSTAINED, reason=reason)))

    assert r"<b>bold</b> &amp; <script>alert(1)</script> \u202egnp.txt" in shown


def test_greek_and_cyrillic_are_drawn_and_other_scripts_are_escaped():
    shown = text_of(facts(replace(ABSTAINED, reason="γλοίωμα глиома ≥ 1 µm 你 ש\u200d")))

    assert "γλοίωμα глиома ≥ 1 µm " + r"\u4f60 \u05e9\u200d" in shown


def test_a_very_long_text_is_cut():
    reason = "word " * 2000 + "the end"
    label = "x" * 3000

    found = facts(replace(ABSTAINED, reason=reason))
    shown = text_of(replace(found, link="http://localhost/" + "y" * 900))
    reviewed = text_of(
        facts(replace(CONFIRMED, label=label, current_label=label, label_text=label, current_label_text=label))
    )

    assert "the end" not in shown and "word…" in shown.replace(" …", "…")
    assert "y" * 900 not in shown.replace(" ", "")
    assert "x" * 3000 not in reviewed.replace(" ", "")
    for text in (shown, reviewed):
        assert "How to verify" in text and "scanproof evidence" in text


@pytest.mark.parametrize("text", ["", "word", "a b c d e f g h i j", "x" * 100, "aaa " + "x" * 100])
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str):
    pdf.drawable(text)
    width = 40.0

    lines = pdf.wrapped(text, font=pdf.TEXT, size=8, width=width, limit=100)

    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for line in lines:
        assert pdfmetrics.stringWidth(line, pdf.TEXT, 8) <= width


def test_every_font_is_embedded_and_nothing_runs():
    reader = read(facts())

    fonts = reader.pages[0]["/Resources"]["/Font"]
    names = {fonts[name]["/BaseFont"] for name in fonts}
    assert names == {"/AAAAAA+DejaVuSans", "/AAAAAA+DejaVuSans-Bold"}
    assert all("/FontFile2" in fonts[name]["/FontDescriptor"] for name in fonts)
    assert "/OpenAction" not in reader.trailer["/Root"]
    assert "/Names" not in reader.trailer["/Root"]


def test_the_same_record_gives_the_same_bytes():
    found = facts(WITHDRAWN)

    assert pdf.page(found, found.shown, PIXELS) == pdf.page(found, found.shown, PIXELS)


def test_the_file_is_made_of_the_pinned_bytes():
    file = pdf.write(facts(replace(ASSERTED, status=DiagnosisStatus.ASSERTED)), None)

    assert (file.media_type, file.suffix) == ("application/pdf", "pdf")
    assert file.content.startswith(b"%PDF-")
