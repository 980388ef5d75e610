"""All settings, read once from the environment (and `.env`) into one frozen object.

`.env.example` documents every name; a test compares the two. Secrets are ``Secret``, which shows them to nobody.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, SupportsIndex

from dotenv import dotenv_values

from backend.deployments import recorded
from backend.errors import ConfigurationError
from backend.hosts import bracketed, is_http_url

ROOT = Path(__file__).resolve().parent.parent
CHAINS = ("ganache", "anvil", "external")
STORAGES = ("embedded", "pinata")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_LOOPBACKS = ("127.0.0.1", "::1")
_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - compared, not listened on
EMBEDDED_CHAIN_IDS = {"ganache": 1337, "anvil": 31337}


class Secret:
    """A text that only ``reveal`` gives: repr, str, format and JSON hide it, and pickle refuses it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('…')" if self._text else "Secret('')"

    def __format__(self, specification: str) -> str:
        return format(repr(self), specification)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, _memo: object) -> Secret:
        return self

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not written to files")


def reveal(text: Secret | str) -> str:
    """The text of a setting that is a secret only in some configurations."""
    return text.reveal() if isinstance(text, Secret) else text


@dataclass(frozen=True, slots=True)
class PinataSettings:
    """``requests_per_minute`` is the limit of the plan: 60 for the free one."""

    jwt: Secret
    network: str
    gateway: str
    gateway_token: Secret
    upload_url: str
    api_url: str
    public_gateways: tuple[str, ...]
    requests_per_minute: int


@dataclass(frozen=True, slots=True)
class Settings:
    var: Path
    host: str
    port: int
    database_url: Secret
    chain: str
    chain_id: int
    rpc_url: Secret | str
    """The URL of an external node may contain an API key; that of the embedded chain is no secret."""
    wallet_rpc_url: str
    contract_address: str | None
    contract_block: int
    confirmations: int
    classifier_key_file: Path
    clinician_key: Secret
    model_admin_key: Secret
    storage: str
    pinata: PinataSettings | None
    uploads_per_minute: int
    bytes_per_address: int
    slices_per_minute: int
    """As ``uploads_per_minute``, for the files of studies."""
    tiles_per_minute: int
    """As ``uploads_per_minute``, for reading tiles and regions of whole slides."""
    slide_bytes: int
    """The limit for a whole-slide image."""
    study_bytes: int
    """What all studies that are not recorded yet may take on the disk."""
    received_bytes: int
    """What all received images that wait for a person may take on the disk."""
    received_days: int
    """How long a received series waits after its last file."""
    accounts: bool
    """Whether people sign in. Without accounts, whoever reaches the server may use it, from this machine only."""
    public_url: str
    """The https address at which people open the page, empty on a server for this machine alone."""
    trusted_proxies: tuple[Network, ...]
    """The networks of the proxies that end TLS in front of the server."""
    smtp_url: Secret
    """``smtp://`` (with STARTTLS) or ``smtps://``, user, password, host and port; empty: mails go to the log."""
    mail_from: str
    password_memory_kib: int
    """The memory that argon2id fills for one password."""

    @property
    def page_url(self) -> str:
        """The address of the page, without a slash at the end. With accounts a name in place of the loopback address:
        browsers make passkeys for names only."""
        if self.public_url:
            return self.public_url
        named = self.accounts and self.host in _LOOPBACKS
        return f"http://{'localhost' if named else bracketed(self.host)}:{self.port}"

    @property
    def local_url(self) -> str:
        """The server's own address for programs on this machine."""
        host = "127.0.0.1" if self.host in _EVERY_ADDRESS else bracketed(self.host)
        return f"http://{host}:{self.port}"

    @property
    def embedded_chain(self) -> bool:
        """Whether ScanProof runs the chain itself, for development."""
        return self.chain != "external"


def load(
    environ: Mapping[str, str] | None = None,
    *,
    env_file: Path | None = ROOT / ".env",
    deployments: Path = ROOT / "deployments",
) -> Settings:
    """Read the settings; the environment overrides ``env_file``. Raises ConfigurationError with the setting's name.

    On an external chain without SCANPROOF_CONTRACT_ADDRESS, address and block are read from ``deployments``.
    """
    values = {
        **(dotenv_values(env_file) if env_file and env_file.exists() else {}),
        **(os.environ if environ is None else environ),
    }
    return _Reader({name: value for name, value in values.items() if value}, deployments).settings()


class _Reader:
    def __init__(self, values: Mapping[str, str], deployments: Path) -> None:
        self._values = values
        self._deployments = deployments

    def settings(self) -> Settings:
        var = self._path("SCANPROOF_VAR", ROOT / "var")
        chain = self._choice("SCANPROOF_CHAIN", "ganache", CHAINS)
        chain_port = self._integer("SCANPROOF_CHAIN_PORT", 8545, 1, 65535)
        external = chain == "external"
        rpc_url = (
            self._required("SCANPROOF_RPC_URL", "an external chain") if external else f"http://127.0.0.1:{chain_port}"
        )
        self._check_url("SCANPROOF_RPC_URL", rpc_url)
        chain_id = self._chain_id(chain)
        contract, block = self._contract(chain_id) if external else (None, 0)
        storage = self._choice("SCANPROOF_STORAGE", "embedded", STORAGES)
        accounts = self._choice("SCANPROOF_ACCOUNTS", "off", ("off", "on")) == "on"
        public_url = self._public_url(accounts)
        proxies = self._networks("SCANPROOF_TRUSTED_PROXIES", accounts)
        return Settings(
            var=var,
            host=self._host(public=bool(public_url and proxies)),
            port=self._integer("SCANPROOF_PORT", 5000, 1, 65535),
            database_url=Secret(self._text("DATABASE_URL", f"sqlite:///{var / 'scanproof.db'}")),
            chain=chain,
            chain_id=chain_id,
            rpc_url=Secret(rpc_url) if external else rpc_url,
            wallet_rpc_url=self._text("SCANPROOF_WALLET_RPC_URL", "" if external else rpc_url),
            contract_address=contract,
            contract_block=self._integer("SCANPROOF_CONTRACT_BLOCK", block, 0, 2**63),
            confirmations=self._integer("SCANPROOF_CONFIRMATIONS", 3 if external else 1, 1, 1000),
            classifier_key_file=self._path("SCANPROOF_CLASSIFIER_KEY_FILE", var / "keys" / "classifier.key"),
            clinician_key=Secret(self._text("SCANPROOF_CLINICIAN_KEY", "")),
            model_admin_key=Secret(self._text("SCANPROOF_MODEL_ADMIN_KEY", "")),
            storage=storage,
            pinata=self._pinata() if storage == "pinata" else None,
            uploads_per_minute=self._integer("SCANPROOF_UPLOADS_PER_MINUTE", 30, 1, 100_000),
            bytes_per_address=self._integer("SCANPROOF_BYTES_PER_ADDRESS", 2 * 1024**3, 1, 2**62),
            slices_per_minute=self._integer("SCANPROOF_SLICES_PER_MINUTE", 2000, 1, 100_000),
            tiles_per_minute=self._integer("SCANPROOF_TILES_PER_MINUTE", 6000, 1, 1_000_000),
            slide_bytes=self._integer("SCANPROOF_SLIDE_BYTES", 2 * 1024**3, 1, 2**40),
            study_bytes=self._integer("SCANPROOF_STUDY_BYTES", 2 * 1024**3, 1, 2**62),
            received_bytes=self._integer("SCANPROOF_RECEIVED_BYTES", 8 * 1024**3, 1, 2**62),
            received_days=self._integer("SCANPROOF_RECEIVED_DAYS", 7, 1, 3650),
            accounts=accounts,
            public_url=public_url,
            trusted_proxies=proxies,
            smtp_url=self._smtp_url(),
            mail_from=self._text("SCANPROOF_MAIL_FROM", "scanproof@localhost"),
            password_memory_kib=self._integer("SCANPROOF_PASSWORD_MEMORY_KIB", 64 * 1024, 19 * 1024, 1024**2),
        )

    def _pinata(self) -> PinataSettings:
        return PinataSettings(
            jwt=Secret(self._required("PINATA_JWT", "SCANPROOF_STORAGE=pinata")),
            network=self._choice("PINATA_NETWORK", "public", ("public", "private")),
            gateway=self._url("PINATA_GATEWAY", None),
            gateway_token=Secret(self._text("PINATA_GATEWAY_TOKEN", "")),
            upload_url=self._url("PINATA_UPLOAD_URL", "https://uploads.pinata.cloud"),
            api_url=self._url("PINATA_API_URL", "https://api.pinata.cloud"),
            public_gateways=tuple(
                self._check_url("PINATA_PUBLIC_GATEWAYS", url.strip())
                for url in self._text("PINATA_PUBLIC_GATEWAYS", "https://ipfs.io,https://dweb.link").split(",")
                if url.strip()
            ),
            requests_per_minute=self._integer("PINATA_REQUESTS_PER_MINUTE", 60, 1, 100_000),
        )

    def _text(self, name: str, default: str) -> str:
        return self._values.get(name, default)

    def _required(self, name: str, needed_by: str) -> str:
        try:
            return self._values[name]
        except KeyError:
            raise ConfigurationError(f"{name} is not set, and {needed_by} needs it: see .env.example") from None

    def _path(self, name: str, default: Path) -> Path:
        return (ROOT / Path(self._values.get(name, default)).expanduser()).resolve()

    def _integer(self, name: str, default: int, low: int, high: int) -> int:
        text = self._values.get(name, str(default))
        if not (text.isascii() and text.isdecimal()) or not low <= int(text) <= high:
            raise ConfigurationError(f"{name} must be a whole number from {low} to {high}, not {text!r}")
        return int(text)

    def _choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        value = self._values.get(name, default)
        if value not in choices:
            raise ConfigurationError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def _chain_id(self, chain: str) -> int:
        if chain in EMBEDDED_CHAIN_IDS:
            return EMBEDDED_CHAIN_IDS[chain]
        self._required("SCANPROOF_CHAIN_ID", "an external chain")
        return self._integer("SCANPROOF_CHAIN_ID", 0, 1, 2**53)

    def _contract(self, chain_id: int) -> tuple[str, int]:
        """Address of the registry, and the default of the first block to read."""
        if "SCANPROOF_CONTRACT_ADDRESS" not in self._values and (found := recorded(chain_id, self._deployments)):
            return found.address, found.block
        address = self._required("SCANPROOF_CONTRACT_ADDRESS", "an external chain")
        if not re.fullmatch(r"0x[0-9a-fA-F]{40}", address):
            raise ConfigurationError(f"SCANPROOF_CONTRACT_ADDRESS must be 0x and 40 hex digits, not {address!r}")
        return address, 0

    def _host(self, *, public: bool) -> str:
        """A loopback address; with ``public``, any: then people sign in, and a proxy ends TLS."""
        host = self._text("SCANPROOF_HOST", "127.0.0.1")
        if host == "localhost":
            return "127.0.0.1"
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            address = None
        if address and (address.is_loopback or public):
            return host
        raise ConfigurationError(
            f"SCANPROOF_HOST must be a loopback address such as 127.0.0.1, not {host!r}: anybody who reaches the "
            "server could use its store and its classifier key. For another address set SCANPROOF_ACCOUNTS=on, and "
            "name the proxy that ends TLS by SCANPROOF_PUBLIC_URL and SCANPROOF_TRUSTED_PROXIES"
        )

    def _public_url(self, accounts: bool) -> str:
        url = self._text("SCANPROOF_PUBLIC_URL", "").rstrip("/")
        if not url:
            return ""
        self._require_accounts("SCANPROOF_PUBLIC_URL", accounts)
        if not is_http_url(url) or not re.fullmatch(r"https://[a-z0-9.-]+(:[0-9]+)?", url):
            raise ConfigurationError(
                "SCANPROOF_PUBLIC_URL must be https:// and a lower-case host name, such as https://scanproof.example"
            )
        if not self._text("SCANPROOF_SMTP_URL", ""):
            raise ConfigurationError(
                "SCANPROOF_PUBLIC_URL needs SCANPROOF_SMTP_URL: without a mail server the log would hold links that "
                "open the accounts of others"
            )
        return url

    def _networks(self, name: str, accounts: bool) -> tuple[Network, ...]:
        texts = [text.strip() for text in self._text(name, "").split(",") if text.strip()]
        if texts:
            self._require_accounts(name, accounts)
        try:
            return tuple(map(ipaddress.ip_network, texts))
        except ValueError as error:
            raise ConfigurationError(f"{name} must be addresses or networks with commas between: {error}") from None

    @staticmethod
    def _require_accounts(name: str, accounts: bool) -> None:
        if not accounts:
            raise ConfigurationError(f"{name} needs SCANPROOF_ACCOUNTS=on: without accounts anybody may use the server")

    def _smtp_url(self) -> Secret:
        url = self._text("SCANPROOF_SMTP_URL", "")
        if url and not re.match(r"smtps?://[^/?#]+/?\Z", url):
            raise ConfigurationError(
                "SCANPROOF_SMTP_URL must be smtp:// or smtps://, a user and password with @, a host"
            )
        return Secret(url)

    def _url(self, name: str, default: str | None) -> str:
        url = self._required(name, "SCANPROOF_STORAGE=pinata") if default is None else self._text(name, default)
        return self._check_url(name, url)

    @staticmethod
    def _check_url(name: str, url: str) -> str:
        if not is_http_url(url):
            raise ConfigurationError(f"{name} must be an http or https address")
        return url.rstrip("/")
