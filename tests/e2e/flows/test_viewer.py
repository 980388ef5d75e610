"""The viewer wherever an image is shown: every tool by mouse, keyboard and touch, and what it shows to the pixel."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.support import images
from tests.e2e.support.axe import serious_violations
from tests.e2e.support.console import Console
from tests.e2e.support.records import make_record
from tests.e2e.support.site import Site
from tests.e2e.support.viewer import Viewer
from tests.e2e.wallet.wallet import InjectedWallet

_SCREENS = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}


def test_shows_the_image_as_the_model_sees_it_and_every_window_of_it(site: Site, viewer: Viewer):
    image = images.mri()
    expected = np.asarray(Image.open(io.BytesIO(image)).convert("L"))
    site.open().choose(image)
    assert np.array_equal(viewer.pixels(), expected), "before the upload"
    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    assert np.array_equal(viewer.pixels(), expected), "after it"

    viewer.tool("Invert black and white").click()
    assert np.array_equal(viewer.pixels(), 255 - expected)
    viewer.tool("Invert black and white").click()
    site.page.get_by_label("Brightness window").select_option(label="Dark parts")
    doubled = np.clip(np.rint(expected.astype(float) / 128 * 255), 0, 255)
    assert np.array_equal(viewer.pixels(), doubled)
    expect(viewer.shown).to_contain_text("Window 128, level 64")
    viewer.tool("Reset the view").click()
    assert np.array_equal(viewer.pixels(), expected)

    viewer.tool("Drag to change brightness and contrast").click()
    viewer.drag((-60, 40))
    assert not np.array_equal(viewer.pixels(), expected)
    expect(site.page.get_by_label("Brightness window")).to_have_value("-1")


def test_zooms_and_moves_by_mouse(site: Site, viewer: Viewer):
    site.open().choose(images.mri())
    viewer.pixels()
    fitted = viewer.zoom()
    viewer.stage.hover()
    site.page.keyboard.down("Control")
    site.page.mouse.wheel(0, -600)
    site.page.keyboard.up("Control")
    assert viewer.zoom() > 2 * fitted
    before = viewer.transform()

    viewer.drag((30, -20))

    after = viewer.transform()
    assert (after["e"] - before["e"], after["f"] - before["f"]) == pytest.approx((30, -20), abs=0.01)
    scrolled = "() => document.scrollingElement.scrollTop"
    start = site.page.evaluate(scrolled)
    site.page.get_by_role("heading", level=1).click()
    viewer.stage.hover()
    site.page.mouse.wheel(0, 50)
    site.page.wait_for_function(f"start => ({scrolled})() > start", arg=start)
    assert viewer.transform() == after, "without the focus, the wheel scrolls the page"


def test_every_tool_works_by_the_keyboard_alone(site: Site, viewer: Viewer):
    site.open().choose(images.mri())
    plain = viewer.pixels()
    fitted = viewer.zoom()
    viewer.stage.focus()
    for _ in range(4):
        site.page.keyboard.press("+")
    site.page.keyboard.press("ArrowRight")
    assert viewer.zoom() > 2 * fitted
    assert viewer.transform()["e"] < 0
    site.page.keyboard.press("i")
    assert np.array_equal(viewer.pixels(), 255 - plain)
    site.page.keyboard.press("Shift+ArrowLeft")
    expect(viewer.shown).to_contain_text("Window 247, level 128")
    site.page.keyboard.press("0")
    assert (viewer.zoom(), viewer.transform()["e"]) == (fitted, 0)
    assert np.array_equal(viewer.pixels(), plain)
    site.page.keyboard.press("f")
    site.page.wait_for_function("document.fullscreenElement !== null")
    expect(viewer.stage).to_be_focused()
    site.page.keyboard.press("f")
    site.page.wait_for_function("document.fullscreenElement === null")

    # A browser that is busy with leaving the full screen may still take the focus away.
    viewer.stage.press("Tab")
    expect(viewer.tool("Drag to move the image")).to_be_focused()
    site.page.keyboard.press("End")
    expect(viewer.tool("Full screen")).to_be_focused()
    site.page.keyboard.press("Home")
    site.page.keyboard.press("ArrowRight")
    site.page.keyboard.press("Enter")
    expect(viewer.tool("Drag to change brightness and contrast")).to_have_attribute("aria-pressed", "true")
    site.page.keyboard.press("Tab")
    expect(site.page.get_by_label("Brightness window")).to_be_focused()


def test_measures_in_pixels_where_no_spacing_is_known(site: Site, viewer: Viewer):
    site.open().choose(images.mri())
    viewer.pixels()
    scale = viewer.zoom() / 100
    viewer.tool("Drag to measure").click()
    viewer.drag((60, 80))

    lengths = site.page.get_by_test_id("lengths")
    found = float(re.search(r"([\d.]+)\s*px", lengths.inner_text())[1])
    assert found == pytest.approx(100 / scale, rel=0.02)
    expect(site.page.get_by_test_id("announcer")).to_contain_text("Measured")
    site.button("Remove the lengths").click()
    expect(lengths).to_have_count(0)


def test_two_fingers_zoom_and_one_scrolls_the_page(site: Site, viewer: Viewer):
    site.page.set_viewport_size(_SCREENS["phone"])
    site.open().choose(images.mri())
    viewer.pixels()
    expect(viewer.stage).to_have_css("touch-action", "pan-y")
    fitted = viewer.zoom()
    viewer.stage.scroll_into_view_if_needed()
    box = viewer.stage.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = site.page.context.new_cdp_session(site.page)

    def fingers(kind: str, *spread: int) -> None:
        points = [{"x": x + way * distance, "y": y, "id": id} for distance in spread for id, way in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 20)
    for distance in (30, 40, 60):
        fingers("touchMove", distance)
    fingers("touchEnd")

    assert viewer.zoom() == pytest.approx(3 * fitted, rel=0.05)
    expect(viewer.stage).to_have_css("touch-action", "none")


@pytest.mark.parametrize("screen", _SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_result_and_main_button_are_on_the_first_screen(
    wallet: InjectedWallet, site: Site, viewer: Viewer, screen: str, scheme: Any, pytestconfig: pytest.Config
):
    page = site.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(_SCREENS[screen])
    folder = Path(pytestconfig.getoption("--output"))
    site.open().choose(images.mri())
    viewer.pixels()
    page.screenshot(path=folder / f"viewer-chosen-{screen}-{scheme}.png")
    _expect_on_screen(page, site.button("Pin and classify"))
    site.button("Pin and classify").click()
    expect(site.button("Connect MetaMask")).to_be_visible()
    viewer.pixels()
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=folder / f"viewer-result-{screen}-{scheme}.png")
    page.screenshot(path=folder / f"viewer-result-{screen}-{scheme}-full.png", full_page=True)
    _expect_on_screen(page, page.get_by_test_id("result-label"))
    _expect_on_screen(page, site.button("Connect MetaMask"))
    assert page.evaluate("document.documentElement.scrollWidth") <= _SCREENS[screen]["width"]
    assert serious_violations(page) == []


def test_a_record_shows_its_image_in_the_viewer(site: Site, viewer: Viewer):
    image = images.mri()
    image_id, _ = make_record(site.product, image)
    site.open(f"/records/{image_id}")

    assert np.array_equal(viewer.pixels(), np.asarray(Image.open(io.BytesIO(image)).convert("L")))
    expect(site.page.get_by_role("img", name="The recorded image")).to_be_visible()


def test_two_records_are_shown_side_by_side_and_moved_together(site: Site):
    (one, _), (other, _) = (make_record(site.product, images.mri()) for _ in range(2))
    site.open(f"/records/{one}")
    site.page.get_by_label("Image id of the other record").fill(other)
    site.button("Show both").click()
    expect(site.page).to_have_url(re.compile(f"with={other}"))
    columns = site.page.get_by_test_id("compared")
    expect(columns).to_have_count(2)
    expect(columns.locator("canvas")).to_have_count(2)
    stages = columns.get_by_role("group", name=re.compile("^Viewer: "))

    stages.first.focus()
    site.page.keyboard.press("+")

    shown = columns.get_by_test_id("shown")
    expect(shown.last).to_have_text(shown.first.inner_text())
    site.page.get_by_label("Move both together").uncheck()
    before = shown.last.inner_text()
    site.page.keyboard.press("Tab")
    stages.first.focus()
    site.page.keyboard.press("+")
    expect(shown.first).not_to_have_text(before)
    expect(shown.last).to_have_text(before)
    assert serious_violations(site.page) == []


def test_a_viewer_that_cannot_be_loaded_says_so(site: Site, console: Console):
    console.tolerate("status of 404", "Failed to load resource", "net::ERR_FAILED")
    site.page.route("**/assets/sp-stack-*", lambda route: route.abort())
    site.open().choose(images.mri())

    expect(site.page.get_by_text("The viewer could not be loaded. Reload the page.")).to_be_visible()
    expect(site.button("Pin and classify")).to_be_visible()


def _expect_on_screen(page: Page, part: Locator) -> None:
    box = part.bounding_box()
    height = page.viewport_size["height"]
    assert box["y"] >= 0 and box["y"] + box["height"] <= height, f"{part} is at {box}, below {height}"
