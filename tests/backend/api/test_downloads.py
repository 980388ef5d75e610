"""Large answers are few at a time, and give their place back however they end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder, run_wsgi_app

from backend.api.downloads import AT_ONCE, Downloads
from backend.errors import Overloaded
from tests.backend.api.conftest import API, assert_problem


def answer(places: Downloads, response: Response) -> Response:
    with places.begin() as download:
        return download.answer(response)


def sent(app: Flask, response: Response, method: str = "GET") -> bytes:
    body, _, _ = run_wsgi_app(response, EnvironBuilder(method=method).get_environ())
    data = b"".join(body)
    response.close()
    return data


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_place_is_free_again_when_the_answer_was_sent(method: str) -> None:
    places = Downloads(at_once=1)
    for _ in range(3):
        response = answer(places, Response(b"abc"))
        assert response.headers["Content-Length"] == "3"
        assert sent(Flask("x"), response, method) == (b"abc" if method == "GET" else b"")


def test_the_place_is_taken_while_the_answer_is_being_sent() -> None:
    places = Downloads(at_once=1)

    made = []

    def parts() -> Iterator[bytes]:
        for part in (b"a", b"b"):
            made.append(part)
            yield part

    response = answer(places, Response(parts()))
    body = iter(response.response)
    assert next(body) == b"a"
    assert made == [b"a"]  # a part is made when the one before it was sent
    with pytest.raises(Overloaded, match=r"^too many downloads run already: try again$"):
        places.begin()
    response.close()
    response.close()
    with places.begin():
        pass


def test_an_answer_that_fails_frees_the_place() -> None:
    places = Downloads(at_once=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no record"), places.begin():
            raise ValueError("no record")


def test_the_next_download_gets_503_with_a_time_to_try_again(client: FlaskClient, cid: str) -> None:
    taken = [client.application.extensions["downloads"].begin() for _ in range(AT_ONCE)]
    paths = (f"{API}/images/{cid}/content", f"{API}/records.csv", f"{API}/records.json")
    answers = [client.get(path) for path in paths]
    for download in taken:
        with download:
            pass
    for refused in answers:
        assert_problem(refused, 503, "overloaded", "too many downloads run already: try again")
        assert refused.headers["Retry-After"] == "2"
    assert [client.get(path).status_code for path in paths] == [200, 200, 200]
