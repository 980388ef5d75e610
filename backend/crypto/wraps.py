"""Content keys wrapped for the public keys of people. docs/ENVELOPE.md is the specification.

``bound_to`` is what a wrap is good for: the CID of the envelope, in ASCII."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.bindings._rust import openssl as _openssl
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from backend.crypto.errors import WrapRefused

LABEL = b"scanproof/wrap/1"
KEY_BYTES = 32
HPKE_WRAP_BYTES = 80
"""Encapsulated key, wrapped key, tag."""
SMALLEST_RSA_BITS, LARGEST_RSA_BITS = 3072, 8192
MAX_PEM_BYTES = 16 * 1024
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)

Recipient = X25519PublicKey | rsa.RSAPublicKey
RecipientKey = X25519PrivateKey | rsa.RSAPrivateKey


def wrap(key: bytes, recipient: Recipient, bound_to: bytes) -> bytes:
    """``key``, 32 bytes, for the recipient: HPKE in base mode (RFC 9180) with ``bound_to`` as associated data, or
    RSA-OAEP (RFC 8017) with it in the label. Raises ValueError for a key of another length."""
    if len(key) != KEY_BYTES:
        raise ValueError(f"expected a key of {KEY_BYTES} bytes, found {len(key)}")
    if isinstance(recipient, X25519PublicKey):
        recipient = _checked_x25519(recipient)
        # The public method lacks the associated data of RFC 9180, 6.1. The vectors of that RFC guard this one.
        return _openssl.hpke._encrypt_with_aad(_SUITE, key, recipient, LABEL, bound_to)
    return _checked_rsa(recipient).encrypt(key, _oaep(bound_to))


def unwrap(wrapped: bytes, recipient: RecipientKey, bound_to: bytes) -> bytes:
    """Raises WrapRefused for a wrap that is damaged, of another recipient, or bound to something else."""
    try:
        if isinstance(recipient, X25519PrivateKey):
            if len(wrapped) != HPKE_WRAP_BYTES:
                raise WrapRefused("wrap", f"expected a wrap of {HPKE_WRAP_BYTES} bytes, found {len(wrapped)}")
            return _openssl.hpke._decrypt_with_aad(_SUITE, wrapped, recipient, LABEL, bound_to)
        key = recipient.decrypt(wrapped, _oaep(bound_to))
    except (InvalidTag, ValueError) as error:
        raise WrapRefused("wrap", "the key was not wrapped for this recipient and this file") from error
    if len(key) != KEY_BYTES:
        raise WrapRefused("wrap", f"expected a wrapped key of {KEY_BYTES} bytes, found {len(key)}")
    return key


def new_rsa_key() -> rsa.RSAPrivateKey:
    """An RSA key for a recipient: 3,072 bits, which NIST SP 800-57 Part 1 puts beside 128 bits of a symmetric key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=SMALLEST_RSA_BITS)


def read_recipient(pem: bytes) -> Recipient:
    """The public key of a PEM file (RFC 7468). Raises WrapRefused for anything but X25519 and RSA from 3,072 bits."""
    found: PublicKeyTypes
    try:
        found = load_pem_public_key(_bounded(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise WrapRefused("public key", "expected a public key in PEM") from error
    if isinstance(found, X25519PublicKey):
        return _checked_x25519(found)
    if isinstance(found, rsa.RSAPublicKey):
        return _checked_rsa(found)
    raise WrapRefused("public key", "expected a public key of X25519 or RSA")


def x25519_recipient(raw: bytes) -> X25519PublicKey:
    """The public key of these 32 bytes. Raises WrapRefused."""
    return _checked_x25519(X25519PublicKey.from_public_bytes(raw))


def read_recipient_key(pem: bytes) -> RecipientKey:
    """The private key of a PEM file without a password. Raises WrapRefused as ``read_recipient`` does."""
    found: PrivateKeyTypes
    try:
        found = load_pem_private_key(_bounded(pem), password=None)
    except (ValueError, TypeError) as error:
        raise WrapRefused("private key", "expected a private key in PEM without a password") from error
    if isinstance(found, rsa.RSAPrivateKey):
        _checked_rsa(found.public_key())
        return found
    if isinstance(found, X25519PrivateKey):
        return found
    raise WrapRefused("private key", "expected a private key of X25519 or RSA")


def _bounded(pem: bytes) -> bytes:
    if len(pem) > MAX_PEM_BYTES:
        raise ValueError(f"expected at most {MAX_PEM_BYTES} bytes")
    return pem


def _checked_x25519(key: X25519PublicKey) -> X25519PublicKey:
    """RFC 7748, section 6.1: a point of low order gives every sender the same secret."""
    try:
        X25519PrivateKey.generate().exchange(key)
    except ValueError as error:
        raise WrapRefused("public key", "expected an X25519 key that is not of low order") from error
    return key


def _checked_rsa(key: rsa.RSAPublicKey) -> rsa.RSAPublicKey:
    if not SMALLEST_RSA_BITS <= key.key_size <= LARGEST_RSA_BITS:
        expected = f"expected an RSA key of {SMALLEST_RSA_BITS} to {LARGEST_RSA_BITS} bits"
        raise WrapRefused("public key", f"{expected}, found {key.key_size}")
    return key


def _oaep(bound_to: bytes) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(SHA256()), SHA256(), LABEL + b" " + bound_to)
