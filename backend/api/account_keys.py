"""The keys of one's own account, and the log of everybody's keys."""

from __future__ import annotations

from collections.abc import Sequence

from apiflask import APIBlueprint
from apiflask.fields import Enum, Integer, List, Nested, String
from apiflask.validators import Length, Range
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from backend.account_keys import AccountKey, AccountKeyKind, KeyChange, KeyWrap, WrapMethod
from backend.accounts import Account
from backend.api.access import account_services, current_session
from backend.api.cookies import visitor
from backend.api.credentials import PasswordSchema, proven
from backend.api.limits import limiter
from backend.api.schemas import AnswerSchema, CamelCase, Sha256, Values
from backend.api.sign_in import ATTEMPTS, CHANGING
from backend.crypto.secret_wraps import MAX_WRAP_BYTES
from backend.crypto.wraps import MAX_PEM_BYTES
from backend.services.account_keys import LOG_PAGE, MOST_WRAPS

blueprint = APIBlueprint("account_keys", __name__, tag="Keys")
limiter.limit(ATTEMPTS, methods=CHANGING, error_message="changes of keys")(blueprint)
_MAX_SEQUENCE = 2**53 - 1
_ID_LENGTH = 64


class NewWrapSchema(CamelCase):
    """`document` is a `scanproof.secret-wrap/1` as text; `passkeyId` is that of a wrap by `prf`."""

    document = String(required=True, validate=Length(max=MAX_WRAP_BYTES))
    passkey_id = String(load_default=None, allow_none=True, validate=Length(max=_ID_LENGTH))


class NewKeySchema(PasswordSchema):
    """`publicKey` in PEM. One of X25519 has wraps of its private key, and names in `replaces` the key that it ends."""

    public_key = String(required=True, validate=Length(max=MAX_PEM_BYTES))
    wraps = List(Nested(NewWrapSchema), load_default=list, validate=Length(max=MOST_WRAPS))
    replaces = String(load_default=None, allow_none=True, validate=Length(max=_ID_LENGTH))


class AddedWrapSchema(PasswordSchema):
    wrap = Nested(NewWrapSchema, required=True)


class KeyWrapSchema(AnswerSchema):
    """`wrapId` is the SHA-256 of `document`."""

    wrap_id = Sha256()
    method = Enum(WrapMethod, by_value=True)
    passkey_id = Sha256(allow_none=True)
    document = String()


class PublicKeySchema(AnswerSchema):
    """`keyId` is the SHA-256 of the public key in DER, `publicKey` is in PEM. Times in Unix seconds; nothing new is
    encrypted to a key that ended."""

    key_id = Sha256()
    kind = Enum(AccountKeyKind, by_value=True)
    public_key = String()
    created_at = Integer()
    ended_at = Integer(allow_none=True)


class AccountKeySchema(PublicKeySchema):
    wraps = List(Nested(KeyWrapSchema))


class AccountKeyListSchema(AnswerSchema):
    """The oldest first."""

    keys = List(Nested(AccountKeySchema))


class KeyLogQuerySchema(CamelCase):
    after = Integer(load_default=0, validate=Range(min=0, max=_MAX_SEQUENCE))


class KeyLogEntrySchema(AnswerSchema):
    """`entryHash` is the SHA-256 of the canonical JSON (RFC 8785) of the other fields; `previous` is that of the entry
    before, 64 zeros in the first. `sequence` counts from 1 without a gap."""

    sequence = Integer()
    account_id = String()
    event = Enum(KeyChange, by_value=True)
    key_id = Sha256()
    at = Integer()
    previous = Sha256()
    entry_hash = Sha256()


class KeyLogSchema(AnswerSchema):
    """The oldest first, 200 at most. `next` is the `after` of the following page, null on the last."""

    entries = List(Nested(KeyLogEntrySchema))
    next = Integer(allow_none=True)


@blueprint.get("/account/keys")
@blueprint.output(AccountKeyListSchema)
@blueprint.doc(summary="One's own keys, those that ended too, with the wraps of their private keys")
def keys() -> Values:
    return {"keys": [_answer(*each) for each in account_services().keys.of(current_session().account)]}


@blueprint.post("/account/keys")
@blueprint.input(NewKeySchema)
@blueprint.output(AccountKeySchema, 201)
@blueprint.doc(
    summary="Add a key: of X25519 with one to six wraps, or of RSA",
    responses={
        401: "The password is wrong",
        409: "It was added before, there are enough keys, or it must name what it replaces",
        422: "The key or a wrap is not valid",
        429: "Too many attempts",
    },
)
def add(json_data: Values) -> Values:
    account = proven(json_data)
    values = (json_data["public_key"], json_data["wraps"], json_data["replaces"])
    return _answer(*account_services().keys.add(account, *values, visitor()))


@blueprint.post("/account/keys/<key_id>/end")
@blueprint.input(PasswordSchema)
@blueprint.output({}, 204)
@blueprint.doc(
    summary="End an RSA key",
    responses={401: "The password is wrong", 409: "It is of X25519, or ended already", 429: "Too many attempts"},
)
def end(key_id: str, json_data: Values) -> str:
    account_services().keys.end(proven(json_data), key_id, visitor())
    return ""


@blueprint.post("/account/keys/<key_id>/wraps")
@blueprint.input(AddedWrapSchema)
@blueprint.output(KeyWrapSchema, 201)
@blueprint.doc(
    summary="Add a wrap to an X25519 key",
    responses={
        401: "The password is wrong",
        409: "It is there already, or there are six",
        422: "It is not valid",
        429: "Too many attempts",
    },
)
def add_wrap(key_id: str, json_data: Values) -> KeyWrap:
    return account_services().keys.add_wrap(proven(json_data), key_id, json_data["wrap"], visitor())


@blueprint.post("/account/keys/<key_id>/wraps/<wrap_id>/removal")
@blueprint.input(PasswordSchema)
@blueprint.output({}, 204)
@blueprint.doc(
    summary="Remove a wrap",
    responses={401: "The password is wrong", 409: "The last one of a live key", 429: "Too many attempts"},
)
def remove_wrap(key_id: str, wrap_id: str, json_data: Values) -> str:
    account_services().keys.remove_wrap(proven(json_data), key_id, wrap_id, visitor())
    return ""


@blueprint.get("/key-log")
@blueprint.input(KeyLogQuerySchema, location="query")
@blueprint.output(KeyLogSchema)
@blueprint.doc(summary="The log of all accounts' keys, each entry with the hash of the one before")
def key_log(query_data: Values) -> Values:
    entries = account_services().keys.log(query_data["after"])
    return {"entries": list(entries), "next": entries[-1].sequence if len(entries) == LOG_PAGE else None}


def public_keys(account: Account) -> list[Values]:
    """For the export."""
    return [_public(key) for key, _ in account_services().keys.of(account)]


def _answer(key: AccountKey, wraps: Sequence[KeyWrap]) -> Values:
    return {**_public(key), "wraps": list(wraps)}


def _public(key: AccountKey) -> Values:
    pem = load_der_public_key(key.public_key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    names = ("key_id", "kind", "created_at", "ended_at")
    return {**{name: getattr(key, name) for name in names}, "public_key": pem.decode()}
