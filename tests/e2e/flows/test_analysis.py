"""What is shown beside a result: how the image was analysed, what to do next, where a tumour is outlined."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.site import Site
from tests.e2e.wallet.wallet import InjectedWallet

STEPS = ["Original", "Resized", "Grey", "Bilateral filter", "Statistics", "Texture (GLCM)", "Otsu threshold"]


def open_analysis(site: Site) -> None:
    site.heading("How the image was analysed").click()


def test_analysis_is_loaded_when_it_is_opened(site: Site):
    asked: list[str] = []
    site.page.on("request", lambda request: asked.append(request.url))
    site.open().pin_and_classify(images.mri())
    steps = site.page.get_by_test_id("analysis-step")
    expect(steps).to_have_count(0)
    assert not [url for url in asked if url.endswith("/analysis")]

    open_analysis(site)

    expect(steps).to_have_count(8)
    for name in (*STEPS, "Brightest region"):
        expect(site.heading(name)).to_be_visible()
    for picture in steps.get_by_role("img").all():
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0
    correlation = site.page.get_by_role("row", name=re.compile("^Correlation"))
    expect(correlation).to_contain_text(re.compile(r"0\.\d{3}"))
    open_analysis(site)
    expect(steps).to_have_count(0)


def test_analysis_that_fails_can_be_tried_again(site: Site, console: Console):
    console.tolerate("status of 503")
    site.open().pin_and_classify(images.mri())
    problem = {"type": "urn:scanproof:problem:storage-unavailable", "title": "The image store cannot be reached"}
    site.page.route("**/analysis", lambda route: route.fulfill(status=503, json=problem))
    open_analysis(site)
    expect(site.notice("problem")).to_contain_text("The image store cannot be reached")

    site.page.unroute("**/analysis")
    site.button("Try again").click()

    expect(site.page.get_by_test_id("analysis-step")).to_have_count(8)


def test_next_steps_name_their_sources(site: Site):
    site.open().pin_and_classify(images.mri())

    sources = site.page.get_by_test_id("next-steps").get_by_role("link")

    expect(sources.first).to_have_attribute("href", re.compile("^https://"))
    expect(sources.first).to_have_attribute("rel", "noopener noreferrer")


def test_an_outline_is_drawn_where_the_image_is_and_can_be_hidden(site: Site):
    """With an answer of the server's shape: whether this image has an outline is the models' matter."""
    model = {"name": "tumour-outline", "version": "1.0.0", "sha256": "0" * 64, "modality": "brain-mri"}
    answer = {
        "outlined": True,
        "reason": None,
        "area": {"pixels": 2500, "share": 0.125},
        "probability": 0.9,
        "contours": [[[10, 10], [60, 10], [60, 60], [10, 60]]],
        "model": model,
        "links": {},
    }
    site.page.route("**/outline?*", lambda route: route.fulfill(json=answer))
    site.open().pin_and_classify(images.mri())

    outline = site.page.get_by_test_id("outline")
    expect(outline).to_be_visible()
    expect(site.page.get_by_test_id("result-outline")).to_contain_text("2,500 pixels of this slice, 12.5 % of the head")
    site.page.get_by_label("Show the tumour outline").uncheck()
    expect(outline).to_have_count(0)


def test_without_an_outline_there_is_no_toggle(site: Site, console: Console):
    console.tolerate("status of 404")
    site.page.route("**/outline?*", lambda route: route.fulfill(status=404, json={"title": "Not found"}))
    site.open().pin_and_classify(images.mri())

    expect(site.page.get_by_label("Show the activation map")).to_be_visible()
    expect(site.page.get_by_label("Show the tumour outline")).to_have_count(0)


def test_a_record_shows_the_analysis_of_its_image(wallet: InjectedWallet, site: Site):
    image_id = site.record(images.mri())
    site.open(f"/records/{image_id}")
    # What loads above the heading moves it away from under a click.
    site.page.wait_for_load_state("networkidle")

    open_analysis(site)

    expect(site.page.get_by_test_id("analysis-step")).to_have_count(8)
    expect(site.page.get_by_test_id("analysis-figure").first).to_be_visible()
