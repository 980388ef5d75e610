"""A stack of slices: scrolled, played, with thumbnails; each slice with the view of the one before."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.support.axe import serious_violations
from tests.e2e.support.dicom import multi_frame
from tests.e2e.support.site import Site
from tests.e2e.support.viewer import Viewer

FRAMES = 6


def open_stack(site: Site, viewer: Viewer) -> None:
    """Frames whose grey is ten times their number."""
    site.open().choose(multi_frame(FRAMES), name="IM000001", media_type="")
    expect(site.page.get_by_test_id("stack-place")).to_have_text(f"Slice 1 of {FRAMES}")
    assert viewer.pixels().max() == 10


def test_a_file_with_several_frames_is_scrolled_by_keys_slider_wheel_and_thumbnails(site: Site, viewer: Viewer):
    open_stack(site, viewer)
    place = site.page.get_by_test_id("stack-place")
    viewer.stage.focus()
    site.page.keyboard.press("+")
    site.page.keyboard.press("PageDown")
    expect(place).to_have_text("Slice 2 of 6")
    zoomed = viewer.zoom()
    site.page.keyboard.press("End")
    expect(place).to_have_text("Slice 6 of 6")
    site.page.wait_for_function(_GREY, arg=60)
    assert viewer.zoom() == zoomed, "the view is kept"
    site.page.mouse.wheel(0, 0)
    viewer.stage.hover()
    viewer.stage.focus()
    site.page.mouse.wheel(0, -120)
    expect(place).to_have_text("Slice 4 of 6")
    site.page.get_by_role("slider", name="Slice", exact=True).fill("3")
    expect(place).to_have_text("Slice 3 of 6")
    site.button("Next slice").click()
    expect(place).to_have_text("Slice 4 of 6")
    site.button("Slice 1").click()
    expect(place).to_have_text("Slice 1 of 6")
    expect(site.button("Slice 1")).to_have_attribute("aria-current", "true")
    expect(site.button("Previous slice")).to_be_disabled()
    site.page.wait_for_function(_GREY, arg=10)


@pytest.mark.parametrize(("screen", "scheme"), [((1440, 900), "dark"), ((390, 844), "light")])
def test_a_stack_fits_every_screen(site: Site, viewer: Viewer, screen: tuple[int, int], scheme: Any, pytestconfig: Any):
    width, height = screen
    site.page.emulate_media(color_scheme=scheme)
    site.page.set_viewport_size({"width": width, "height": height})
    open_stack(site, viewer)
    site.page.screenshot(path=f"{pytestconfig.getoption('--output')}/stack-{width}-{scheme}.png", full_page=True)

    assert site.page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious_violations(site.page) == []


def test_slices_are_played_until_they_are_stopped(site: Site, viewer: Viewer):
    open_stack(site, viewer)
    site.page.get_by_label("Slices a second").select_option("20")
    site.button("Play the slices").click()
    expect(site.page.get_by_test_id("stack-place")).to_have_text("Slice 5 of 6")
    site.page.wait_for_function(_GREY, arg=10)

    site.button("Stop").click()
    expect(site.button("Play the slices")).to_be_visible()


_GREY = """grey => {
  const find = (root) => [...root.querySelectorAll("*")].flatMap((node) =>
    node.matches("canvas[role=img]") ? [node] : node.shadowRoot ? find(node.shadowRoot) : []);
  const [canvas] = find(document);
  return canvas?.getContext("2d").getImageData(0, 0, 1, 1).data[0] === grey;
}"""
