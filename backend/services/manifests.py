"""The inference manifest: canonical JSON (RFC 8785) whose SHA-256 goes on the chain."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import rfc8785

from backend.cids import hash_of
from backend.domain import FieldResult, GateOpinion, ImageFacts, ModelFacts, Preprocessing, Region, SlideAnswer
from backend.services.json_values import printable_text, probability, typed

if TYPE_CHECKING:
    from ml.inference.prediction import Prediction

SCHEMA = "scanproof.manifest/1"
CODE_VERSION = f"scanproof/{version('scanproof')}"
DECIMALS = 6
MAX_MANIFEST_BYTES = 64 * 1024
"""Much larger than any manifest, and small enough that a file is one block, whose CID follows from its hash."""
SALT_BYTES = 32
_MOST_FIELDS = 1000
FIRST_DECODING = 1
"""The decoding of manifests that name none."""


def new_salt() -> str:
    """Hides a sealed manifest's content: without a salt, its hash would reveal label and confidence by trial."""
    return secrets.token_hex(SALT_BYTES)


def build(
    image: ImageFacts,
    model: ModelFacts,
    preprocessing: Preprocessing,
    prediction: Prediction | SlideAnswer,
    time: datetime,
    salt: str | None = None,
    *,
    decoding: int,
    opinion: GateOpinion | None,
) -> bytes:
    """The manifest's canonical bytes. Probabilities have 6 decimals, ``time`` whole seconds in UTC.

    ``opinion`` is None where no gate is installed.
    """
    return rfc8785.dumps(
        {
            **({} if salt is None else {"salt": salt}),
            "schema": SCHEMA,
            "image": {"cid": image.cid, "sha256": image.sha256},
            "modality": model.modality,
            "model": _identity(model),
            "gate": None if opinion is None else {**_identity(opinion.gate), "modality": opinion.modality},
            "decoding": decoding,
            "preprocessing": preprocessing["id"],
            "temperature": preprocessing["temperature"],
            "threshold": prediction.threshold,
            "label": prediction.label,
            "labelCode": prediction.code,
            "confidence": round(prediction.confidence, DECIMALS),
            "probabilities": {label: round(p, DECIMALS) for label, p in prediction.probabilities.items()},
            "abstained": prediction.abstained,
            "reason": prediction.reason,
            **(
                {"tiles": {**slide_statements(prediction), "list": list(map(field_values, prediction.fields))}}
                if isinstance(prediction, SlideAnswer)
                else {}
            ),
            "code": CODE_VERSION,
            "time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
    )


def slide_statements(answer: SlideAnswer) -> dict[str, Any]:
    """How a slide was read, as a manifest states it beside the list of the fields."""
    width, height = answer.field_size
    return {
        "rule": answer.rule,
        "decoding": answer.decoding,
        "micrometresPerPixel": answer.micrometres_per_pixel,
        "field": {"width": width, "height": height},
        "leastConfidence": answer.least_confidence,
        "read": len(answer.fields),
        "answered": sum(not field.abstained for field in answer.fields),
    }


def field_values(field: FieldResult) -> dict[str, Any]:
    """A field as manifests and the command line have it."""
    return {
        **asdict(field.region),
        "label": field.label,
        "labelCode": field.label_code,
        "confidence": round(field.confidence, DECIMALS),
        "abstained": field.abstained,
    }


def _identity(model: ModelFacts) -> dict[str, str]:
    return {"name": model.name, "version": model.version, "sha256": model.sha256}


def digest_of(manifest: bytes) -> str:
    """SHA-256 in lower-case hex without 0x, as the API and files name a manifest."""
    return hashlib.sha256(manifest).hexdigest()


@dataclass(frozen=True, slots=True)
class ReadOpinion:
    """The gate's opinion in a manifest, see ``GateOpinion``."""

    gate_sha256: str
    modality: str | None


@dataclass(frozen=True, slots=True)
class ReadSlide:
    """The rule by which a slide was read, its fields, and all other statements about it, see ``slide_statements``."""

    rule: str
    decoding: str
    fields: tuple[FieldResult, ...]
    statements: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReadManifest:
    """The fields of a manifest that a verification compares. Confidence and probabilities are in [0, 1].

    ``gate_asked`` is False in manifests of former releases; ``opinion`` is None then, and where no gate was installed.
    ``reason`` says why the model abstained. ``salt`` is 64 hex digits in the manifest of a sealed diagnosis, else None.
    ``decoding`` is the version of the rules that decoded the image. ``slide`` is how a slide was read.
    """

    image_cid: str
    image_sha256: str
    model_sha256: str
    gate_asked: bool
    opinion: ReadOpinion | None
    label: str
    label_code: int
    confidence: float
    probabilities: dict[str, float]
    abstained: bool
    reason: str | None
    salt: str | None
    decoding: int
    slide: ReadSlide | None = None

    def follows_gate(self, modality: str) -> bool:
        """Whether this result of a model for ``modality`` is one that the gate's opinion permits."""
        return self.opinion is None or self.abstained or self.opinion.modality == modality


def read(content: bytes) -> ReadManifest | None:
    """The manifest, from an untrusted source; None when ``content`` is not one of this schema."""
    try:
        values = json.loads(content)
        manifest = ReadManifest(
            image_cid=printable_text(values["image"]["cid"]),
            image_sha256=printable_text(values["image"]["sha256"]),
            model_sha256=printable_text(values["model"]["sha256"]),
            gate_asked="gate" in values,
            opinion=_opinion(values.get("gate")),
            label=printable_text(values["label"]),
            label_code=typed(values["labelCode"], int),
            confidence=probability(values["confidence"]),
            probabilities={label: probability(p) for label, p in typed(values["probabilities"], dict).items()},
            abstained=typed(values["abstained"], bool),
            reason=_text_or_none(values.get("reason")),
            salt=_salt(values.get("salt")),
            decoding=typed(values.get("decoding", FIRST_DECODING), int),
            slide=_slide(values.get("tiles")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return manifest if values.get("schema") == SCHEMA else None


def by_hash(manifests: Iterable[bytes]) -> dict[str, bytes]:
    """Manifests by their SHA-256 in hex with 0x, as the chain names them."""
    return {hash_of(manifest): manifest for manifest in manifests}


def _opinion(value: object) -> ReadOpinion | None:
    if value is None:
        return None
    fields = typed(value, dict)
    return ReadOpinion(printable_text(fields["sha256"]), _text_or_none(fields["modality"]))


def _slide(value: object) -> ReadSlide | None:
    if value is None:
        return None
    tiles = typed(value, dict)
    fields = typed(tiles["list"], list)
    if len(fields) > _MOST_FIELDS:
        raise ValueError
    statements = {name: value for name, value in tiles.items() if name != "list"}
    rule, decoding = printable_text(tiles["rule"]), printable_text(tiles["decoding"])
    return ReadSlide(rule, decoding, tuple(map(_field, fields)), statements)


def _field(value: object) -> FieldResult:
    field = typed(value, dict)
    return FieldResult(
        Region(*(typed(field[name], int) for name in ("x", "y", "width", "height"))),
        printable_text(field["label"]),
        typed(field["labelCode"], int),
        probability(field["confidence"]),
        typed(field["abstained"], bool),
    )


def _text_or_none(value: object) -> str | None:
    return None if value is None else printable_text(value)


def _salt(value: object) -> str | None:
    if value is None:
        return None
    text = typed(value, str)
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise ValueError
    return text
