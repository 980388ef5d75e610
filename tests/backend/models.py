"""Making models known to a registry, so that it takes their diagnoses."""

from __future__ import annotations

from backend.adapters.chain.dev.wallet import DevelopmentWallet
from backend.adapters.chain.development_accounts import ADMIN
from backend.cids import raw_cid

CARD_CID = raw_cid("0a" * 32)
LABELS = 4
"""As many as the models of brain MRI have."""


def register_models(url: str, contract: str, *model_ids: str) -> None:
    """Register each (0x and 64 hex digits), as the development chain's admin does."""
    admin = DevelopmentWallet(url, contract, ADMIN)
    for model_id in model_ids:
        admin.register_model(model_id, LABELS, CARD_CID)
