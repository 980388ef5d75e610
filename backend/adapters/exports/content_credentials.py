"""The picture of a record with a C2PA manifest, which says where it comes from and what was recorded of it.

Source: https://spec.c2pa.org/specifications/specifications/2.2/specs/C2PA_Specification.html
"""

from __future__ import annotations

import io
from importlib.metadata import version

from backend.adapters.exports import values
from backend.adapters.exports.certificates import picture_signer
from backend.adapters.exports.pictures import pixels_of
from backend.adapters.exports.wording import Json, ipfs, statements
from backend.adapters.exports.writers import ExportKeys
from backend.adapters.images.decoder_pool import decoder_pool
from backend.exports import ExportedFile, Picture, RecordFacts

LABEL = "org.scanproof.record"
"""Of the assertion with the record's facts; assertions of an organisation begin with its domain, reversed."""
_SUFFIXES = {"image/png": "png", "image/jpeg": "jpg"}
_ORIGINAL = "original"


def write(facts: RecordFacts, keys: ExportKeys) -> ExportedFile:
    """A PNG or JPEG as it is pinned; of another format, what the model saw, as a PNG.

    Raises UnsupportedImage, ImageTooLarge, ServerBusy, ConfigurationError.
    """
    picture = facts.shown
    content, media_type = _exported(picture)
    signed = sign(content, media_type, manifest(facts, picture, media_type), picture, keys)
    return ExportedFile(signed, media_type, _SUFFIXES[media_type])


def _exported(picture: Picture) -> tuple[bytes, str]:
    if picture.media_type in _SUFFIXES:
        return picture.content, picture.media_type
    output = io.BytesIO()
    pixels_of(picture).save(output, "PNG")
    return output.getvalue(), "image/png"


def manifest(facts: RecordFacts, picture: Picture, media_type: str) -> Json:
    """The manifest's definition, as the library takes it."""
    done = "c2pa.published" if media_type == picture.media_type else "c2pa.converted"
    actions = [
        {"action": "c2pa.opened", "parameters": {"ingredientIds": [_ORIGINAL]}},
        {"action": done, "description": " ".join(statements(facts))},
    ]
    return {
        "claim_generator_info": [{"name": "ScanProof", "version": version("scanproof")}],
        "title": f"Image of the record {facts.image_id}",
        "format": media_type,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}},
            {
                "label": LABEL,
                "data": {
                    "statement": list(statements(facts)),
                    "image": ipfs(picture.cid),
                    "imageSha256": picture.sha256,
                    "result": values.result(facts),
                    "record": values.record(facts),
                },
            },
        ],
    }


def sign(content: bytes, media_type: str, definition: Json, picture: Picture, keys: ExportKeys) -> bytes:
    """``content`` with the manifest, whose ingredient is the pinned picture. A process with limits reads both, and asks
    this one for the signature. Raises UnsupportedImage, ImageTooLarge, ServerBusy, ConfigurationError."""
    signer = picture_signer(keys.folder)
    ingredient = {
        "title": picture.cid,
        "format": picture.media_type,
        "instance_id": ipfs(picture.cid),
        "relationship": "parentOf",
        "label": _ORIGINAL,
    }
    job = {
        "mediaType": media_type,
        "originalType": picture.media_type,
        "definition": definition,
        "ingredient": ingredient,
        "chain": signer.chain.decode("ascii"),
    }
    return decoder_pool().embed_manifest(content, picture.content, job, signer.sign)
