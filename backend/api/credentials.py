"""What proves who one is beside the password: one-time codes, passkeys, wallets."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Integer, List, Nested, Raw, String
from apiflask.validators import Length
from flask import Response, request
from marshmallow import EXCLUDE

from backend.accounts import Account, LinkedWallet, Passkey, RelyingParty
from backend.api.access import account_services, container, current_session
from backend.api.cookies import visitor
from backend.api.limits import limiter
from backend.api.schemas import Address, AnswerSchema, CamelCase, Sha256, Values
from backend.api.sign_in import ATTEMPTS, CHANGING, MAX_CODE, CurrentSessionSchema, signed_in_answer
from backend.errors import Conflict
from backend.hosts import bracketed, host_name, is_loopback_host, parsed_address
from backend.services.siwe import MAX_LENGTH
from backend.services.wallets import MessageParts

blueprint = APIBlueprint("credentials", __name__, tag="Credentials")
limiter.limit(ATTEMPTS, methods=CHANGING, error_message="changes of credentials")(blueprint)
_HTTP_PORT = 80
_MAX_SIGNATURE = 8194
"""0x and the digits of 4,096 bytes."""
_MAX_MEMBER = 12_000
"""Characters of a member of a passkey's answer; attestations are not asked for, which makes them short."""


class PasswordSchema(CamelCase):
    """The password, asked again: whoever finds a browser signed in must not be able to stay."""

    password = String(required=True)


class PasskeySchema(AnswerSchema):
    passkey_id = Sha256()
    name = String()
    created_at = Integer()
    used_at = Integer(allow_none=True)


class LinkedWalletSchema(AnswerSchema):
    address = Address()
    linked_at = Integer()


class CredentialsOverviewSchema(AnswerSchema):
    """`codes`: whether signing in with the password or a wallet asks for a one-time code. Times in Unix seconds."""

    codes = Boolean()
    recovery_codes_left = Integer()
    passkeys = List(Nested(PasskeySchema))
    wallets = List(Nested(LinkedWalletSchema))


class CodeAppSchema(AnswerSchema):
    """`uri` is for the app, as a QR code or by hand: it holds the secret."""

    uri = String()


class CodeSchema(CamelCase):
    code = String(required=True, validate=Length(max=MAX_CODE))


class RecoveryCodesSchema(AnswerSchema):
    """Each replaces one code of the app, once. They are shown this time only."""

    recovery_codes = List(String())


class PasskeyOptionsSchema(AnswerSchema):
    """`options` are for `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`."""

    options = Raw(metadata={"type": "object"})


class AuthenticatorResponseSchema(CamelCase):
    """Other members are not read."""

    class Meta:
        unknown = EXCLUDE

    client_data_json = String(required=True, data_key="clientDataJSON", validate=Length(max=_MAX_MEMBER))
    attestation_object = String(validate=Length(max=_MAX_MEMBER))
    authenticator_data = String(validate=Length(max=_MAX_MEMBER))
    signature = String(validate=Length(max=_MAX_MEMBER))
    user_handle = String(allow_none=True, validate=Length(max=_MAX_MEMBER))


class PublicKeyCredentialSchema(CamelCase):
    """As `PublicKeyCredential.toJSON` gives it. Other members are not read."""

    class Meta:
        unknown = EXCLUDE

    id = String(required=True, validate=Length(max=_MAX_MEMBER))
    raw_id = String(required=True, validate=Length(max=_MAX_MEMBER))
    type = String(required=True, validate=Length(max=40))
    response = Nested(AuthenticatorResponseSchema, required=True)


class NewPasskeySchema(CamelCase):
    name = String(load_default="")
    credential = Nested(PublicKeyCredentialSchema, required=True)


class UsedPasskeySchema(CamelCase):
    credential = Nested(PublicKeyCredentialSchema, required=True)


class WalletMessageSchema(AnswerSchema):
    """What the message of Sign-In with Ethereum must say; it must expire within `seconds`."""

    domain = String()
    uri = String()
    statement = String()
    chain_id = Integer()
    nonce = String()
    seconds = Integer()


class SignedMessageSchema(CamelCase):
    message = String(required=True, validate=Length(max=MAX_LENGTH))
    signature = String(required=True, validate=Length(max=_MAX_SIGNATURE))


class NewWalletSchema(SignedMessageSchema):
    password = String(required=True)


class UsedWalletSchema(SignedMessageSchema):
    code = String(load_default="", validate=Length(max=MAX_CODE))


@blueprint.get("/account/credentials")
@blueprint.output(CredentialsOverviewSchema)
@blueprint.doc(summary="What proves who one is beside the password")
def overview() -> Values:
    return credentials_answer(current_session().account)


@blueprint.post("/account/codes")
@blueprint.input(PasswordSchema)
@blueprint.output(CodeAppSchema)
@blueprint.doc(
    summary="Begin with one-time codes (TOTP); they are on once a code was sent",
    responses={401: "The password is wrong", 409: "They are on already", 429: "Too many attempts"},
)
def begin_codes(json_data: Values) -> Values:
    account = proven(json_data)
    return {"uri": account_services().second_factor.begin(account)}


@blueprint.put("/account/codes")
@blueprint.input(CodeSchema)
@blueprint.output(RecoveryCodesSchema)
@blueprint.doc(
    summary="Turn one-time codes on with the first code of the app",
    responses={401: "The code is wrong", 409: "They were not begun"},
)
def confirm_codes(json_data: Values) -> Values:
    codes = account_services().second_factor.confirm(current_session().account, json_data["code"], visitor())
    return {"recovery_codes": list(codes)}


@blueprint.post("/account/codes/removal")
@blueprint.input(PasswordSchema)
@blueprint.output({}, 204)
@blueprint.doc(summary="Turn one-time codes off", responses={401: "The password is wrong", 429: "Too many attempts"})
def remove_codes(json_data: Values) -> str:
    account_services().second_factor.remove(proven(json_data), visitor())
    return ""


@blueprint.post("/account/passkeys/options")
@blueprint.input(PasswordSchema)
@blueprint.output(PasskeyOptionsSchema)
@blueprint.doc(
    summary="Begin to add a passkey",
    responses={401: "The password is wrong", 409: "This address can have no passkeys", 429: "Too many attempts"},
)
def passkey_creation(json_data: Values) -> Values:
    party = _named_party()
    return {"options": account_services().passkeys.creation_options(proven(json_data), party)}


@blueprint.post("/account/passkeys")
@blueprint.input(NewPasskeySchema)
@blueprint.output(PasskeySchema, 201)
@blueprint.doc(
    summary="Add the passkey that the browser made",
    responses={401: "It is not valid", 409: "It is there already", 422: "The name is not valid"},
)
def add_passkey(json_data: Values) -> Passkey:
    return account_services().passkeys.add(
        current_session().account, _credential(json_data), json_data["name"], _named_party(), visitor()
    )


@blueprint.delete("/account/passkeys/<passkey_id>")
@blueprint.output({}, 204)
@blueprint.doc(summary="Remove a passkey")
def remove_passkey(passkey_id: str) -> str:
    account_services().passkeys.remove(current_session().account, passkey_id, visitor())
    return ""


@blueprint.post("/session/passkey/options")
@limiter.limit(ATTEMPTS, error_message="sign-ins")
@blueprint.output(PasskeyOptionsSchema)
@blueprint.doc(
    summary="Begin to sign in with a passkey", responses={409: "This address can have no passkeys", 429: "Too many"}
)
def passkey_request() -> Values:
    return {"options": account_services().passkeys.request_options(_named_party())}


@blueprint.post("/session/passkey")
@limiter.limit(ATTEMPTS, error_message="sign-ins")
@blueprint.input(UsedPasskeySchema)
@blueprint.output(CurrentSessionSchema)
@blueprint.doc(summary="Sign in with a passkey", responses={401: "It is not valid", 429: "Too many"})
def use_passkey(json_data: Values) -> Response:
    signed_in = account_services().passkeys.sign_in(_credential(json_data), _named_party(), visitor())
    return signed_in_answer(signed_in)


@blueprint.post("/account/wallets/message")
@blueprint.output(WalletMessageSchema)
@blueprint.doc(summary="What a wallet must sign to be linked (EIP-4361)", responses={409: "Not the server's own port"})
def link_message() -> MessageParts:
    return account_services().wallets.message_parts(current_session().account, _party())


@blueprint.post("/account/wallets")
@blueprint.input(NewWalletSchema)
@blueprint.output(LinkedWalletSchema, 201)
@blueprint.doc(
    summary="Link the wallet that signed the message",
    responses={401: "Message, signature or password is wrong", 409: "It is linked already", 429: "Too many attempts"},
)
def link_wallet(json_data: Values) -> LinkedWallet:
    account = proven(json_data)
    return account_services().wallets.link(account, json_data["message"], json_data["signature"], _party(), visitor())


@blueprint.delete("/account/wallets/<address>")
@blueprint.output({}, 204)
@blueprint.doc(summary="Remove a wallet from the account")
def remove_wallet(address: str) -> str:
    account_services().wallets.remove(current_session().account, address, visitor())
    return ""


@blueprint.post("/session/wallet/message")
@limiter.limit(ATTEMPTS, error_message="sign-ins")
@blueprint.output(WalletMessageSchema)
@blueprint.doc(
    summary="What a wallet must sign to sign in (EIP-4361)",
    responses={409: "Not the server's own port", 429: "Too many"},
)
def wallet_message() -> MessageParts:
    return account_services().wallets.message_parts(None, _party())


@blueprint.post("/session/wallet")
@limiter.limit(ATTEMPTS, error_message="sign-ins")
@blueprint.input(UsedWalletSchema)
@blueprint.output(CurrentSessionSchema)
@blueprint.doc(
    summary="Sign in with a linked wallet",
    responses={401: "The message or the signature is wrong, or a code is missing", 429: "Too many"},
)
def use_wallet(json_data: Values) -> Response:
    values = (json_data["message"], json_data["signature"], json_data["code"])
    return signed_in_answer(account_services().wallets.sign_in(*values, _party(), visitor()))


def credentials_answer(account: Account) -> Values:
    services = account_services()
    return {
        "codes": services.second_factor.is_on(account),
        "recovery_codes_left": services.second_factor.count_recovery_codes(account),
        "passkeys": list(services.passkeys.of(account)),
        "wallets": list(services.wallets.of(account)),
    }


def proven(json_data: Values) -> Account:
    """The account of the session, whose password was sent again."""
    account = current_session().account
    account_services().sign_in.check_password(account, json_data["password"], visitor())
    return account


def _party() -> RelyingParty:
    """On this machine another program may have a page at any other port. Raises Conflict."""
    settings, host = container().settings, bracketed(host_name(request.host))
    served = host if settings.port == _HTTP_PORT else f"{host}:{settings.port}"
    if is_loopback_host(request.host) and not request.is_secure and request.host != served:
        raise Conflict(f"passkeys and wallets are used at {settings.page_url} only, not at {request.host[:80]}")
    return RelyingParty(host_name(request.host), request.host_url.rstrip("/"))


def _named_party() -> RelyingParty:
    """Raises Conflict."""
    account_services()
    party = _party()
    if parsed_address(party.host):
        raise Conflict(
            f"browsers make passkeys for names only, not for {party.host}: open {container().settings.page_url}"
        )
    return party


def _credential(json_data: Values) -> dict[str, Any]:
    """With the names that it came with."""
    dumped: dict[str, Any] = PublicKeyCredentialSchema().dump(json_data["credential"])
    return dumped
