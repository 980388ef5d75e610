"""A record as one page (A4) for people: picture, result, status, who and when, and how to check it.

Texts of others are drawn as they are, without markup, cut where they do not fit.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import segno
from PIL import Image
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from backend.adapters.exports.pictures import LINE, pixels_of
from backend.adapters.exports.wording import valid_label, valid_text
from backend.domain import DiagnosisStatus, describe_time
from backend.exports import NOT_A_DIAGNOSIS, DiagnosisFacts, ExportedFile, Originals, Picture, RecordFacts
from backend.printable import one_line

if TYPE_CHECKING:
    from reportlab.pdfgen.pathobject import PDFPathObject

MEDIA_TYPE = "application/pdf"
FONTS = Path(__file__).parent / "fonts"
TEXT, BOLD = "DejaVuSans", "DejaVuSans-Bold"
"""DejaVu 2.37: Latin, Greek and Cyrillic among others. It is embedded, in the characters that a page uses."""

_WIDTH, _HEIGHT = A4
_MARGIN = 18 * mm
_RIGHT = _WIDTH - _MARGIN
_QR_SIDE = 30 * mm
_PICTURE_SIDE = 84 * mm
_COLUMN = _MARGIN + _PICTURE_SIDE + 8 * mm
_LABELS = 34 * mm
_SMALL, _NORMAL, _LARGE = 7.2, 9.0, 17.0
_LEADING = 1.4
_INK, _GREY, _RULE = HexColor("#14202b"), HexColor("#51606d"), HexColor("#c6d0d8")
_LINE, _HALO = Color(*(part / 255 for part in LINE)), HexColor("#00323a")
_TONES = {
    DiagnosisStatus.ASSERTED: HexColor("#8a5a00"),
    DiagnosisStatus.ABSTAINED: HexColor("#8a5a00"),
    DiagnosisStatus.CONFIRMED: HexColor("#1b6b3a"),
    DiagnosisStatus.OVERRIDDEN: HexColor("#1b5c8a"),
    DiagnosisStatus.WITHDRAWN: HexColor("#a02020"),
}
_PIXELS = 1200
"""The longest side of the picture in the file."""
_QR_PIXELS = 4
"""Of the side of a module: readers need a few."""
_REVIEWS = 3
"""The newest ones that the page has room for."""
_ELLIPSIS = "…"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


def write(facts: RecordFacts, _originals: Originals | None) -> ExportedFile:
    """The page; the same bytes for the same facts. Raises UnsupportedImage, ImageTooLarge, ServerBusy."""
    picture = facts.shown
    return ExportedFile(page(facts, picture, pixels_of(picture)), MEDIA_TYPE, "pdf")


def page(facts: RecordFacts, picture: Picture, pixels: Image.Image) -> bytes:
    """The PDF with ``pixels`` (mode ``L`` or ``RGB``) of ``picture``."""
    _register_fonts()
    output = io.BytesIO()
    canvas = Canvas(output, pagesize=A4, initialFontName=TEXT, invariant=1, pageCompression=1, lang="en")
    canvas.setTitle(f"ScanProof record {facts.image_id}")
    canvas.setSubject(f"{NOT_A_DIAGNOSIS}: {facts.diagnosis.status_text}")
    canvas.setCreator("ScanProof")
    pen = _Pen(canvas)
    top = _draw_head(pen, facts)
    bottom = min(_draw_picture(pen, picture, pixels, top), _draw_result(pen, facts, picture, top))
    bottom = _draw_rows(pen, list(_rows(facts)), bottom - 8 * mm)
    _draw_verification(pen, facts, bottom - 5 * mm)
    canvas.showPage()
    canvas.save()
    return output.getvalue()


class _Pen:
    """Draws text that stays inside its width."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas

    def line(
        self, text: str, x: float, y: float, width: float, *, font: str = TEXT, size: float = _NORMAL, ink: Color = _INK
    ) -> float:
        """One line with its foot at ``y``, cut to ``width``; the foot of the next."""
        return self.lines(text, x, y, width, limit=1, font=font, size=size, ink=ink)

    def lines(
        self,
        text: str,
        x: float,
        y: float,
        width: float,
        *,
        limit: int,
        font: str = TEXT,
        size: float = _NORMAL,
        ink: Color = _INK,
    ) -> float:
        """At most ``limit`` lines, the first with its foot at ``y``; the foot of the next."""
        self.canvas.setFont(font, size)
        self.canvas.setFillColor(ink)
        for line in wrapped(drawable(text), font=font, size=size, width=width, limit=limit):
            self.canvas.drawString(x, y, line)
            y -= size * _LEADING
        return y


def drawable(text: str) -> str:
    """``text`` in one line, with an escape of Python for each character that the font lacks, that is not seen, or that
    is of a script from right to left, which needs an order and forms that are not made here."""
    characters = _face_characters()
    return "".join(
        character if ord(character) in characters and not _is_unordered(character) else ascii(character)[1:-1]
        for character in one_line(" ".join(text.split()))
    )


def wrapped(text: str, *, font: str, size: float, width: float, limit: int) -> list[str]:
    """At most ``limit`` lines of at most ``width`` points, broken at spaces and in words that are too long. What does
    not fit is cut, with an ellipsis."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < limit:
        count = _fitting(rest, font, size, width)
        if count < len(rest):
            space = rest.rfind(" ", 0, count + 1)
            count = space if space > 0 else count
        lines.append(rest[:count])
        rest = rest[count:].lstrip(" ")
    if rest:
        room = width - pdfmetrics.stringWidth(_ELLIPSIS, font, size)
        lines[-1] = lines[-1][: _fitting(lines[-1], font, size, room)] + _ELLIPSIS
    return lines


def _fitting(text: str, font: str, size: float, width: float) -> int:
    """How many characters of ``text`` fit, at least one."""
    used = 0.0
    for count, character in enumerate(text):
        used += pdfmetrics.stringWidth(character, font, size)
        if used > width:
            return max(count, 1)
    return len(text)


def _is_unordered(character: str) -> bool:
    return unicodedata.bidirectional(character) in _RIGHT_TO_LEFT or unicodedata.category(character) == "Cf"


@cache
def _register_fonts() -> None:
    for name in (TEXT, BOLD):
        pdfmetrics.registerFont(TTFont(name, FONTS / f"{name}.ttf"))


@cache
def _face_characters() -> frozenset[int]:
    """The code points that both fonts have."""
    _register_fonts()
    return frozenset.intersection(*(frozenset(pdfmetrics.getFont(name).face.charToGlyph) for name in (TEXT, BOLD)))


def _draw_head(pen: _Pen, facts: RecordFacts) -> float:
    """Title, what the page is not, status, and the QR code; the foot of what follows."""
    top = _HEIGHT - _MARGIN
    width = _RIGHT - _QR_SIDE - 8 * mm - _MARGIN
    side = _QR_SIDE
    pen.canvas.drawImage(ImageReader(qr_code(facts.link)), _RIGHT - side, top - side + 3 * mm, side, side)
    y = pen.line("ScanProof: record of a medical image", _MARGIN, top - 5 * mm, width, font=BOLD, size=14)
    y = pen.line(f"{NOT_A_DIAGNOSIS}.", _MARGIN, y - 2 * mm, width, font=BOLD, size=11, ink=HexColor("#a02020"))
    diagnosis = facts.diagnosis
    tone = _TONES[DiagnosisStatus.WITHDRAWN if diagnosis.void else diagnosis.status]
    y = pen.lines(
        f"Status: {diagnosis.status_text}.", _MARGIN, y - 1 * mm, width, limit=3, font=BOLD, size=10, ink=tone
    )
    y = pen.lines(facts.link, _MARGIN, y, width, limit=2, size=_SMALL, ink=_GREY)
    bottom = min(y, top - side)
    _rule(pen, bottom)
    below: float = bottom - 4 * mm
    return below


def qr_code(link: str) -> Image.Image:
    """Mode ``1``, with the quiet zone of four modules (ISO/IEC 18004)."""
    output = io.BytesIO()
    segno.make(link, error="m", micro=False).save(output, kind="png", scale=_QR_PIXELS, border=4)
    return Image.open(output)


def _rule(pen: _Pen, y: float) -> None:
    pen.canvas.setStrokeColor(_RULE)
    pen.canvas.setLineWidth(0.6)
    pen.canvas.line(_MARGIN, y, _RIGHT, y)


def _draw_picture(pen: _Pen, picture: Picture, pixels: Image.Image, top: float) -> float:
    scale = _PICTURE_SIDE / max(picture.width, picture.height)
    width, height = picture.width * scale, picture.height * scale
    x: float = _MARGIN + (_PICTURE_SIDE - width) / 2
    y: float = top - height
    small = pixels.copy()
    small.thumbnail((_PIXELS, _PIXELS))
    canvas = pen.canvas
    canvas.drawImage(ImageReader(small), x, y, width, height)
    if picture.outline:
        canvas.saveState()
        canvas.clipPath(_rectangle(canvas, x, y, width, height), stroke=0)
        for colour, line in ((_HALO, 2.4), (_LINE, 1.2)):
            canvas.setStrokeColor(colour)
            canvas.setLineWidth(line)
            for contour in picture.outline.contours:
                canvas.drawPath(_path(canvas, [(x + px * scale, y + height - py * scale) for px, py in contour]))
        canvas.restoreState()
    return y


def _rectangle(canvas: Canvas, x: float, y: float, width: float, height: float) -> PDFPathObject:
    path = canvas.beginPath()
    path.rect(x, y, width, height)
    return path


def _path(canvas: Canvas, points: Sequence[tuple[float, float]]) -> PDFPathObject:
    path = canvas.beginPath()
    for number, point in enumerate(points):
        (path.lineTo if number else path.moveTo)(*point)
    path.close()
    return path


def _draw_result(pen: _Pen, facts: RecordFacts, picture: Picture, top: float) -> float:
    diagnosis = facts.diagnosis
    width = _RIGHT - _COLUMN
    y = pen.line("Result", _COLUMN, top - _NORMAL, width, ink=_GREY)
    y = pen.lines(_headline(diagnosis), _COLUMN, y - 3 * mm, width, limit=2, font=BOLD, size=_LARGE)
    for text, limit in _explanations(facts, picture):
        y = pen.lines(text, _COLUMN, y - 1 * mm, width, limit=limit)
    return y


def _headline(diagnosis: DiagnosisFacts) -> str:
    if diagnosis.compromise:
        return "Key compromised: no result is valid"
    if diagnosis.status is DiagnosisStatus.WITHDRAWN:
        return "Withdrawn: no result is valid"
    return valid_text(diagnosis)


def _explanations(facts: RecordFacts, picture: Picture) -> Iterator[tuple[str, int]]:
    """Sentences below the result, each with the most lines it may take."""
    diagnosis = facts.diagnosis
    model = f"{diagnosis.model.name} {diagnosis.model.version}"
    if diagnosis.abstained:
        yield f"The model {model} gave no answer: {diagnosis.reason or 'no reason is stated'}.", 5
    else:
        if valid_label(diagnosis) != diagnosis.label:
            yield f"The model {model} said: {diagnosis.label_text}.", 4
        yield f"Confidence of the model: {diagnosis.confidence:.1%}. It is no probability that the result is true.", 4
    if facts.study and picture.order is not None:
        yield f"A study of {len(facts.study.slices):,} slices; the picture is slice {picture.order + 1:,}.", 2
    yield _outline_text(picture), 3


def _outline_text(picture: Picture) -> str:
    outline = picture.outline
    if outline is None:
        return f"Nothing is outlined: {picture.no_outline}."
    size = f"{outline.pixels:,} pixels" if outline.area is None else f"{outline.area:,.1f} mm²"
    by = f"the model {outline.model.name}" if outline.model else f"the clinician {outline.reviewer}"
    return f"The outline is by {by}: {size}."


def _rows(facts: RecordFacts) -> Iterator[tuple[str, str]]:
    diagnosis = facts.diagnosis
    yield "Recorded", f"{describe_time(facts.block.timestamp)}, block {facts.block.number}"
    yield "Transaction", facts.transaction_hash
    if diagnosis.transaction_hash != facts.transaction_hash:
        yield "Transaction of the result", diagnosis.transaction_hash
    yield "Registry", f"{facts.contract} on {facts.chain_name} (chain {facts.chain_id})"
    yield "Uploaded by", facts.uploader
    yield "Signed by", f"{diagnosis.classifier} (classifier), {describe_time(diagnosis.issued_at)}"
    yield "Image id", facts.image_id
    yield "CID" if facts.study is None else "CID of the study", facts.cid
    yield "SHA-256", facts.sha256
    yield "Model", f"{diagnosis.model.name} {diagnosis.model.version}, for {diagnosis.model.modality}"
    yield "Model's SHA-256", diagnosis.model.sha256
    yield "Manifest", diagnosis.manifest_cid
    if len(diagnosis.reviews) > _REVIEWS:
        yield "Reviews", f"{len(diagnosis.reviews)}, of which the newest are below"
    for review in reversed(diagnosis.reviews[-_REVIEWS:]):
        label = f": {review.label}" if review.label else ""
        reason = f". {review.reason}" if review.reason else ""
        yield (
            "Review",
            f"{review.verdict}{label}, by {review.reviewer}, {describe_time(review.block.timestamp)}{reason}",
        )


def _draw_rows(pen: _Pen, rows: Sequence[tuple[str, str]], y: float) -> float:
    _rule(pen, y + 4 * mm)
    for name, value in rows:
        pen.line(name, _MARGIN, y, _LABELS - 2 * mm, size=_SMALL, ink=_GREY)
        y = pen.lines(value, _MARGIN + _LABELS, y, _RIGHT - _MARGIN - _LABELS, limit=2, size=_SMALL) - 0.6 * mm
    return y


def _draw_verification(pen: _Pen, facts: RecordFacts, y: float) -> None:
    _rule(pen, y + 4 * mm)
    width = _RIGHT - _MARGIN
    y = pen.line("How to verify: this page is no proof", _MARGIN, y - 1 * mm, width, font=BOLD)
    for step in (
        "1. Scan the code, or open the link, and compare the status: only there are later reviews.",
        f"2. Anywhere else: {facts.verify}",
        f"3. For the proofs in a file: scanproof evidence {facts.image_id}",
    ):
        y = pen.lines(step, _MARGIN, y, width, limit=3, size=_SMALL)
