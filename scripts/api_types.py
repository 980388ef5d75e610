"""Writes the page's types from the API's own description: ``python -m scripts.api_types [--check]``.

The description is that of ``/openapi.json``, whose schemas are JSON Schema.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TYPES = ROOT / "frontend" / "src" / "api" / "types.ts"
DESCRIBE = [sys.executable, "-m", "flask", "--app", "backend.api.app:create_app(None)", "spec"]
GENERATOR = ROOT / "node_modules" / "json-schema-to-typescript" / "dist" / "src" / "cli.js"
GENERATE = ["node", str(GENERATOR), "--unreachableDefinitions", "--style.printWidth=120", "--bannerComment="]
BANNER = """\
/** The bodies of the HTTP API. Written by `npm run types` from /openapi.json: change the schemas in backend/api. */

export type Hex = `0x${string}`;

"""
COMPONENTS = "#/components/schemas/"


def types(description: dict[str, Any]) -> str:
    """The schemas of an OpenAPI description as TypeScript."""
    definitions = _converted(description["components"]["schemas"])
    # The generator wants a root, which is nothing here, and says of each type that it is a definition of the root.
    text = _run(GENERATE, json.dumps({"title": "Root", "definitions": definitions}))
    text = re.sub(r"export interface Root \{[^}]*\}\n", "", text)
    text = re.sub(r"(?: \*\n)? \* This interface was referenced by `Root`'s JSON-Schema\n.*\n", "", text)
    text = re.sub(r" *\* @(?:min|max)Items \d+\n", "", text)
    text = re.sub(r" */\*\*\n *\*/\n", "", text)
    text = re.sub(r"/\*\*\n *\* (.+)\n *\*/", r"/** \1 */", text)
    return BANNER + re.sub(r"(?<=[;}])\n(?=/\*\*|export )", "\n\n", text.strip()) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the file, or with ``--check`` compare it. Exit status 1 if it differs."""
    parser = argparse.ArgumentParser(prog="api_types", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file, write nothing")
    check = parser.parse_args(arguments).check
    text = types(json.loads(_run(DESCRIBE)))
    if not check:
        TYPES.write_text(text)
    elif TYPES.read_text() != text:
        print(f"{TYPES.name} differs from the schemas in backend/api; run `npm run types`")
        return 1
    return 0


def _converted(part: Any) -> Any:
    """Hashes and addresses as ``Hex``, and references as the generator wants them."""
    match part:
        case {"pattern": str(pattern)} if pattern.startswith("^0x"):
            return part | {"tsType": "Hex | null" if "null" in part["type"] else "Hex"}
        case dict():
            return {name: _converted(value) for name, value in part.items() if name != "discriminator"}
        case list():
            return [_converted(value) for value in part]
        case str():
            return part.replace(COMPONENTS, "#/definitions/")
        case _:
            return part


def _run(command: list[str], text: str | None = None) -> str:
    return subprocess.run(command, cwd=ROOT, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
