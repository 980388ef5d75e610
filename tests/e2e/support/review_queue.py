"""What a person finds on the page of reviews."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.e2e.support.site import Site


def items(site: Site, image_id: str) -> Locator:
    return site.page.get_by_test_id("queued").filter(has_text=image_id[2:8])


def folded(site: Site, image_id: str) -> Locator:
    """The diagnosis of that image, further down in the queue when other tests have left many."""
    item, more = items(site, image_id), site.button("Show more")
    expect(item.or_(more).first).to_be_visible()
    while item.count() == 0:
        more.click()
        expect(site.page.get_by_text("Loading …")).to_have_count(0)
    return item


def opened(site: Site, image_id: str) -> Locator:
    item = folded(site, image_id)
    item.locator("summary").click()
    expect(item.locator("dl").first).to_be_visible()
    return item


def kept(site: Site, phase: str) -> Locator:
    return site.page.locator(f"[data-testid=pending-review][data-phase={phase}]")
