"""A foreign web page in the same browser can neither read the embedded chain nor write to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.support.product import Product

ADMIN = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
ASK = """async ([url, call, options]) => {
    try {
        const answer = await fetch(url, { method: "POST", body: JSON.stringify(call), ...options });
        return answer.type === "opaque" ? "opaque" : await answer.text();
    } catch (error) {
        return "refused";
    }
}"""
FORM = """([url, call]) => {
    const form = document.createElement("form");
    form.method = "POST"; form.enctype = "text/plain"; form.action = url; form.target = "hidden";
    const field = document.createElement("input");
    field.name = JSON.stringify(call).slice(0, -1) + ',"x":"'; field.value = '"}';
    const frame = document.createElement("iframe"); frame.name = "hidden";
    form.append(field); document.body.append(frame, form);
    return new Promise((done) => { frame.onload = () => done("sent"); form.submit(); });
}"""


class BlankPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>Foreign</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def foreign(context: BrowserContext) -> Iterator[Page]:
    """A page of another origin on the same machine, which browsers hinder least."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BlankPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    yield page
    page.close()
    server.shutdown()
    server.server_close()


@pytest.fixture
def console() -> None:
    """Refusals are what the tests here provoke, and the browser reports each."""


@pytest.mark.parametrize("options", [{}, {"mode": "no-cors"}])
@pytest.mark.parametrize("kind", ["text/plain", "application/json", None])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_foreign_page_neither_reads_nor_writes(
    product: Product, foreign: Page, options: dict[str, object], kind: str | None, host: str
) -> None:
    url = product.chain.rpc_url.replace("127.0.0.1", host)
    headers = {"headers": {"Content-Type": kind}} if kind else {}
    before = product.chain.call("eth_blockNumber", [])
    for method, params in (
        ("eth_chainId", []),
        ("evm_mine", []),
        ("eth_sendTransaction", [{"from": ADMIN, "to": ADMIN, "value": "0x1"}]),
    ):
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        assert foreign.evaluate(ASK, [url, call, {**options, **headers}]) in ("refused", "opaque")
    assert product.chain.call("eth_blockNumber", []) == before


def test_a_form_of_a_foreign_page_writes_nothing(product: Product, foreign: Page) -> None:
    before = product.chain.call("eth_blockNumber", [])
    call = {"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []}
    assert foreign.evaluate(FORM, [product.chain.rpc_url, call]) == "sent"
    assert product.chain.call("eth_blockNumber", []) == before


def test_what_refuses_the_foreign_page_lets_the_own_page_through(product: Product, browser: Browser) -> None:
    """Without the policy of the page, which allows it no request to another port."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(product.url)
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    headers = {"headers": {"Content-Type": "application/json"}}
    assert '"0x539"' in page.evaluate(ASK, [product.chain.rpc_url, call, headers])
    context.close()
