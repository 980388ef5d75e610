"""The page's types are those of the API's schemas."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import api_types


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "types.ts"
    copy.write_text(api_types.TYPES.read_text())
    monkeypatch.setattr(api_types, "TYPES", copy)
    return copy


def test_a_stale_file_is_found_and_written_anew(types: Path, capsys: pytest.CaptureFixture[str]) -> None:
    committed = types.read_text()
    types.write_text(committed.replace("explorerUrl: string | null", "explorerUrl: string"))
    assert api_types.main(["--check"]) == 1
    assert capsys.readouterr().out == "types.ts differs from the schemas in backend/api; run `npm run types`\n"
    assert api_types.main([]) == 0
    assert types.read_text() == committed
    assert api_types.main(["--check"]) == 0


def test_schemas_become_types() -> None:
    schemas = {
        "Kind": {"type": "string", "enum": ["a", "b"], "description": "Which."},
        "Pair": {
            "type": "object",
            "required": ["hash", "kind"],
            "properties": {
                "hash": {"type": ["string", "null"], "pattern": "^0x[0-9a-f]{64}$"},
                "kind": {"$ref": "#/components/schemas/Kind"},
                "points": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            },
            "additionalProperties": False,
        },
    }
    text = api_types.types({"components": {"schemas": schemas}})
    assert text.removeprefix(api_types.BANNER) == (
        '/** Which. */\nexport type Kind = "a" | "b";\n\n'
        "export interface Pair {\n  hash: Hex | null;\n  kind: Kind;\n  points?: [number, number];\n}\n"
    )
