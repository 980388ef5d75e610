"""What a search finds, as one file: streamed page by page, whatever its size."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain

from apiflask import APIBlueprint
from apiflask.fields import List, Nested
from eth_utils.address import to_checksum_address
from flask import Flask, Response, current_app

from backend.api.access import container
from backend.api.downloads import begin_download
from backend.api.openapi import file_response, responses
from backend.api.paging import IndexStatusSchema
from backend.api.records import FilterSchema, ImageRecordSchema, Kept, kept, record_answer, record_filter
from backend.api.schemas import AnswerSchema, Values
from backend.domain import IndexStatus, Record

blueprint = APIBlueprint("record_export", __name__, tag="Records")

COLUMNS = (
    "imageId", "cid", "uploader", "registeredAt", "registrationTransaction", "registrationBlock",
    "diagnosisId", "status", "currentLabel", "label", "labelCode", "confidence", "model", "modelVersion", "modelId",
    "manifestHash", "classifier", "issuedAt", "diagnosisTransaction", "diagnosisBlock",
    "reviews", "newestReviewId", "reviewer", "reviewedAt", "reviewTransaction",
)  # fmt: skip
Render = Callable[[Flask, Iterator[Sequence[Record]], IndexStatus], Iterator[str]]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class RecordExportSchema(AnswerSchema):
    """`index` says whether the whole chain was read when the export began."""

    index = Nested(IndexStatusSchema)
    records = List(Nested(ImageRecordSchema))


@blueprint.get("/records.csv")
@blueprint.input(FilterSchema, location="query")
@blueprint.doc(
    summary="All records that a search finds, as CSV (RFC 4180): a line for each diagnosis",
    responses=responses({200: file_response("text/csv", "The records")}),
)
def as_csv(query_data: Values) -> Response:
    return _download(_csv, query_data, "text/csv; charset=utf-8; header=present", "csv")


@blueprint.get("/records.json")
@blueprint.input(FilterSchema, location="query")
@blueprint.output(RecordExportSchema)
@blueprint.doc(summary="All records that a search finds, as JSON")
def as_json(query_data: Values) -> Response:
    return _download(_json, query_data, "application/json", "json")


def _download(render: Render, query: Values, content_type: str, suffix: str) -> Response:
    with begin_download() as download:
        pages = container().records.pages(record_filter(query))
        # The first page is read before the answer begins, so that an error is still an answer of its own.
        pages = chain([next(pages, [])], pages)
        index = container().index.status()
        app = current_app._get_current_object()  # type: ignore[attr-defined] # Flask declares the proxy as the app itself
        response = Response(render(app, pages, index), content_type=content_type)
        name = "scanproof-records" if index.synced else "scanproof-records-incomplete"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{suffix}"'
        return download.answer(response)


def _json(app: Flask, pages: Iterator[Sequence[Record]], index: IndexStatus) -> Iterator[str]:
    separator = "\n"
    yield f'{{"index": {json.dumps(IndexStatusSchema().dump(index))}, "records": ['
    for records in pages:
        with app.app_context():
            text = ",\n".join(_objects(records))
        yield separator + text
        separator = ",\n"
    yield "\n]}\n"


def _objects(records: Sequence[Record]) -> Iterator[str]:
    schema = ImageRecordSchema()
    found = kept(records)
    for record in records:
        answer = record_answer(record, kept=found)
        yield json.dumps(schema.dump(answer), ensure_ascii=False)


def _csv(app: Flask, pages: Iterator[Sequence[Record]], _: IndexStatus) -> Iterator[str]:
    yield _lines([dict(zip(COLUMNS, COLUMNS, strict=True))])
    for records in pages:
        with app.app_context():
            text = _lines([row for record in records for row in _rows(record)])
        yield text


def _lines(rows: Sequence[dict[str, object]]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, restval="").writerows(
        {column: _cell(value) for column, value in row.items()} for row in rows
    )
    return text.getvalue()


def _rows(record: Record) -> list[dict[str, object]]:
    image = record.image
    registration = {
        "imageId": image.image_id,
        "cid": image.cid,
        "uploader": to_checksum_address(image.uploader),
        "registeredAt": _time(image.block.timestamp),
        "registrationTransaction": image.transaction_hash,
        "registrationBlock": image.block.number,
    }
    answer = record_answer(record, kept=Kept(frozenset(), frozenset(), {}))
    return [{**registration, **_diagnosis(diagnosis)} for diagnosis in answer["diagnoses"]] or [registration]


def _diagnosis(answer: Values) -> dict[str, object]:
    model, reviews = answer["model"], answer["reviews"]
    found = {
        "diagnosisId": answer["diagnosis_id"],
        "status": answer["status"].value,
        "currentLabel": answer["current"]["label"] if answer["current"] else "",
        "label": answer["label"],
        "labelCode": answer["label_code"],
        "confidence": answer["confidence"],
        "model": model.name if model else "",
        "modelVersion": model.version if model else "",
        "modelId": answer["model_id"],
        "manifestHash": answer["manifest_hash"],
        "classifier": answer["classifier"],
        "issuedAt": _time(answer["issued_at"]),
        "diagnosisTransaction": answer["transaction"]["hash"],
        "diagnosisBlock": answer["block"].number,
        "reviews": len(reviews),
    }
    if reviews:
        newest = reviews[-1]
        found |= {
            "newestReviewId": newest["review_id"],
            "reviewer": newest["reviewer"],
            "reviewedAt": _time(newest["block"].timestamp),
            "reviewTransaction": newest["transaction"]["hash"],
        }
    return found


def _time(timestamp: int) -> str:
    """ISO 8601 in UTC. The classifier may have signed any time: one past the calendar stays a number."""
    try:
        return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(timestamp)


def _cell(value: object) -> object:
    """A spreadsheet would run text that begins so as a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
