"""Passkeys (WebAuthn) by py_webauthn. Of what a browser sends, only the members named here are read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from backend.accounts import Account, Passkey, RelyingParty
from backend.errors import SignInFailed

T = TypeVar("T")
NAME = "ScanProof"
_RESPONSE = ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")


class WebAuthnVerifier:
    """Port PasskeyVerifier. A passkey is kept by the browser or the device, and the person proves who they are to it:
    so it needs neither name nor password."""

    def creation_options(
        self, party: RelyingParty, account: Account, challenge: str, known: Sequence[bytes]
    ) -> Mapping[str, Any]:
        options = generate_registration_options(
            rp_id=party.host,
            rp_name=NAME,
            user_id=bytes.fromhex(account.account_id),
            user_name=account.person.email,
            user_display_name=account.person.name,
            challenge=base64url_to_bytes(challenge),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
        return _plain(options)

    def request_options(self, party: RelyingParty, challenge: str) -> Mapping[str, Any]:
        options = generate_authentication_options(
            rp_id=party.host,
            challenge=base64url_to_bytes(challenge),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _plain(options)

    def challenge(self, credential: Mapping[str, Any]) -> str:
        found = _checked(lambda: json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))["challenge"])
        return found if isinstance(found, str) else ""

    def credential_id(self, credential: Mapping[str, Any]) -> bytes:
        return _checked(lambda: base64url_to_bytes(credential["rawId"]))

    def created(self, credential: Mapping[str, Any], party: RelyingParty, challenge: str) -> tuple[bytes, bytes, int]:
        made = _checked(
            lambda: verify_registration_response(
                credential=_known_members(credential),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=party.host,
                expected_origin=party.origin,
                require_user_verification=True,
            )
        )
        return made.credential_id, made.credential_public_key, made.sign_count

    def used(self, credential: Mapping[str, Any], party: RelyingParty, challenge: str, passkey: Passkey) -> int:
        found = _checked(
            lambda: verify_authentication_response(
                credential=_known_members(credential),
                expected_challenge=base64url_to_bytes(challenge),
                expected_rp_id=party.host,
                expected_origin=party.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        )
        return found.new_sign_count


def _known_members(credential: Mapping[str, Any]) -> dict[str, Any]:
    """Without extensions, transports and whatever else a client adds."""
    response = {name: credential["response"][name] for name in _RESPONSE if credential["response"].get(name)}
    return {"id": credential["id"], "rawId": credential["rawId"], "type": credential["type"], "response": response}


def _checked(check: Callable[[], T]) -> T:
    """py_webauthn and its parsers raise many types for what a browser may send."""
    try:
        return check()
    except Exception as error:
        raise SignInFailed(f"expected a valid answer of the passkey: {str(error)[:200]}") from None


def _plain(options: Any) -> Mapping[str, Any]:
    values: Mapping[str, Any] = json.loads(options_to_json(options))
    return values
