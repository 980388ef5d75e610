"""What the page needs to know at start, and what an operator asks."""

from __future__ import annotations

from importlib.metadata import version

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Dict, Integer, List, Nested, String

from backend.api.access import container
from backend.api.schemas import CamelCase
from backend.services.readiness import OK

blueprint = APIBlueprint("system", __name__, tag="System")
NOTICE = "ScanProof shows where an image and a model's answer come from. It is not for diagnosis."


class CurrencySchema(CamelCase):
    name = String()
    symbol = String()
    decimals = Integer()


class ChainSchema(CamelCase):
    id = Integer()
    name = String()
    rpc_url = String(allow_none=True)
    currency = Nested(CurrencySchema)
    explorer_url = String(allow_none=True)
    contract = String()
    start_block = Integer()
    confirmations = Integer()
    development = Boolean()


class StorageSchema(CamelCase):
    name = String()
    public = Boolean()


class LimitsSchema(CamelCase):
    max_bytes = Integer()
    max_pixels = Integer()
    media_types = List(String())


class ConfigSchema(CamelCase):
    version = String()
    chain = Nested(ChainSchema)
    storage = Nested(StorageSchema)
    classifier = String()
    limits = Nested(LimitsSchema)
    notice = String()


class HealthSchema(CamelCase):
    status = String()


class ReadinessSchema(CamelCase):
    status = String()
    checks = Dict(keys=String(), values=String())


@blueprint.get("/config")
@blueprint.output(ConfigSchema)
@blueprint.doc(summary="Chain, contract, limits and notice")
def config():
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
        },
        "notice": NOTICE,
    }


@blueprint.get("/health")
@blueprint.output(HealthSchema)
@blueprint.doc(summary="Whether the server runs")
def health():
    return {"status": "ok"}


@blueprint.get("/ready")
@blueprint.output(ReadinessSchema)
@blueprint.doc(summary="Whether chain, storage, database and model can be used", responses={503: "Not ready"})
def ready():
    checks = container().readiness.check()
    good = all(result == OK for result in checks.values())
    return {"status": "ready" if good else "not ready", "checks": checks}, 200 if good else 503
