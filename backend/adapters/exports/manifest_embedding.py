"""Puts a signed C2PA manifest into a picture. The library reads the picture: run it in a process of its own, see
``decoder_process``, which gets the signature from the process that has the key."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import c2pa

from backend.adapters.exports.wording import Json
from backend.errors import UnsupportedImage

OFFLINE = {
    "version": 1,
    "core": {"allowed_network_hosts": []},
    "verify": {"verify_after_sign": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
"""The library's settings: it asks no server for manifests, revocations or times, and adds no smaller picture."""


def embed(content: bytes, original: bytes, job: Json, sign: Callable[[bytes], bytes]) -> bytes:
    """``content`` with the manifest, whose ingredient is the ``original`` picture.

    ``job`` has ``mediaType`` and ``originalType``, ``definition`` of the manifest, ``ingredient``, and ``chain`` of
    certificates as PEM; ``sign`` gives the signature (ES256, r and s in 64 bytes) of bytes. Raises UnsupportedImage.
    """
    output = io.BytesIO()
    try:
        context = c2pa.Context.from_dict(OFFLINE)
        with (
            c2pa.Signer.from_callback(sign, c2pa.C2paSigningAlg.ES256, job["chain"]) as signer,
            c2pa.Builder.from_json(json.dumps(job["definition"]), context) as builder,
        ):
            builder.add_ingredient(json.dumps(job["ingredient"]), job["originalType"], io.BytesIO(original))
            builder.sign(signer, job["mediaType"], io.BytesIO(content), output)
    except c2pa.C2paError as error:
        raise UnsupportedImage(f"the picture cannot carry a C2PA manifest: {error}") from error
    return output.getvalue()
