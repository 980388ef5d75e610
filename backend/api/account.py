"""One's own account: profile, password, sessions, log, export and closing."""

from __future__ import annotations

import json

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, Integer, List, Nested, String
from flask import Response

from backend.accounts import Account, AccountEvent, EventKind, Session, SignInMethod
from backend.api.access import account_services, current_session
from backend.api.account_keys import PublicKeySchema, public_keys
from backend.api.cookies import forget_session, session_secret, visitor
from backend.api.credentials import CredentialsOverviewSchema, credentials_answer
from backend.api.limits import limiter
from backend.api.openapi import json_response, responses
from backend.api.schemas import AnswerSchema, CamelCase, Literal, Values
from backend.api.sign_in import ATTEMPTS, CHANGING, AccountSchema, CurrentSessionSchema, signed_in_answer

blueprint = APIBlueprint("account", __name__, tag="Account")
limiter.limit(ATTEMPTS, methods=CHANGING, error_message="changes of accounts")(blueprint)
EXPORT_SCHEMA = "scanproof.account/1"


class ProfileSchema(CamelCase):
    name = String(load_default="")
    phone = String(load_default="")


class NewPasswordSchema(CamelCase):
    """`oldPassword` is the present one."""

    old_password = String(required=True)
    password = String(load_default="")
    password_again = String(load_default="")


class ClosureSchema(CamelCase):
    password = String(required=True)


class SessionSchema(AnswerSchema):
    """A browser in which this account is signed in. `current` is the one that asks. Times in Unix seconds."""

    session_id = String()
    method = Enum(SignInMethod, by_value=True)
    created_at = Integer()
    last_at = Integer()
    client = String()
    agent = String()
    current = Boolean()


class SessionListSchema(AnswerSchema):
    sessions = List(Nested(SessionSchema))


class AccountEventSchema(AnswerSchema):
    """`at` in Unix seconds; `client` is the network address, `agent` what the browser called itself."""

    kind = Enum(EventKind, by_value=True)
    at = Integer()
    client = String()
    agent = String()
    detail = String()


class AccountEventListSchema(AnswerSchema):
    """The newest first, 200 at most. Each is kept for a year."""

    events = List(Nested(AccountEventSchema))


class AccountExportSchema(AnswerSchema):
    schema = Literal(EXPORT_SCHEMA)
    account = Nested(AccountSchema)
    credentials = Nested(CredentialsOverviewSchema)
    keys = List(Nested(PublicKeySchema))
    sessions = List(Nested(SessionSchema))
    events = List(Nested(AccountEventSchema))


@blueprint.get("/account")
@blueprint.output(AccountSchema)
@blueprint.doc(summary="One's own account")
def profile() -> Account:
    return current_session().account


@blueprint.put("/account")
@blueprint.input(ProfileSchema)
@blueprint.output(AccountSchema)
@blueprint.doc(summary="Change name and phone number", responses={422: "Fields are not valid"})
def change(json_data: Values) -> Account:
    return account_services().accounts.change_profile(current_session().account, json_data, visitor())


@blueprint.put("/account/password")
@blueprint.input(NewPasswordSchema)
@blueprint.output(CurrentSessionSchema)
@blueprint.doc(
    summary="Change the password; every other session ends, and this one gets a new id",
    responses={
        401: "The present password is wrong",
        409: "It changed meanwhile",
        422: "The new one is not valid",
        429: "Too many attempts",
    },
)
def change_password(json_data: Values) -> Response:
    signed_in = account_services().accounts.change_password(
        current_session(),
        old=json_data["old_password"],
        new=json_data["password"],
        again=json_data["password_again"],
        visitor=visitor(),
    )
    return signed_in_answer(signed_in)


@blueprint.get("/account/sessions")
@blueprint.output(SessionListSchema)
@blueprint.doc(summary="The browsers in which one is signed in")
def sessions() -> Values:
    return {"sessions": _sessions(current_session())}


@blueprint.delete("/account/sessions")
@blueprint.output({}, 204)
@blueprint.doc(summary="End every session but this one")
def end_others() -> str:
    account_services().sign_in.end_others(session_secret(), current_session().account, visitor())
    return ""


@blueprint.delete("/account/sessions/<session_id>")
@blueprint.output({}, 204)
@blueprint.doc(summary="End a session")
def end(session_id: str) -> str:
    account_services().sign_in.end(session_id, current_session().account, visitor())
    return ""


@blueprint.get("/account/events")
@blueprint.output(AccountEventListSchema)
@blueprint.doc(summary="Sign-ins, failed ones too, and changes of the account")
def events() -> dict[str, list[AccountEvent]]:
    return {"events": list(account_services().accounts.events(current_session().account))}


@blueprint.get("/account/export")
@blueprint.doc(
    summary="All that this server knows of the account, as a JSON file",
    responses=responses({200: json_response(AccountExportSchema, "The file")}),
)
def export() -> Response:
    session = current_session()
    values = {
        "schema": EXPORT_SCHEMA,
        "account": session.account,
        "credentials": credentials_answer(session.account),
        "keys": public_keys(session.account),
        "sessions": _sessions(session),
        "events": account_services().accounts.events(session.account),
    }
    text = json.dumps(AccountExportSchema().dump(values), indent=2, ensure_ascii=False)
    headers = {"Content-Disposition": 'attachment; filename="scanproof-account.json"'}
    return Response(text + "\n", content_type="application/json", headers=headers)


@blueprint.post("/account/closure")
@blueprint.input(ClosureSchema)
@blueprint.output({}, 204)
@blueprint.doc(
    summary="Close the account: all that this server knows of it is removed; what is on the chain stays",
    responses={401: "The password is wrong", 409: "The only administrator", 429: "Too many attempts"},
)
def close(json_data: Values) -> Response:
    account_services().accounts.close(current_session().account, json_data["password"], visitor())
    return forget_session(Response(status=204))


def _sessions(current: Session) -> list[Values]:
    names = ("session_id", "method", "created_at", "last_at", "client", "agent")
    return [
        {**{name: getattr(each, name) for name in names}, "current": each.session_id == current.session_id}
        for each in account_services().accounts.sessions(current.account)
    ]
