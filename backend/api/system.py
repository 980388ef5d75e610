"""What the page needs to know at start, and what an operator asks."""

from __future__ import annotations

from importlib.metadata import version

from apiflask import APIBlueprint

from backend.api.access import container
from backend.api.schemas import ConfigSchema, HealthSchema, ModelListSchema, ReadinessSchema
from backend.domain import ModelDescription
from backend.services.models import ABSTAINED
from backend.services.readiness import OK

blueprint = APIBlueprint("system", __name__, tag="System")
NOTICE = "ScanProof shows where an image and a model's answer come from. It is not for diagnosis."


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


@blueprint.get("/models")
@blueprint.output(ModelListSchema)
@blueprint.doc(summary="The models, what they can and cannot do")
def models():
    found = container().models.all()
    states = container().lineage.states(["0x" + model.facts.sha256 for model in found])
    return {
        "models": [
            {
                **model.to_json(),
                "default": model is found[0],
                "next_steps": _next_steps(model),
                "chain_status": state and state.status,
            }
            for model, state in zip(found, states, strict=True)
        ]
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


def _next_steps(model: ModelDescription) -> dict:
    """By label, with that of no answer: a page can show them for a label that it must not tell the server."""
    labels = [ABSTAINED[0], *(known.label for known in model.classes)]
    return {label: container().next_steps(model.facts.modality, label) for label in labels}
