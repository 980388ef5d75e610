"""Accounts whose private keys are public: for development chains. On a live chain anybody can take their coins."""

from __future__ import annotations

from dataclasses import dataclass

MNEMONIC = "test test test test test test test test test test test junk"
"""The mnemonic of Hardhat and Anvil, used by the embedded chain: a person can import it into a wallet."""


@dataclass(frozen=True, slots=True)
class DevelopmentAccount:
    """``private_key`` is 0x-hex. It is public: never use it for real funds."""

    address: str
    private_key: str


ADMIN = DevelopmentAccount(
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
)
"""Account 0 of the mnemonic: deploys the contract and has its admin role."""

USER = DevelopmentAccount(
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
"""Account 1 of the mnemonic: the one to import in MetaMask."""

CLINICIAN = DevelopmentAccount(
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)
"""Account 2 of the mnemonic: reviews diagnoses."""

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
        "0xbcd4042de499d14e55001ccbb24a551f3b954096",
        "0x71be63f3384f5fb98995898a86b02fb2426c5788",
        "0xfabb0ac9d68b0b445fb7357272ff202c5651694a",
        "0x1cbd3b2770909d4e10f157cabc84c7264073c9ec",
        "0xdf3e18d64bc6a983f673ab319ccae4f1a57c7097",
        "0xcd3b766ccdd6ae721141f452c550ca635964ce71",
        "0x2546bcd3c84621e976d8185a91a922ae77ecec30",
        "0xbda5747bfd65f08deb54cb465eb87d40e51b197e",
        "0xdd2fd4581271e230360230f9337d5c0430bf44c0",
        "0x8626f6940e2eb28930efb4cef49b2d1f2c9c1199",
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
        "0x610bb1573d1046fcb8a70bbbd395754cd57c2b60",
        "0x855fa758c77d68a04990e992aa4dcdef899f654a",
        "0xfa2435eacf10ca62ae6787ba2fb044f8733ee843",
        "0x64e078a8aa15a41b85890265648e965de686bae6",
        "0x2f560290fef1b3ada194b6aa9c40aa71f8e95598",
        "0xf408f04f9b7691f7174fa2bb73ad6d45fd5d3cbe",
        "0x66fc63c2572bf3add0fe5d44b97c2e614e35e9a3",
        "0xf0d5bc18421fa04d0a2a2ef540ba5a9f04014be3",
        "0x325a621dea613bcfb5b1a69a7aced0ea4afbd73a",
        "0x3fd652c93dfa333979ad762cf581df89baba6795",
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
        "0x5c04f1b36c6e90bf649914021de6b743652e3881",
        "0xfff68ceb520ef7e86f2711eb6d1e2f367c91a4f1",
        "0x8678e1e1df06d456b7f7351f197801c645fceb40",
        "0x69cf99b023d477ac24d394a401bc08b97bf69dca",
        "0x6a600faeda3f0f4f46c647246fb1cadc126143c4",
        "0xf555bbbfb01e0ba80c5d7bd9e244ccdc96f4606a",
        "0x7097a17bebb9c2902ec9c1d51335975a3e9d7e62",
        "0x4a5f42fec204c0e18e644caede1439f5e5034a28",
        "0x722ff685d97091f102381b90a85e208ad753b3da",
        "0x095c87b171c2f717045be8bf0d460940a5c753b9",
    }
)


def is_well_known(address: str) -> bool:
    """Whether ``address`` is one of the first 20 accounts of these mnemonics. Hardhat shows 20."""
    return address.lower() in _WELL_KNOWN
