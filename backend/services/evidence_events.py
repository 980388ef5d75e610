"""The events of an evidence bundle as a reader finds them in its JSON."""

from __future__ import annotations

from dataclasses import asdict

from backend.domain import Event


def described(event: Event) -> dict:
    """The event's fields in camelCase, with its name as the contract has it; without the log index, which is the
    node's own count and cannot be proven."""
    fields = asdict(event)
    del fields["log_index"]
    name = type(event).__name__.removesuffix("Event")
    return {"event": name, **{_camel_case(field): value for field, value in fields.items()}}


def _camel_case(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)
