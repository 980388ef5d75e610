"""``scanproof accounts``: makes accounts from the command line, the first administrator's above all."""

from __future__ import annotations

import argparse
import getpass
import sys

from backend import settings as configuration
from backend.accounts import Account, Role
from backend.commands.arguments import WrongUse, word
from backend.commands.console import Console, columns
from backend.errors import ConfigurationError
from backend.services.json_values import camel_case

HELP = (
    "Make an account, or list those there are\n\n"
    "The first administrator is made so; administrators approve doctors on the page. The password is asked for, or\n"
    "read from standard input, never given as an argument."
)
EXAMPLE = (
    "scanproof accounts create --role administrator --name 'Ada King' --email ada@example.org --phone +41441234567"
)
_ACTIONS = {"create": "make an account of any role, approved", "list": "print the accounts"}
_FIELDS = ("name", "email", "phone")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items())
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=help_)
    parser.add_argument("--role", choices=[role.value for role in Role], help="create: what the person may do")
    parser.add_argument("--name", metavar="TEXT", type=word, help="create: the person's name")
    parser.add_argument("--email", metavar="ADDRESS", type=word, help="create: the e-mail address")
    parser.add_argument("--phone", metavar="NUMBER", type=word, help="create: the phone number with country code")


def run(options: argparse.Namespace, console: Console) -> int:
    given = {name: getattr(options, name) for name in ("role", *_FIELDS)}
    missing = [name for name, value in given.items() if value is None]
    if options.action == "create" and missing:
        raise WrongUse(f"create needs {', '.join(f'--{name}' for name in missing)}")
    if options.action == "list" and len(missing) < len(given):
        raise WrongUse("--role, --name, --email and --phone are for `create`")
    settings = configuration.load()
    if not settings.accounts:
        raise ConfigurationError("this server has no accounts: set SCANPROOF_ACCOUNTS=on to have them")
    return _create(options, console, settings) if options.action == "create" else _list(console, settings)


def _create(options: argparse.Namespace, console: Console, settings: configuration.Settings) -> int:
    from backend.wiring import wire_accounts

    password, again = _password()
    values = {name: getattr(options, name) for name in _FIELDS}
    with wire_accounts(settings) as services:
        account = services.registration.create(
            {**values, "password": password, "password_again": again}, Role(options.role)
        )
    rows = [("Account", account.account_id), ("Role", account.role), ("Sign in", f"{settings.page_url}/sign-in")]
    console.result(_values(account), columns(rows))
    return 0


def _list(console: Console, settings: configuration.Settings) -> int:
    from backend.wiring import wire_accounts

    with wire_accounts(settings) as services:
        found = services.people.list()
    lines = [f"{each.role:<13}  {'' if each.approved else 'waits for approval  '}{each.person.email}" for each in found]
    console.result({"accounts": [_values(each) for each in found]}, "\n".join(lines) or "There is no account yet.")
    return 0


def _values(account: Account) -> dict[str, object]:
    names = ("account_id", "role", "approved")
    return {"email": account.person.email, **{camel_case(name): getattr(account, name) for name in names}}


def _password() -> tuple[str, str]:
    """The password twice, as a person types it; a program writes it once, in one line."""
    if sys.stdin.isatty():
        return getpass.getpass("Password: "), getpass.getpass("Password again: ")
    line = sys.stdin.readline().rstrip("\r\n")
    return line, line
