"""The accounts of others, for administrators."""

from __future__ import annotations

from apiflask import APIBlueprint
from apiflask.fields import Boolean, Enum, List, Nested

from backend.accounts import Account, Role
from backend.api.access import account_services, current_session
from backend.api.cookies import visitor
from backend.api.schemas import AnswerSchema, CamelCase, Values
from backend.api.sign_in import AccountSchema
from backend.api.validation import account_in_path

blueprint = APIBlueprint("people", __name__, tag="People")


class PeopleSchema(AnswerSchema):
    """Those who wait for approval first, then the newest, 500 at most."""

    accounts = List(Nested(AccountSchema))


class RoleChangeSchema(CamelCase):
    role = Enum(Role, by_value=True, required=True)
    approved = Boolean(required=True)


@blueprint.get("/people")
@blueprint.output(PeopleSchema)
@blueprint.doc(summary="The accounts of this server")
def people() -> Values:
    return {"accounts": list(account_services().people.list())}


@blueprint.put("/people/<account_id>")
@blueprint.input(RoleChangeSchema)
@blueprint.output(AccountSchema)
@blueprint.doc(
    summary="Approve an account, or change its role; its sessions end",
    responses={409: "One's own account, or the last administrator"},
)
def change(account_id: str, json_data: Values) -> Account:
    return account_services().people.change(
        account_in_path(account_id),
        json_data["role"],
        approved=json_data["approved"],
        by=current_session().account,
        visitor=visitor(),
    )
