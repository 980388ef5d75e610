"""``scanproof kinds``: stores the kind of each image that has none, and lists those of a kind."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from backend import settings as configuration
from backend.commands.arguments import positive
from backend.commands.console import Console
from backend.domain import ImageKind

if TYPE_CHECKING:
    from backend.domain import KindValue

HELP = (
    "List the images and studies of a kind\n\n"
    "First stores the kind of each image that has none, as of former releases. It reads the files of the store again,\n"
    "and asks no chain."
)
EXAMPLE = "scanproof kinds --modality MR --sequence flair"
_NAMES = ImageKind.VALUES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for name, example in zip(_NAMES, ("MR", "BRAIN", "t1-post-contrast", "100"), strict=True):
        option = "--" + name.replace("_", "-")
        parser.add_argument(
            option,
            metavar="VALUE",
            default="",
            help=f"list only this {name.replace('_', ' ')}, such as {example}, or unknown",
        )
    parser.add_argument(
        "--limit", metavar="N", type=positive, default=1000, help="list at most so many (default: 1000)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    from backend.services.json_values import camel_case
    from backend.services.kind_sources import kind_filter
    from backend.wiring import wire_kinds

    with wire_kinds(configuration.load()) as kinds:
        with console.waiting("reading images whose kind is not stored"):
            read = list(kinds.complete())
        found = kinds.matching(kind_filter(**{name: getattr(options, name) for name in _NAMES}), options.limit)
    values = {
        "completed": sum(read),
        "unreadable": len(read) - sum(read),
        "images": [
            {"cid": kind.cid, **{camel_case(name): _value(getattr(kind, name)) for name in _NAMES}} for kind in found
        ],
    }
    lines = [f"{kind.cid}  {_text(kind)}" for kind in found]
    lines.append(f"{len(found):,} listed; {sum(read):,} completed, {len(read) - sum(read):,} could not be read.")
    console.result(values, "\n".join(lines))
    return 0


def _value(value: KindValue) -> dict[str, Any]:
    """As the API has it."""
    others = [{"value": each.value, "source": each.source.value, "by": each.by} for each in value.others]
    return {"value": value.value, "source": value.source.value, "by": value.by, "others": others}


def _text(kind: ImageKind) -> str:
    """Each value with its source, and what others say beside it."""
    from backend.services.kind_sources import statements

    shown = []
    for name in _NAMES:
        value: KindValue = getattr(kind, name)
        said = " or ".join(f"{each.value} ({each.by or each.source.value})" for each in statements(value))
        shown.append(f"{name.replace('_', ' ')} {said or 'unknown'}")
    return ", ".join(shown)
