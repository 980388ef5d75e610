"""axe-core in a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => impact === "serious" || impact === "critical")
  .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`))"""


def serious_violations(page: Page) -> list[str]:
    """What axe finds serious or critical in the page as it is now."""
    page.evaluate(_AXE.read_text())
    return page.evaluate(_RUN)
