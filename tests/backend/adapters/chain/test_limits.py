"""Refusals as providers word them: what they say of blocks, of a rate, of a method."""

from __future__ import annotations

import pytest

from backend.adapters.chain.limits import Width, named_blocks
from backend.adapters.chain.rpc import MethodMissing, _is_rate_limit, _named_pause, refusal


@pytest.mark.parametrize(
    ("message", "blocks"),
    [
        ("block range is too large, max is 10 blocks", 10),
        ("eth_getLogs is limited to a 1,000 range", 1000),
        ("eth_getLogs is limited to a 5 range, upgrade from free plan", 5),
        ("eth_getLogs and eth_newFilter are limited to a 2,000 blocks range", 2000),
        ("You can make eth_getLogs requests with up to a 2K block range and no limit on the response size", 2000),
        ("Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range.", 10),
        ("Based on your parameters, this block range should work: [0x64, 0x6d]", 10),
        ("requested too many blocks from 100 to 3099, maximum is set to 2048", 2048),
        ("maximum [from, to] blocks distance: 2000", 2000),
        ("exceed maximum block range: 0x32", 50),
        ("Invalid eth_getLogs request. 'fromBlock'-'toBlock' range too large. Max range: 800", 800),
        ("ranges over 1000 blocks are not supported on freetier", 1000),
        ("block range too large, range: 3000, max: 500", 500),
        ("exceeds the range allowed for your plan (3000 > 10)", 10),
        ("query returned more than 1000 results", None),
        ("block range is too wide", None),
        ("range too large, allowed are 5000 blocks", None),
        ("", None),
    ],
)
def test_the_number_of_blocks_that_a_refusal_names(message, blocks):
    assert named_blocks(message, first=100, last=3099) == blocks


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32005, "project ID request rate exceeded"),
        (-32005, "daily request count exceeded, request rate limited"),
        (-32005, "limit exceeded"),
        (-32005, ""),
        (-32097, "no"),
        (429, "Your app has exceeded its compute units per second capacity"),
        (-32007, "50/second request limit reached - reduce calls per second"),
        (-32016, "over rate limit"),
        (-32000, "Too Many Requests"),
        (-32603, "You reached the free tier quota"),
        (-32000, "too many batch calls: rate limit exceeded"),
        ("-32097", "as text"),
        (-32029, "no"),
        (-32000, "exceeded your throughput"),
        (-32000, "You have exceeded your throughput limit"),
        (-32000, "exceeded its compute units per second capacity"),
        (-32603, "compute units per second"),
        (-32603, "capacity exceeded"),
        (-32000, "Your app has exceeded its concurrent requests capacity."),
        (-32000, "Monthly capacity limit exceeded. Upgrade your scaling policy for continued service."),
        (-32012, "credits limited to 6000/sec"),
        (-32005, "You've exceeded the RPS limit available on the current plan."),
        (-32000, "Too many CUs, please try again in a second"),
        (-32000, "ran out of CU"),
        (-32000, '429 Too Many Requests: {"error":{"code":-32016,"message":"over rate limit"}}'),
        (-32001, "Exceeded the quota usage"),
        (-32000, "API key limit exceeded"),
        (-32000, "request limit exceeded"),
        (-32000, "maximum number of requests reached"),
        (-32000, "You used all your requests"),
        (-32000, "server is busy, please wait a few seconds"),
        (-32000, "node overloaded"),
        (-32000, "eth_getLogs: requests throttled, block range is fine"),
        (-32000, "too many requests for this block range, 5 requests per second"),
        (None, "TooManyRequests"),
    ],
)
def test_too_many_requests_in_whatever_words(code, message):
    assert _is_rate_limit({"code": code, "message": message})


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32005, "query returned more than 10000 results"),
        (-32005, "Requested range exceeds maximum RPC range limit"),
        (-32005, "Too many logs requested. Max logs per response is 20000."),
        (-32005, "query timeout exceeded"),
        (-32602, "query exceeds max results 20000, retry with the range 0-100"),
        (-32000, "block range too large, try again in smaller parts"),
        (-32600, "batch size limit exceeded"),
        (-32600, "Too many requests in batch, max 20"),
        (-32000, "eth_getLogs is limited to a 5 range, upgrade from free plan"),
        (-32600, "Under the Free tier plan, you can make eth_getLogs requests with up to a 10 block range."),
        (-32000, "the block range exceeds the capacity of your monthly plan: at most 10 blocks"),
        (-32005, "exceeded the maximum number of results per request"),
        (-32000, "requested too many blocks from 100 to 3099, maximum is set to 2048"),
        (35, "ranges over 10000 blocks are not supported on freetier"),
        (-32000, "response size should not be greater than 10000000 bytes"),
        (-32000, "nonce too low"),
        (-32000, "exceeds block gas limit"),
        (-32000, "insufficient funds for gas * price + value"),
        (3, "execution reverted: NotUploader"),
        (-32000, "transaction underpriced: tip needed 1, tip permitted 1"),
        (None, None),
    ],
)
def test_other_limits_are_not_taken_for_a_rate(code, message):
    assert not _is_rate_limit({"code": code, "message": message})


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        ({"code": -32005, "message": "slow", "data": {"rate": {"backoff_seconds": 30}}}, 30),
        ({"code": -32005, "message": "rate limited, retry after 7s"}, 7),
        ({"code": -32005, "message": "rate limited, try again in 500ms"}, 0.5),
        ({"code": -32005, "message": "rate limited, try again in 2 min"}, 120),
        ({"code": -32005, "message": "rate limited", "data": []}, None),
        ({"code": -32005, "message": "slow", "data": {"allowed_rps": 10.0, "backoff_seconds": 30.0}}, 30),
        ("too many requests", None),
    ],
)
def test_the_pause_that_an_error_names(error, seconds):
    assert _named_pause(error) == seconds


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32601, "message": "no"},
        {"code": -32000, "message": "the method eth_getBlockReceipts does not exist/is not available"},
        {"code": -32000, "message": "Method eth_getBlockReceipts not supported."},
    ],
)
def test_a_method_that_the_node_does_not_have(error):
    assert isinstance(refusal(error), MethodMissing)


def test_a_width_is_halved_doubled_and_then_seldom_tried():
    """A node that takes ten: few requests of three thousand blocks, ten at a time, are refused."""
    width, refused, read = Width(), 0, 0
    while read < 3000:
        asked = width.of(3000 - read)
        if asked > 10:
            refused += 1
            width.refused(asked)
        else:
            width.accepted(asked)
            read += asked
    assert refused <= 20
    assert width.of(3000) == 10


def test_a_named_width_is_taken_at_once_and_kept():
    width = Width()
    width.refused(3000, named=10)
    assert width.of(3000) == 10
    for _ in range(900):
        width.accepted(10)
    assert width.of(3000) == 10
    width.refused(10, named=50)
    assert width.of(3000) == 5
