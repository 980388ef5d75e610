"""The viewer of a page, by its names for a screen reader."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page

_DRAWN = """async (canvas) => {
  while (canvas.dataset.state !== "drawn") await new Promise(requestAnimationFrame);
  return canvas.toDataURL("image/png").split(",")[1];
}"""


class Viewer:
    """The one that the page shows."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stage = page.get_by_role("group", name=re.compile("^Viewer: "))
        self.canvas = self.stage.locator("canvas")
        self.shown = page.get_by_test_id("shown")

    def colours(self) -> np.ndarray:
        """What the canvas has, (height, width, 3)."""
        drawn = base64.b64decode(self.canvas.evaluate(_DRAWN))
        return np.asarray(Image.open(io.BytesIO(drawn)).convert("RGB"))

    def pixels(self) -> np.ndarray:
        """The red channel of it, (height, width)."""
        return self.colours()[..., 0]

    def tool(self, name: str) -> Locator:
        return self.page.get_by_role("toolbar", name="Image tools").get_by_role("button", name=name)

    def drag(self, by: tuple[int, int], start: tuple[float, float] = (0.5, 0.5)) -> None:
        self.stage.scroll_into_view_if_needed()
        box = self.stage.bounding_box()
        x, y = box["x"] + box["width"] * start[0], box["y"] + box["height"] * start[1]
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by[0], y + by[1], steps=4)
        self.page.mouse.up()

    def stroke(self, places: list[tuple[float, float]]) -> None:
        """Drag through places, each in widths and heights of the stage."""
        self.stage.scroll_into_view_if_needed()
        box = self.stage.bounding_box()
        points = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in places]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=5)
        self.page.mouse.up()

    def zoom(self) -> float:
        """Percent of the image's own pixels."""
        return float(re.match(r"([\d,]+)", self.shown.inner_text())[1].replace(",", ""))

    def transform(self) -> dict[str, Any]:
        return self.stage.locator(".world").evaluate(
            "world => { const { a, e, f } = new DOMMatrix(getComputedStyle(world).transform); return { a, e, f }; }"
        )
