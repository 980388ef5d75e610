"""The connection to an Ethereum node; web3's and requests' errors stop here.

The address of a node may hold an API key, so it shows in no message: errors are raised ``from None``, and the
libraries that log addresses at level DEBUG are kept above it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

import requests
import urllib3
from web3 import HTTPProvider, Web3
from web3.exceptions import BadResponseFormat, BlockNotFound, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCResponse

from backend.errors import ChainUnavailable

TIMEOUT_S = (3.05, 20.0)
"""Seconds to connect and between two bytes of an answer."""

for _name in ("web3", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.INFO)


class RangeRefused(ChainUnavailable):
    """The node answered, but refused or failed this very request: a smaller one may pass."""


def connect(url: str, *, retries: int = 2) -> Web3:
    """A client for the node at ``url``; nothing is sent yet. Only reading requests are repeated."""
    retry = ExceptionRetryConfiguration(errors=(requests.ConnectionError, requests.HTTPError), retries=retries)
    provider = HTTPProvider(url, request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=retry)
    web3 = Web3(provider)
    # Blocks of proof-of-authority chains, Polygon's among them, carry more extra data than web3 accepts by itself.
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return web3


class RateLimited(ChainUnavailable):
    """The node wants fewer requests, whatever their size; ``retry_after`` in seconds, None when it does not say."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("the node answered with HTTP 429: too many requests")
        self.retry_after = retry_after


def ask(web3: Web3, method: str, *parameters: object) -> Any:
    """The node's answer as JSON has it, without web3's costly conversions. Raises ChainUnavailable."""
    with translated():
        return _result(web3.provider.make_request(method, parameters))


def ask_many(web3: Web3, method: str, parameters: Sequence[Sequence[object]]) -> list[Any]:
    """As ``ask``, with many questions in one request (JSON-RPC 2.0, 6), or one by one where the node refuses that."""
    with translated():
        answers = cast(HTTPProvider, web3.provider).make_batch_request([(method, each) for each in parameters])
        if isinstance(answers, list) and len(answers) == len(parameters):
            return [_result(answer) for answer in answers]
    return [ask(web3, method, *each) for each in parameters]


def _result(answer: RPCResponse) -> Any:
    if "error" in answer:
        raise Web3RPCError(str(answer["error"]), rpc_response=answer)
    return answer["result"]


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of the client into ChainUnavailable, without the node's address in it."""
    try:
        yield
    except requests.Timeout:
        raise RangeRefused("the node did not answer in time") from None
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "an error"
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(_retry_after(error.response)) from None
        raise RangeRefused(f"the node answered with HTTP {status}") from None
    except requests.RequestException as error:
        raise ChainUnavailable(f"the node cannot be reached ({type(error).__name__})") from None
    except BlockNotFound:
        raise ChainUnavailable("the chain was reorganised while it was read: try again") from None
    except Web3RPCError as error:
        raise RangeRefused(f"the node refused the request: {rpc_message(error)}") from None
    except (BadResponseFormat, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ChainUnavailable(f"the node's answer is not an Ethereum node's ({type(error).__name__})") from None
    except Web3Exception as error:
        raise ChainUnavailable(f"the node's answer cannot be used ({type(error).__name__})") from None


def _retry_after(response: requests.Response) -> float | None:
    """A number or a date (RFC 9110, 10.2.3)."""
    try:
        return urllib3.Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, urllib3.exceptions.InvalidHeader):
        return None


def rpc_message(error: Web3RPCError) -> str:
    """The node's own words, shortened."""
    answer = (error.rpc_response or {}).get("error")
    text = answer.get("message", "") if isinstance(answer, dict) else str(answer)
    return text[:200] or "no reason given"


def chain_id_of(url: str) -> int:
    """The id of the chain that the node at ``url`` serves. Raises ChainUnavailable."""
    with translated():
        return connect(url).eth.chain_id
