"""An evidence file: a ZIP whose bytes depend only on the evidence.

``evidence.json`` is canonical JSON (RFC 8785) with bytes as 0x-hex; ``objects/<CID>`` are the objects. Nothing is
compressed, because images are compressed already, and compressors differ between machines.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, TypeVar

import rfc8785

from backend.cids import find_cid
from backend.domain import MAX_IMAGE_BYTES
from backend.errors import InvalidEvidence
from backend.evidence import Evidence, ProvenBlock, ProvenCode, ProvenTransaction
from backend.services import evidence_zip
from backend.services.json_values import camel_case, read_canonical

SCHEMA = "scanproof.evidence/2"
SCHEMA_WITHOUT_STATE = "scanproof.evidence/1"
"""Has no ``storageProof``: such files verify, but cannot show that nothing was left out."""
MEDIA_TYPE = "application/zip"
MAX_FILE_BYTES = 64 * 1024 * 1024
"""The limit for a file, packed and unpacked: the largest image and the proofs of a hundred large blocks fit."""
_MAX_INDEX_BYTES = 32 * 1024 * 1024
"""Receipts are whole: strangers may have written megabytes of logs in the same transactions."""
_MAX_ENTRIES = 1000
_INDEX = "evidence.json"
_OBJECTS = "objects/"
_BEGINNING = (1980, 1, 1, 0, 0, 0)
T = TypeVar("T")


def pack(evidence: Evidence) -> bytes:
    """The file. Raises InvalidEvidence when ``unpack`` would refuse it as too large."""
    fields = asdict(replace(evidence, objects={}))
    del fields["objects"]
    if evidence.storage_proof is None:
        del fields["storage_proof"]
    if not evidence.left_out_reviews:
        del fields["left_out_reviews"]
    schema = SCHEMA_WITHOUT_STATE if evidence.storage_proof is None else SCHEMA
    values = {**_object(fields), "schema": schema}
    index = rfc8785.dumps(values)
    if len(index) > _MAX_INDEX_BYTES:
        raise InvalidEvidence(
            f"expected a record whose proofs take at most {_MAX_INDEX_BYTES:,} bytes, found {len(index):,}"
        )
    entries = {_INDEX: index} | {_OBJECTS + cid: content for cid, content in evidence.objects.items()}
    if len(entries) > _MAX_ENTRIES:
        raise InvalidEvidence(f"expected a record with at most {_MAX_ENTRIES - 1} objects, found {len(entries) - 1}")
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name in sorted(entries):
            archive.writestr(zipfile.ZipInfo(name, _BEGINNING), entries[name])
    if output.tell() > MAX_FILE_BYTES:
        raise InvalidEvidence(f"expected a record of at most {MAX_FILE_BYTES:,} bytes, found {output.tell():,}")
    return output.getvalue()


def unpack(content: bytes) -> Evidence:
    """Read a file from an untrusted source. Checks its form only, not whether its content is true.

    Raises InvalidEvidence.
    """
    if len(content) > MAX_FILE_BYTES:
        raise InvalidEvidence(f"expected at most {MAX_FILE_BYTES:,} bytes, found more")
    entries = dict(evidence_zip.read(content, most=_MAX_ENTRIES, accept=_largest, total=MAX_FILE_BYTES))
    if _INDEX not in entries:
        raise InvalidEvidence(f"expected {_INDEX} in the file, found none")
    index = entries.pop(_INDEX)
    values = read_canonical(index, _INDEX, InvalidEvidence)
    objects = {name.removeprefix(_OBJECTS): each for name, each in entries.items()}
    return _evidence(_of_schema(values), objects)


def _largest(name: str) -> int:
    """The limit for the entry of that name. Raises InvalidEvidence for a name that no evidence file has."""
    if name == _INDEX:
        return _MAX_INDEX_BYTES
    if _well_named(name):
        return MAX_IMAGE_BYTES
    raise InvalidEvidence(f"expected {_INDEX} and {_OBJECTS}<CID>, found {name!r}")


def _well_named(name: str) -> bool:
    cid = find_cid(name.removeprefix(_OBJECTS))
    return cid is not None and name == f"{_OBJECTS}{cid}"


def _of_schema(values: object) -> dict[str, Any]:
    fields: dict[str, Any] = _typed(values, dict, "the file")
    schema = fields.get("schema")
    if schema not in (SCHEMA, SCHEMA_WITHOUT_STATE):
        raise InvalidEvidence(f"expected the schema {SCHEMA}, found {str(schema)[:80]!r}")
    names = "schema chainId contract imageId code blocks events"
    if schema == SCHEMA:
        names += " storageProof" + (" leftOutReviews" if "leftOutReviews" in fields else "")
    return _fields(fields, "the file", names)


def _evidence(values: dict[str, Any], objects: dict[str, bytes]) -> Evidence:
    code = _fields(values["code"], "code", "code blockHash accountProof")
    return Evidence(
        chain_id=_natural(values["chainId"], "chainId"),
        contract=_hex(values["contract"], "contract", 20, any_case=True),
        image_id=_hex(values["imageId"], "imageId", 32),
        code=ProvenCode(
            code=_bytes(code["code"], "code"),
            block_hash=_hex(code["blockHash"], "blockHash", 32),
            account_proof=_nodes(code["accountProof"], "accountProof"),
        ),
        blocks=tuple(_block(block) for block in _typed(values["blocks"], list, "blocks")),
        events=tuple(_typed(event, dict, "an event") for event in _typed(values["events"], list, "events")),
        objects=objects,
        storage_proof=_nodes(values["storageProof"], "storageProof") if "storageProof" in values else None,
        left_out_reviews=_counts(values.get("leftOutReviews", {}), "leftOutReviews"),
    )


def _counts(value: object, what: str) -> dict[str, int]:
    """By hash."""
    found = _typed(value, dict, what)
    return {_hex(name, f"a key of {what}", 32): _natural(each, what) for name, each in found.items()}


def _block(value: object) -> ProvenBlock:
    block = _fields(value, "a block", "hash header transactions")
    return ProvenBlock(
        hash=_hex(block["hash"], "hash", 32),
        header=_bytes(block["header"], "header"),
        transactions=tuple(_transaction(each) for each in _typed(block["transactions"], list, "transactions")),
    )


def _transaction(value: object) -> ProvenTransaction:
    fields = _fields(value, "a transaction", "index transaction transactionProof receipt receiptProof")
    return ProvenTransaction(
        index=_natural(fields["index"], "index"),
        transaction=_bytes(fields["transaction"], "transaction"),
        transaction_proof=_nodes(fields["transactionProof"], "transactionProof"),
        receipt=_bytes(fields["receipt"], "receipt"),
        receipt_proof=_nodes(fields["receiptProof"], "receiptProof"),
    )


def _json(value: object) -> object:
    """Bytes as 0x-hex, names in camelCase."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return _object(value)
    return [_json(each) for each in value] if isinstance(value, list | tuple) else value


def _object(fields: Mapping[str, object]) -> dict[str, Any]:
    return {camel_case(name): _json(each) for name, each in fields.items()}


def _fields(value: object, what: str, names: str) -> dict[str, Any]:
    """``value``, if it is an object with exactly these fields. Raises InvalidEvidence, as the next functions do."""
    fields: dict[str, Any] = _typed(value, dict, what)
    found = sorted(fields)
    if found != sorted(names.split()):
        raise InvalidEvidence(f"expected the fields {names} in {what}, found {' '.join(found)[:200]}")
    return fields


def _typed(value: object, kind: type[T], what: str) -> T:
    if type(value) is not kind:
        raise InvalidEvidence(f"expected {what} to be a {kind.__name__}, found a {type(value).__name__}")
    return value


def _natural(value: object, what: str) -> int:
    natural = _typed(value, int, what)
    if natural < 0:
        raise InvalidEvidence(f"expected {what} to be 0 or more, found {natural}")
    return natural


def _hex(value: object, what: str, size: int, *, any_case: bool = False) -> str:
    digits = "[0-9a-fA-F]" if any_case else "[0-9a-f]"
    text = _typed(value, str, what)
    if not re.fullmatch(f"0x{digits}{{{2 * size}}}", text):
        raise InvalidEvidence(f"expected {what} to be 0x and {2 * size} hex digits, found {text[:80]!r}")
    return text


def _bytes(value: object, what: str) -> bytes:
    text = _typed(value, str, what)
    if not re.fullmatch("0x(?:[0-9a-f]{2})*", text):
        raise InvalidEvidence(f"expected {what} to be 0x and hex digits, found {text[:80]!r}")
    return bytes.fromhex(text[2:])


def _nodes(value: object, what: str) -> tuple[bytes, ...]:
    return tuple(_bytes(node, what) for node in _typed(value, list, what))
