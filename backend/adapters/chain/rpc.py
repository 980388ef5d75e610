"""The connection to an Ethereum node; web3's and requests' errors stop here.

A node's URL may contain an API key, so no message shows it: errors are raised ``from None``, and libraries that log
URLs at level DEBUG do not log at that level.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, cast

import requests
import urllib3
from web3 import HTTPProvider, Web3
from web3.exceptions import BadResponseFormat, BlockNotFound, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.rpc.utils import ExceptionRetryConfiguration
from web3.types import RPCEndpoint, RPCResponse

from backend.errors import ChainUnavailable
from backend.settings import Secret, reveal

JsonObject = Mapping[str, Any]
"""An object of a node's answer. Nothing of it is checked yet: read it within ``translated``."""
TIMEOUT_S = (3.05, 20.0)
"""Seconds to connect, and between two bytes of an answer."""

for _name in ("web3", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.INFO)


class RangeRefused(ChainUnavailable):
    """The node refused or failed this request: one for fewer blocks may succeed."""


def connect(url: Secret | str, *, retries: int = 2) -> Web3:
    """A client for the node at ``url``; sends nothing yet. Only reading requests are retried."""
    retry = ExceptionRetryConfiguration(errors=(requests.ConnectionError, requests.HTTPError), retries=retries)
    provider = HTTPProvider(reveal(url), request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=retry)
    web3 = Web3(provider)
    # Blocks of proof-of-authority chains such as Polygon have more extra data than web3 accepts by default.
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return web3


class RateLimited(ChainUnavailable):
    """The node wants fewer requests of any size; ``retry_after`` in seconds, None when the node gives no time."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("the node answered with HTTP 429: too many requests")
        self.retry_after = retry_after


def ask(web3: Web3, method: str, *parameters: object) -> Any:
    """The JSON result of a request, without web3's slow conversions. Raises ChainUnavailable."""
    with translated():
        return _result(web3.provider.make_request(RPCEndpoint(method), parameters))


def ask_many(web3: Web3, method: str, parameters: Sequence[Sequence[object]]) -> list[Any]:
    """As ``ask``, many requests in one batch (JSON-RPC 2.0, 6), or one by one if the node refuses batches."""
    with translated():
        requests_ = [(RPCEndpoint(method), each) for each in parameters]
        answers = cast(HTTPProvider, web3.provider).make_batch_request(requests_)
        if isinstance(answers, list) and len(answers) == len(parameters):
            return [_result(answer) for answer in answers]
    return [ask(web3, method, *each) for each in parameters]


def _result(answer: RPCResponse) -> Any:
    if "error" in answer:
        raise Web3RPCError(str(answer["error"]), rpc_response=answer)
    return answer["result"]


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of the client into ChainUnavailable, without the node's URL in it."""
    try:
        yield
    except requests.Timeout:
        raise RangeRefused("the node did not answer in time") from None
    except requests.HTTPError as error:
        response = error.response
        if response is not None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise RateLimited(_retry_after(response)) from None
        status = "an error" if response is None else response.status_code
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
        seconds: float = urllib3.Retry().parse_retry_after(response.headers["Retry-After"])
    except (KeyError, urllib3.exceptions.InvalidHeader):
        return None
    return seconds


def rpc_message(error: Web3RPCError) -> str:
    """The node's message, shortened."""
    answer: object = error.rpc_response.get("error") if error.rpc_response else None
    message = answer.get("message") if isinstance(answer, dict) else answer
    return str(message or "no reason given")[:200]


def chain_id_of(url: Secret | str) -> int:
    """The id of the chain that the node at ``url`` serves. Raises ChainUnavailable."""
    with translated():
        return connect(url).eth.chain_id
