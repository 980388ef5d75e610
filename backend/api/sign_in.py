"""Becoming an account, signing in and out, and setting a forgotten password anew: for everybody."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, Integer, Nested, String
from apiflask.validators import Length
from flask import Response, g, jsonify

from backend.accounts import Role, Session, SignInMethod
from backend.api.access import account_services, container
from backend.api.cookies import forget_session, keep_signed_in, session_secret, visitor
from backend.api.limits import limiter
from backend.api.schemas import AnswerSchema, CamelCase, Literal, Values
from backend.services.sign_in import SignedIn

blueprint = APIBlueprint("sign_in", __name__, tag="Accounts")

MAX_CODE = 40
ATTEMPTS, _MAILS = "60/minute", "20/hour"
"""From one network. A hospital may be one network; guessing at one account has limits of its own."""
CHANGING = ["POST", "PUT", "DELETE"]


class RegistrationSchema(CamelCase):
    """What is left out counts as empty, which has a message of its own."""

    name = String(load_default="")
    email = String(load_default="")
    phone = String(load_default="")
    role = String(load_default=Role.PATIENT.value)
    password = String(load_default="")
    password_again = String(load_default="")


class ConfirmationSchema(CamelCase):
    """`token` is what stands after # in the link of the mail."""

    token = String(required=True)
    password = String(required=True)


class CredentialsSchema(CamelCase):
    """`code` is a one-time code or a recovery code, where the account asks for one."""

    email = String(required=True)
    password = String(required=True)
    code = String(load_default="", validate=Length(max=MAX_CODE))


class ResetRequestSchema(CamelCase):
    email = String(required=True)


class ResetSchema(CamelCase):
    """`token` is what stands after # in the link of the mail."""

    token = String(required=True)
    password = String(load_default="")
    password_again = String(load_default="")
    code = String(load_default="", validate=Length(max=MAX_CODE))


class AccountSchema(AnswerSchema):
    """`createdAt` in Unix seconds. A doctor works once `approved`."""

    account_id = String()
    name = String(attribute="person.name")
    email = String(attribute="person.email")
    phone = String(attribute="person.phone")
    role = Enum(Role, by_value=True)
    approved = Boolean()
    created_at = Integer()


class CurrentSessionSchema(AnswerSchema):
    """`accounts`: whether people sign in on this server. The rest is null while nobody is."""

    accounts = Boolean()
    session_id = String(allow_none=True)
    method = Enum(SignInMethod, by_value=True, allow_none=True)
    account = Nested(AccountSchema, allow_none=True)


class MailSentSchema(AnswerSchema):
    """The same for every address: whether it has an account, only the mail says."""

    status = Literal("mailed")


@blueprint.get("/session")
@blueprint.output(CurrentSessionSchema)
@blueprint.doc(summary="Who is signed in")
def current() -> Values:
    session: Session | None = g.get("session")
    return session_answer(session)


@blueprint.post("/session")
@limiter.limit(ATTEMPTS, error_message="sign-ins")
@blueprint.input(CredentialsSchema)
@blueprint.output(CurrentSessionSchema)
@blueprint.doc(
    summary="Sign in",
    description="The answer sets the cookie of a new session; the one before ends.",
    responses={401: "The address, the password or the code is wrong, or a code is missing", 429: "Too many attempts"},
)
def sign_in(json_data: Values) -> Response:
    signed_in = account_services().sign_in.sign_in(
        json_data["email"], json_data["password"], json_data["code"], visitor()
    )
    return signed_in_answer(signed_in)


@blueprint.delete("/session")
@blueprint.output({}, 204)
@blueprint.doc(summary="Sign out: the session ends on the server, too")
def sign_out() -> Response:
    services, session = account_services(), g.get("session")
    if session:
        services.sign_in.sign_out(session_secret(), session, visitor())
    return forget_session(Response(status=204))


@blueprint.post("/accounts")
@limiter.limit(_MAILS, error_message="registrations")
@blueprint.input(RegistrationSchema)
@blueprint.output(MailSentSchema, 202)
@blueprint.doc(
    summary="Register; a mail asks to confirm the address",
    description="An administrator approves doctors.",
    responses={422: "Fields are not valid", 429: "Too many"},
)
def register(json_data: Values) -> Values:
    account_services().registration.register(json_data)
    return {"status": "mailed"}


@blueprint.post("/accounts/confirmations")
@limiter.limit(ATTEMPTS, error_message="confirmations")
@blueprint.input(ConfirmationSchema)
@blueprint.output(CurrentSessionSchema, 201)
@blueprint.doc(
    summary="Confirm the address by the link of the mail and the password of the registration, and sign in",
    responses={401: "Another password", 410: "The link is no longer valid", 429: "Too many attempts"},
)
def confirm(json_data: Values) -> Response:
    services = account_services()
    account = services.registration.confirm(json_data["token"], json_data["password"], visitor())
    return signed_in_answer(services.sign_in.begin(account, SignInMethod.PASSWORD, visitor()), 201)


@blueprint.post("/password-resets")
@limiter.limit(_MAILS, error_message="mails")
@blueprint.input(ResetRequestSchema)
@blueprint.output(MailSentSchema, 202)
@blueprint.doc(summary="Ask for a mail with a link to set a new password", responses={429: "Too many"})
def send_reset(json_data: Values) -> Values:
    account_services().accounts.send_reset(json_data["email"], visitor())
    return {"status": "mailed"}


@blueprint.put("/password-resets")
@limiter.limit(ATTEMPTS, error_message="attempts")
@blueprint.input(ResetSchema)
@blueprint.output(CurrentSessionSchema)
@blueprint.doc(
    summary="Set a new password by the link of the mail, and sign in; every other session ends",
    responses={410: "The link is no longer valid", 422: "The password is not valid", 429: "Too many attempts"},
)
def reset(json_data: Values) -> Response:
    values = (json_data["token"], json_data["password"], json_data["password_again"], json_data["code"])
    return signed_in_answer(account_services().accounts.reset(*values, visitor()))


def session_answer(session: Session | None) -> Values:
    return {
        "accounts": container().accounts is not None,
        "session_id": session and session.session_id,
        "method": session and session.method,
        "account": session and session.account,
    }


def signed_in_answer(signed_in: SignedIn, status: int = 200) -> Response:
    """Sets the cookies. A session that the browser had before, perhaps one that a stranger planted, ends."""
    if before := session_secret():
        account_services().sign_in.discard(before)
    response = jsonify(CurrentSessionSchema().dump(session_answer(signed_in.session)))
    response.status_code = status
    return keep_signed_in(response, signed_in)
