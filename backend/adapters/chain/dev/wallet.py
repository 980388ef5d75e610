"""A development account that signs in place of MetaMask. For development chains only."""

from __future__ import annotations

from backend.adapters.chain import rpc
from backend.adapters.chain.development_accounts import DevelopmentAccount
from backend.adapters.chain.wallet import Wallet
from backend.settings import Secret


class DevelopmentWallet(Wallet):
    """The wallet of ``account`` on the chain that the node at ``url`` serves, which must be one for development.

    Raises ConfigurationError, ChainUnavailable.
    """

    def __init__(self, url: Secret | str, contract: str, account: DevelopmentAccount) -> None:
        super().__init__(url, contract, Secret(account.private_key), chain_id=rpc.chain_id_of(url))
