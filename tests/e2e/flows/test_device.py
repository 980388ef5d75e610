"""Classification on this device: the server's answer without the image leaving the page."""

from __future__ import annotations

import re

from playwright.sync_api import Request, expect

from ml.inference.registry import Registry
from tests.e2e.support import images
from tests.e2e.support.console import Console
from tests.e2e.support.device import answer_of
from tests.e2e.support.site import Site

_LOADED_WITHIN_MS = 60_000
_MODEL_FILES = re.compile(r"/api/v1/models(/0x[0-9a-f]{64}/files/[\w.]+)?$|/assets/[\w.-]+$")


def test_the_device_answers_as_the_server_and_only_loads_files_of_models(site: Site):
    image = images.mri()
    site.open().choose(image)
    expect(site.button("Classify on this device")).to_be_visible()
    asked: list[Request] = []

    def hear(request: Request) -> None:
        # An address of the page's own memory, as of the preview, leads nowhere else.
        if not request.url.startswith(("blob:", "data:")):
            asked.append(request)

    site.page.context.on("request", hear)

    site.press("Classify on this device")
    expect(site.page.get_by_test_id("device-notice")).to_contain_text("Not attested.", timeout=_LOADED_WITHIN_MS)
    if site.page.get_by_test_id("result-label").inner_text() != "No tumour":
        expect(site.page.get_by_test_id("device-outline")).to_be_visible(timeout=_LOADED_WITHIN_MS)
    site.page.context.remove_listener("request", hear)

    assert {(each.method, each.post_data_buffer) for each in asked} == {("GET", None)}
    assert [each.url for each in asked if not _MODEL_FILES.search(each.url)] == []
    assert sum(each.url.endswith("model.tflite") for each in asked) >= 2
    shown = [site.page.get_by_test_id(name).inner_text() for name in ("result-label", "result-confidence")]
    expect(site.page.get_by_alt_text("Activation map")).to_be_attached()

    site.button("Pin and classify").click()
    expect(site.heading("Result")).to_be_visible()
    assert shown == [site.page.get_by_test_id(name).inner_text() for name in ("result-label", "result-confidence")]


def test_every_answer_of_the_device_is_python_s(site: Site):
    site.open()
    for image in (images.mri(), images.deep_mri(), images.with_metadata(images.mri()), images.noise()):
        expected, found = Registry().for_image(image).predict(image), answer_of(site.page, image)

        assert (found["label"], found["reason"]) == (expected.label, expected.reason)
        assert found["probabilities"].keys() == expected.probabilities.keys()
        for label, probability in expected.probabilities.items():
            assert abs(found["probabilities"][label] - probability) < 1e-4
        assert found["drawn"] is not expected.abstained


def test_a_file_of_a_model_that_was_changed_is_not_used(site: Site, console: Console):
    site.page.context.route("**/files/metadata.json", lambda route: route.fulfill(body="{}"))
    site.open().choose(images.mri())
    site.button("Classify on this device").click()

    expect(site.notice("not-on-device")).to_contain_text("It was not used.", timeout=_LOADED_WITHIN_MS)
    expect(site.button("Try again on this device")).to_be_enabled()
    expect(site.button("Pin and classify")).to_be_enabled()
