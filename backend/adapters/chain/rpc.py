"""The connection to an Ethereum node; web3's and requests' errors stop here.

A node's URL may contain an API key, so no message shows it: errors are raised ``from None``, and libraries that log
URLs at level DEBUG do not log at that level.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast

import urllib3
from web3 import HTTPProvider, Web3
from web3.exceptions import BadResponseFormat, BlockNotFound, Web3Exception, Web3RPCError
from web3.middleware import ExtraDataToPOAMiddleware
from web3.types import RPCEndpoint, RPCResponse

from backend.adapters.chain.http_node import AnswerBroken, AnswerTimeout, AnswerTooLarge, HttpAnswer, HttpNode
from backend.adapters.chain.limits import BATCH, NodeLimits, limits_of
from backend.deadlines import remaining
from backend.errors import ChainUnavailable
from backend.settings import Secret, reveal

JsonObject = Mapping[str, Any]
"""An object of a node's answer. Nothing of it is checked yet: read it within ``translated``."""
_ATTEMPTS = 2
"""How often a reading request is sent while the connection breaks or the node fails with HTTP 5xx."""
_ATTEMPT_PAUSE_S = 0.125
_PAUSES = 3
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 10.0
_SHOWN_CHARACTERS = 200
_READ_CHARACTERS = 2000

for _name in ("web3", "urllib3.connectionpool"):
    logging.getLogger(_name).setLevel(logging.INFO)


class RangeRefused(ChainUnavailable):
    """The node refused or failed this request: one for fewer blocks, or fewer requests at once, may succeed.

    ``said`` is the node's message, longer than the one that is shown.
    """

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class MethodMissing(RangeRefused):
    """The node does not have this method."""


class RateLimited(ChainUnavailable):
    """The node wants fewer requests of any size; ``named`` are the seconds that it says to wait, None when it does not
    say."""

    title = "The node limits its rate"

    def __init__(self, named: float | None, how: str = "with HTTP 429") -> None:
        seconds = _LONGEST_PAUSE_S if named is None else max(1.0, named)
        super().__init__(f"the node answered {how}: too many requests, try again in {math.ceil(seconds)} s")
        self.named = named
        self.retry_after = seconds


class NodeProvider(HTTPProvider):
    """web3's provider, with time limits, pauses and the limits of the node as far as they are known."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._node = HttpNode(url)
        self.limits: NodeLimits = limits_of(url)

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """One request, repeated after a pause while the node is asked too often.

        Raises RateLimited, RangeRefused, ChainUnavailable.
        """
        return self.dated_request(method, params)[0]

    def dated_request(self, method: RPCEndpoint, params: Any) -> tuple[RPCResponse, str | None]:
        """As ``make_request``, with the Date of the HTTP answer."""
        body = self.encode_rpc_request(method, params)
        for pauses in range(_PAUSES + 1):
            try:
                answer, date = self._request(body, attempts=_ATTEMPTS if _repeatable(method) else 1)
                if not isinstance(answer, dict):
                    raise BadResponseFormat("expected one answer to one request")
                if answer.get("error") is None:
                    answer.pop("error", None)
                return cast(RPCResponse, answer), date
            except RateLimited as error:
                if pauses == _PAUSES:
                    raise
                _pause(error, pauses)
        raise AssertionError("the last pause raises")

    def batch(self, method: str, parameters: Sequence[Sequence[object]]) -> list[JsonObject | None]:
        """The answers of one batch (JSON-RPC 2.0, 6) in the order of ``parameters``; None for each that is missing.

        Raises RateLimited, RangeRefused when the node refuses the batch as a whole, AnswerBroken when it closes the
        connection or answers with no JSON, ChainUnavailable.
        """
        calls = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(each)}
            for number, each in enumerate(parameters)
        ]
        answers, _ = self._request(json.dumps(calls).encode(), attempts=_ATTEMPTS, failed_status=False)
        if not isinstance(answers, list):
            raise refusal(answers.get("error") if isinstance(answers, dict) else None)
        by_id: dict[object, JsonObject] = {}
        for answer in answers:
            if isinstance(answer, dict) and isinstance(answer.get("id"), int | str):
                by_id.setdefault(answer["id"], answer)
        return [by_id.get(number) for number in range(len(calls))]

    def _request(self, body: bytes, *, attempts: int, failed_status: bool = True) -> tuple[Any, str | None]:
        """JSON and Date of the answer, whatever its status; repeated while the connection breaks, and after HTTP 5xx
        with ``failed_status``. An error that says "too many requests" raises RateLimited."""
        for attempt in range(attempts):
            if attempt:
                time.sleep(_ATTEMPT_PAUSE_S)
            last = attempt == attempts - 1
            try:
                answer = self._node.post(body)
            except (AnswerTimeout, AnswerTooLarge) as error:
                raise RangeRefused(str(error)) from None
            except ChainUnavailable:
                if last:
                    raise
                continue
            failed = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR and "Retry-After" not in answer.headers
            if last or not (failed and failed_status):
                return _json(answer), answer.headers.get("Date")
        raise AssertionError("the last attempt returns or raises")


def _repeatable(method: str) -> bool:
    """Whether it changes nothing to send it twice: a signed transaction is the same one."""
    return method == "eth_sendRawTransaction" or (method.startswith("eth_") and not method.startswith("eth_send"))


def _json(answer: HttpAnswer) -> Any:
    retry_after = _retry_after(answer.headers)
    unavailable = answer.status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after is not None
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS or unavailable:
        raise RateLimited(retry_after, f"with HTTP {answer.status}")
    good = answer.status == HTTPStatus.OK
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        if good:
            raise AnswerBroken("the node's answer is not an Ethereum node's (no JSON)") from None
        found = None
    error = found.get("error") if isinstance(found, dict) else None
    if error is not None and _is_rate_limit(error):
        raise RateLimited(_named_pause(error) if retry_after is None else retry_after, "that it limits its rate")
    if good:
        return found
    if error is not None:
        raise refusal(error)
    raise RangeRefused(f"the node answered with HTTP {answer.status}")


def _pause(error: RateLimited, number: int = 0) -> None:
    """Wait as long as the node asks for, or longer each time, but at most _LONGEST_PAUSE_S. Raises ``error`` when the
    time of the caller is up before that."""
    wished = _PAUSE_S * 2**number if error.named is None else error.named
    seconds = max(0.0, min(wished, _LONGEST_PAUSE_S))
    left = remaining()
    if left is not None and left <= seconds:
        raise error
    time.sleep(seconds)


def connect(url: Secret | str) -> Web3:
    """A client for the node at ``url``; sends nothing yet. Only reading requests are sent again after an error."""
    web3 = Web3(NodeProvider(reveal(url)))
    # Blocks of proof-of-authority chains such as Polygon have more extra data than web3 accepts by default.
    web3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return web3


def provider_of(web3: Web3) -> NodeProvider:
    return cast(NodeProvider, web3.provider)


def ask(web3: Web3, method: str, *parameters: object) -> Any:
    """The JSON result of a request, without web3's slow conversions. Raises ChainUnavailable."""
    with translated():
        return _result(web3.provider.make_request(RPCEndpoint(method), parameters))


def ask_dated(web3: Web3, method: str) -> tuple[Any, int | None]:
    """As ``ask``, with the node's clock in Unix seconds, None when the node does not tell (Date, RFC 9110, 6.6.1)."""
    with translated():
        answer, date = provider_of(web3).dated_request(RPCEndpoint(method), ())
        result = _result(answer)
    try:
        return result, int(parsedate_to_datetime(date).timestamp()) if date else None
    except (ValueError, OverflowError):
        return result, None


def ask_many(web3: Web3, method: str, parameters: Sequence[Sequence[object]]) -> list[Any]:
    """As ``ask``, many requests in batches that the node accepts, at last one by one.

    What a batch leaves out, or answers with an error, is asked again alone.
    """
    provider = provider_of(web3)
    width = provider.limits.batch
    results: dict[int, Any] = {}
    waiting = list(range(len(parameters)))
    pauses = 0
    while waiting:
        size = width.of(min(len(waiting), BATCH))
        part, waiting = waiting[:size], waiting[size:]
        if size == 1:
            results[part[0]] = ask(web3, method, *parameters[part[0]])
            width.accepted(1)
            continue
        try:
            answers = provider.batch(method, [parameters[number] for number in part])
        except RangeRefused:
            width.refused(size)
            waiting = part + waiting
            continue
        except AnswerBroken:
            # Either the node fails, or it takes no batch of this size: a single request tells.
            results[part[0]] = ask(web3, method, *parameters[part[0]])
            width.refused(size)
            waiting = part[1:] + waiting
            continue
        except RateLimited as error:
            if pauses == _PAUSES:
                raise
            _pause(error, pauses)
            pauses += 1
            width.refused(size)
            waiting = part + waiting
            continue
        answered, limited, alone, too_many = _sorted(part, answers)
        results.update(answered)
        if limited or too_many:
            width.refused(size, named=len(answered))
        else:
            width.accepted(size)
        if answered:
            pauses = 0
        if limited:
            if pauses == _PAUSES:
                raise limited[0][1]
            _pause(limited[0][1], pauses)
            pauses += 1
            waiting = [number for number, _ in limited] + waiting
        for number in alone:
            results[number] = ask(web3, method, *parameters[number])
    return [results[number] for number in range(len(parameters))]


def _sorted(
    numbers: Sequence[int], answers: Sequence[JsonObject | None]
) -> tuple[dict[int, Any], list[tuple[int, RateLimited]], list[int], bool]:
    """The results by number, the numbers that came too often, those without a result, and whether the batch was too
    large for the node. An error of one request, such as a call that reverts, says nothing about the batch."""
    answered: dict[int, Any] = {}
    limited: list[tuple[int, RateLimited]] = []
    alone: list[int] = []
    too_many = False
    for number, answer in zip(numbers, answers, strict=True):
        error = None if answer is None else answer.get("error")
        if answer is not None and error is None and "result" in answer:
            answered[number] = answer["result"]
        elif error is not None and _is_rate_limit(error):
            limited.append((number, RateLimited(_named_pause(error), "that it limits its rate")))
        else:
            too_many = too_many or error is None or _ABOUT_BATCH.search(_message(error).lower()) is not None
            alone.append(number)
    return answered, limited, alone, too_many


def _result(answer: RPCResponse) -> Any:
    if "error" in answer:
        raise refusal(answer["error"])
    return answer["result"]


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of the client into ChainUnavailable, without the node's URL in it."""
    try:
        yield
    except BlockNotFound:
        raise ChainUnavailable("the chain was reorganised while it was read: try again") from None
    except Web3RPCError as error:
        raise refusal(error.rpc_response.get("error") if error.rpc_response else None) from None
    except KeyError as error:
        field = str(error.args[0]) if error.args else ""
        detail = f"without {field}" if field.isidentifier() else type(error).__name__
        raise ChainUnavailable(f"the node's answer is not an Ethereum node's ({detail})") from None
    except (BadResponseFormat, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise ChainUnavailable(f"the node's answer is not an Ethereum node's ({type(error).__name__})") from None
    except RecursionError:
        raise ChainUnavailable("the node's answer is not an Ethereum node's (it is nested too deeply)") from None
    except Web3Exception as error:
        raise ChainUnavailable(f"the node's answer cannot be used ({type(error).__name__})") from None


_RATE_CODES = frozenset({429, -32007, -32016, -32029, -32097, -32429})
"""429 is Alchemy's, -32007 QuickNode's, -32016 that of the OP Stack's public nodes, the rest others'."""
_LIMIT_EXCEEDED = -32005
"""EIP-1474: a limit of the rate, or of the size of an answer; only the message tells which."""
_METHOD_NOT_FOUND = -32601
_PERIOD = r"(?:s|secs?|seconds?|m|mins?|minutes?|h|hours?|days?|months?)\b"
_UNITS_OF_USE = r"(?:requests?|calls?|credits?|units?|c\.?u\.?s?|r\.?u\.?s?|queries|hits)"
_SURELY_RATE = re.compile(
    "|".join(
        (
            r"\brate\b|rate.?limit|throughput|throttl|slow down|\b[rtq]ps\b",
            rf"too.?many.?(?:\w+ ){{0,2}}(?:{_UNITS_OF_USE}|connections)\b",
            rf"(?:\b(?:per|an?|each|every) ?|/ ?){_PERIOD}",
        )
    )
)
_ABOUT_RATE = re.compile(
    "|".join(
        (
            _SURELY_RATE.pattern,
            r"quota|capacity|concurren|daily|monthly|bandwidth|overload|\bbusy\b|back.?off|compute.?unit|\bcus?\b",
            rf"{_UNITS_OF_USE}(?: count| volume| usage)? (?:limit|allowance|exceeded|exhausted|used up)",
            rf"(?:limit|number|out|exceeded|all) (?:(?:of|on|the|your|its|allowed|maximum) ){{0,4}}{_UNITS_OF_USE}\b",
            r"(?:plan|usage|key|project|account|app|tier)(?:'s)? (?:limit|allowance)",
            r"(?:retry|try again|wait) (?:in |after |for )?(?:an? |the )?(?:few |next )?(?:\d|sec|minute)|retry.?after",
        )
    )
)
_ABOUT_RANGE = re.compile(r"\brange|\bblocks\b|\bresults\b|\blogs\b|response size|too (?:large|big|wide|long)")
_ABOUT_BATCH = re.compile(r"\bbatch(?!.*\b(?:rate|throughput|per second)\b)")
_ABOUT_SIZE = re.compile(r"block|range|result|\blogs?\b|size|too (?:large|big|wide|long)|time.?out|timed out")
_NO_METHOD = re.compile(r"method\b.*(?:not (?:found|exist|available|supported|allowed|enabled)|unsupported|does not)")
_PAUSE_NAMED = re.compile(r"(?:retry|try again|wait|back.?off)\D{0,20}?(\d{1,6}(?:\.\d{1,3})?)\s*(ms|m\b|min)?")
_UNITS = {"ms": 0.001, "m": 60, "min": 60}


def refusal(error: object) -> RangeRefused:
    """The error for a node's ``error`` object, or for whatever it gives in place of one."""
    said = _message(error)
    text = f"the node refused the request: {said[:_SHOWN_CHARACTERS] or 'no reason given'}"
    missing = _code(error) == _METHOD_NOT_FOUND or _NO_METHOD.search(said.lower()) is not None
    return (MethodMissing if missing else RangeRefused)(text, said)


def rpc_message(error: Web3RPCError) -> str:
    """The node's message, shortened."""
    answer = error.rpc_response.get("error") if error.rpc_response else None
    return _message(answer)[:_SHOWN_CHARACTERS] or "no reason given"


def _is_rate_limit(error: object) -> bool:
    """Whether fewer requests help, and not smaller ones."""
    code, said = _code(error), _message(error).lower()
    if code in _RATE_CODES:
        return True
    if _ABOUT_BATCH.search(said):
        return False
    if _ABOUT_RANGE.search(said):
        return _SURELY_RATE.search(said) is not None
    if _ABOUT_RATE.search(said):
        return True
    return code == _LIMIT_EXCEEDED and not _ABOUT_SIZE.search(said)


def _code(error: object) -> object:
    code = error.get("code") if isinstance(error, dict) else None
    return int(code) if isinstance(code, str) and re.fullmatch(r"-?\d{1,9}", code) else code


def _message(error: object) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return str(message or "")[:_READ_CHARACTERS]


def _named_pause(error: object) -> float | None:
    """The seconds that the node's ``error`` names: Infura's ``backoff_seconds``, or a number in its words."""
    data = error.get("data") if isinstance(error, dict) else None
    rate = data.get("rate", data) if isinstance(data, dict) else None
    seconds = rate.get("backoff_seconds") if isinstance(rate, dict) else None
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        return float(seconds)
    found = _PAUSE_NAMED.search(_message(error).lower())
    if found is None:
        return None
    return float(found[1]) * _UNITS.get(found[2], 1)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """A number or a date (RFC 9110, 10.2.3)."""
    try:
        seconds: float = urllib3.Retry().parse_retry_after(headers["Retry-After"])
    except (KeyError, ValueError, OverflowError, urllib3.exceptions.InvalidHeader):
        return None
    return seconds


def chain_id_of(url: Secret | str) -> int:
    """The id of the chain that the node at ``url`` serves. Raises ChainUnavailable."""
    return quantity(ask(connect(url), "eth_chainId"))


def quantity(value: object) -> int:
    """A quantity of JSON-RPC: hex digits after 0x; some nodes give a number, or decimal digits. Raises
    ChainUnavailable."""
    with translated():
        if isinstance(value, int) and not isinstance(value, bool):
            found = value
        elif isinstance(value, str):
            found = int(value, 16 if value[:2].lower() == "0x" else 10)
        else:
            raise TypeError
        if not 0 <= found < 2**256:
            raise ValueError
        return found
