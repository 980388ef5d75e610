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
