"""What the page needs to know at start, and what an operator asks."""

from __future__ import annotations

from importlib.metadata import version

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Integer, List, Nested, String
from apiflask.validators import OneOf

from backend.api.access import container
from backend.api.openapi import json_response, responses
from backend.api.schemas import Address, AnswerSchema, Literal, Values
from backend.exports import KINDS
from backend.services.readiness import OK

blueprint = APIBlueprint("system", __name__, tag="System")
NOTICE = "ScanProof shows where an image and a model's answer come from. It is not for diagnosis."


class CurrencySchema(AnswerSchema):
    name = String()
    symbol = String()
    decimals = Integer()


class ChainConfigSchema(AnswerSchema):
    id = Integer()
    name = String()
    rpc_url = String(allow_none=True)
    currency = Nested(CurrencySchema)
    explorer_url = String(allow_none=True)
    contract = Address()
    start_block = Integer()
    confirmations = Integer()
    development = Boolean()


class StorageSchema(AnswerSchema):
    """`public`: whether anybody can read what is pinned, through any gateway of IPFS."""

    name = String()
    public = Boolean()


class LimitsSchema(AnswerSchema):
    """`maxSlideBytes` is of a whole slide, the others of any other image."""

    max_bytes = Integer()
    max_pixels = Integer()
    media_types = List(String())
    max_slide_bytes = Integer()


class ExportKindSchema(AnswerSchema):
    """`kind` is the name in the address of an export, `about` says in one line what it is."""

    kind = String()
    title = String()
    about = String()


class ConfigSchema(AnswerSchema):
    version = String()
    chain = Nested(ChainConfigSchema)
    storage = Nested(StorageSchema)
    classifier = Address()
    limits = Nested(LimitsSchema)
    exports = List(Nested(ExportKindSchema))
    notice = String()


class HealthSchema(AnswerSchema):
    status = Literal("ok")


class ReadinessSchema(AnswerSchema):
    """For each part "ok", or the reason why it cannot be used. A server that works is `degraded` when stored data is
    damaged; `damage` says which."""

    status = String(validate=OneOf(["ready", "degraded", "not ready"]))
    checks = Dict(keys=String(), values=String())
    damage = List(String())


@blueprint.get("/config")
@blueprint.output(ConfigSchema)
@blueprint.doc(summary="Chain, contract, limits and notice")
def config() -> Values:
    wired = container()
    chain, profile = wired.chain, wired.profile
    return {
        "version": version("scanproof"),
        "chain": {
            "id": chain.chain_id,
            "name": profile.name,
            "rpc_url": profile.wallet_rpc_url,
            "currency": {
                "name": profile.currency_name,
                "symbol": profile.currency_symbol,
                "decimals": profile.currency_decimals,
            },
            "explorer_url": profile.explorer_url,
            "contract": chain.contract,
            "start_block": chain.start_block,
            "confirmations": wired.settings.confirmations,
            "development": profile.development,
        },
        "storage": {"name": wired.store.name, "public": wired.store.public},
        "classifier": wired.signer.address,
        "limits": {
            "max_bytes": wired.inspector.max_bytes,
            "max_pixels": wired.inspector.max_pixels,
            "media_types": wired.inspector.media_types,
            "max_slide_bytes": wired.slides.max_bytes,
        },
        "exports": [{"kind": name, "title": kind.title, "about": kind.about} for name, kind in KINDS.items()],
        "notice": NOTICE,
    }


@blueprint.get("/health")
@blueprint.output(HealthSchema)
@blueprint.doc(summary="Whether the server runs")
def health() -> Values:
    return {"status": "ok"}


@blueprint.get("/ready")
@blueprint.output(ReadinessSchema)
@blueprint.doc(
    summary="Whether chain, storage, database and model can be used, and the clock is right",
    responses=responses({503: json_response(ReadinessSchema, "Not ready")}),
)
def ready() -> tuple[Values, int]:
    readiness = container().readiness
    checks, damage = readiness.check(), readiness.damage()
    good = all(result == OK for result in checks.values())
    status = ("degraded" if damage else "ready") if good else "not ready"
    return {"status": status, "checks": checks, "damage": damage}, 200 if good else 503
