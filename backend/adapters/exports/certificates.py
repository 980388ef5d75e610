"""The key and certificates that sign exported pictures: made once by each installation, and known to nobody else.

C2PA takes no self-signed certificate of a signer (C2PA 2.2, 14.5.1), so an issuer of its own signs it. The issuer's key
is forgotten then. A validator that was not told to trust that issuer reports an untrusted signer.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from backend.adapters import private_files
from backend.errors import ConfigurationError

FILE = "signer.pem"
"""Private key, certificate of the signer and certificate of its issuer, in this order."""
VALID_FOR = timedelta(days=3650)
_CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""c2pa-kp-claimSigning. Validators of C2PA 1 know emailProtection alone."""


@dataclass(frozen=True, slots=True)
class PictureSigner:
    """``key`` is PKCS #8, ``chain`` the certificates, the signer's first; both PEM."""

    key: bytes
    chain: bytes

    def __repr__(self) -> str:
        return "PictureSigner()"

    def sign(self, content: bytes) -> bytes:
        """ES256 (RFC 7518, section 3.4): r and s in 32 bytes each."""
        key = serialization.load_pem_private_key(self.key, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("expected a P-256 key")
        r, s = decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


def picture_signer(folder: Path) -> PictureSigner:
    """The signer of this installation, whose file is made with mode 600 if it is missing.

    Raises ConfigurationError when the file cannot be read or written, is readable by other users, is damaged, or when
    its certificate has ended.
    """
    file = folder / FILE
    content = private_files.read_key(file, "the signer of pictures", new=_new)
    try:
        key, signer, issuer = _read(content)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(
            f"the signer of pictures {file} does not hold a P-256 key and two certificates: restore it, or remove it "
            "to get a new one"
        ) from error
    ended = signer.not_valid_after_utc
    if ended <= datetime.now(UTC):
        raise ConfigurationError(
            f"the certificate in {file} ended on {ended:%Y-%m-%d}: remove the file to get a new one"
        )
    return PictureSigner(_pem(key), _chain(signer, issuer))


def _read(content: bytes) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate, x509.Certificate]:
    """Raises ValueError, TypeError, UnsupportedAlgorithm."""
    key = serialization.load_pem_private_key(content, None)
    signer, issuer = x509.load_pem_x509_certificates(content)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != signer.public_key():
        raise ValueError
    return key, signer, issuer


def _new() -> str:
    """As in FILE."""
    key, issuer_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    number = secrets.token_hex(4)
    issuer_name, name = _name(f"ScanProof issuer {number}"), _name(f"ScanProof installation {number}")
    issuer = (
        _certificate(issuer_name, issuer_name, issuer_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    signer = (
        _certificate(name, issuer_name, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([_CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return (_pem(key) + _chain(signer, issuer)).decode("ascii")


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "ScanProof"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _chain(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)
