"""What names, addresses, phone numbers and passwords of accounts must be, each with a message of its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from backend.accounts import SELF_REGISTERED, Person, Role
from backend.errors import InvalidFields
from backend.ports import PasswordJudge
from backend.printable import is_hidden

MAX_NAME = 100
MAX_EMAIL = 254
"""RFC 5321, 4.5.3.1.3, less the angle brackets."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*@{_LABEL}(?:\.{_LABEL})+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_PHONE_MARKS = str.maketrans("", "", " \u00a0-./()")


class FieldCheck:
    """Collects a message for each field that is wrong; ``finish`` raises InvalidFields with all of them."""

    def __init__(self) -> None:
        self._messages: dict[str, str] = {}

    def refuse(self, name: str, message: str) -> None:
        self._messages.setdefault(name, message)

    def finish(self) -> None:
        if self._messages:
            raise InvalidFields(self._messages)

    def name(self, text: str) -> str:
        found = unicodedata.normalize("NFC", text).strip()
        if not found:
            self.refuse("name", "enter your name")
        elif len(found) > MAX_NAME:
            self.refuse("name", f"enter a name of at most {MAX_NAME} characters, not {len(found)}")
        elif any(map(is_hidden, found)) or not found.replace("\u200c", "").replace("\u200d", "").isprintable():
            self.refuse("name", "enter a name without control characters")
        return found

    def email(self, text: str) -> str:
        """In lower case: providers do not tell addresses apart by case."""
        found = text.strip()
        if not found:
            self.refuse("email", "enter your e-mail address")
        elif (
            not _EMAIL.fullmatch(found)
            or len(found) > MAX_EMAIL
            or len(found.partition("@")[0]) > 64
            # Programs for mail decode it to another address (encoded words, RFC 2047).
            or "=?" in found
        ):
            self.refuse("email", "enter an e-mail address such as name@example.org")
        return found.lower()

    def phone(self, text: str) -> str:
        """As E.164: + and at most 15 digits."""
        found = text.translate(_PHONE_MARKS)
        if not found:
            self.refuse("phone", "enter your phone number")
        elif not _PHONE.fullmatch(found):
            self.refuse("phone", "enter a phone number with its country code, such as +41 44 123 45 67")
        return found

    def person(self, values: Mapping[str, str]) -> Person:
        return Person(
            name=self.name(values["name"]), email=self.email(values["email"]), phone=self.phone(values["phone"])
        )

    def role(self, text: str) -> Role:
        if text not in SELF_REGISTERED:
            self.refuse("role", f"choose {' or '.join(SELF_REGISTERED)}")
            return Role.PATIENT
        return Role(text)

    def new_password(self, password: str, again: str, person: Person, judge: PasswordJudge) -> str:
        """The password in NFKC, so that another keyboard that composes its characters otherwise gives the same (NIST SP
        800-63B, 3.1.1.2)."""
        found = normal_password(password)
        if len(found) < SHORTEST_PASSWORD:
            self.refuse("password", f"enter a password of at least {SHORTEST_PASSWORD} characters")
        elif len(found) > LONGEST_PASSWORD:
            self.refuse("password", f"enter a password of at most {LONGEST_PASSWORD} characters")
        elif weakness := judge.weakness(found, _known_words(person)):
            self.refuse("password", f"enter a password that is harder to guess: {weakness}")
        if password != again:
            self.refuse("passwordAgain", "enter the same password twice")
        return found


def _known_words(person: Person) -> list[str]:
    """What others know of a person, also without accents."""
    text = f"{person.name} {person.email}"
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return [person.email, person.phone, *re.split(r"[\s@.]+", f"{text} {plain}")]


def normal_password(password: str) -> str:
    return unicodedata.normalize("NFKC", password)
