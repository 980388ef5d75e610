"""The networks side by side at `/models`."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.support.site import Site


def test_a_network_that_was_given_no_weights_to_begin_with_is_marked(site: Site):
    results = site.product.get("/results")["results"]
    rows = {
        (each["data"]["name"], each["network"]["name"], each["recipe"]["name"]): each["network"] for each in results
    }
    random = [network for network in rows.values() if network["frozen_backbone"] and not network["weights"]]

    site.open("/models")

    table = site.page.get_by_test_id("network")
    expect(table).to_have_count(len(rows))
    expect(table.filter(has_text="backbone frozen at random weights")).to_have_count(len(random))
    assert 0 < len(random) < len(rows)


def test_a_model_tells_how_it_does_on_images_of_which_training_has_no_copy(site: Site):
    (model,) = [known for known in site.product.get("/models")["models"] if known["default"]]
    whole, unseen = model["metrics"]["test"], model["metrics"]["test_apart"]

    site.open("/models")

    shown = site.page.get_by_test_id("model").first.locator("dl.figures > div")
    expect(shown.filter(has=site.page.get_by_text("Accuracy", exact=True))).to_contain_text(
        f"{whole['accuracy']:.1%}"[:4]
    )
    without = shown.filter(has_text="Accuracy without copies")
    expect(without).to_contain_text(f"{unseen['accuracy']:.1%}"[:4])
    expect(without).to_contain_text(f"on the {unseen['images']} test images without a copy in training")
