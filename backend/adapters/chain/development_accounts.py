"""Accounts whose private keys are public knowledge: right on a development chain, an open purse on a live one."""

from __future__ import annotations

from dataclasses import dataclass

MNEMONIC = "test test test test test test test test test test test junk"
"""The mnemonic of Hardhat and Anvil; the embedded chain uses it, so that a wallet can be filled by hand."""


@dataclass(frozen=True, slots=True)
class DevelopmentAccount:
    """``private_key`` is 0x-hex. Public knowledge: never for real funds."""

    address: str
    private_key: str


ADMIN = DevelopmentAccount(
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
)
"""Account 0 of the mnemonic: deploys the contract and holds its admin role."""

USER = DevelopmentAccount(
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
"""Account 1 of the mnemonic: the one to import in MetaMask."""

_WELL_KNOWN = frozenset(
    {
        # Hardhat and Anvil: MNEMONIC
        "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
        "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
        "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
        "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65",
        "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "0x976ea74026e726554db657fa54763abd0c3a0aa9",
        "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
        "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
        "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
        # ganache -d: myth like bonus scare over problem client lizard pioneer submit female collect
        "0x90f8bf6a479f320ead074411a4b0e7944ea8c9c1",
        "0xffcf8fdee72ac11b5c542428b35eef5769c409f0",
        "0x22d491bde2303f2f43325b2108d26f1eaba1e32b",
        "0xe11ba2b4d45eaed5996cd0823791e0c93114882d",
        "0xd03ea8624c8c5987235048901fb614fdca89b117",
        "0x95ced938f7991cd0dfcb48f0a06a40fa1af46ebc",
        "0x3e5e9111ae8eb78fe1cc3bb8915d5d461f3ef9a9",
        "0x28a8746e75304c0780e011bed21c72cd78cd535e",
        "0xaca94ef8bd5ffee41947b4585a84bda5a3d3da6e",
        "0x1df62f291b2e969fb0849d99d9ce41e2f137006e",
        # Brownie's networks: brownie
        "0x66ab6d9362d4f35596279692f0251db635165871",
        "0x33a4622b82d4c04a53e170c638b944ce27cffce3",
        "0x0063046686e46dc6f15918b61ae2b121458534a5",
        "0x21b42413ba931038f35e7a5224fadb065d297ba3",
        "0x46c0a5326e643e4f71d3149d50b48216e174ae84",
        "0x807c47a89f720fe4ee9b8343c286fc886f43191b",
        "0x844ec86426f076647a5362706a04570a5965473b",
        "0x23bb2bb6c340d4c91caa478edf6593fc5c4a6d4b",
        "0xa868bc7c1af08b8831795fac946025557369f69c",
        "0x1cee82eed89bd5be5bf2507a92a755dcf1d8e8dc",
    }
)


def is_well_known(address: str) -> bool:
    """Whether ``address`` is one of the first ten accounts of Hardhat, Anvil, Ganache or Brownie."""
    return address.lower() in _WELL_KNOWN
