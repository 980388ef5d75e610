from __future__ import annotations

import threading
import time

import pytest

from backend.adapters.ipfs.token_bucket import TokenBucket


@pytest.mark.parametrize("per_minute", [5, 60, 500])
def test_no_minute_sees_more_requests_than_the_limit(clock, per_minute):
    bucket = TokenBucket(per_minute, clock)
    turns = []
    for _ in range(per_minute * 3):
        assert bucket.take(patience=1e9)
        turns.append(clock.now)
        if len(turns) == per_minute:
            clock.now += 300  # a pause in which tokens could pile up
    assert all(sum(start <= turn < start + 60 for turn in turns) <= per_minute for start in turns)


def test_the_whole_rate_is_usable(clock):
    bucket = TokenBucket(60, clock)
    for _ in range(12 + 45):
        bucket.take(patience=1e9)
    assert clock.now - 1000 == pytest.approx(60)


def test_who_cannot_wait_is_reported_at_once_and_loses_no_turn(clock):
    bucket = TokenBucket(60, clock)
    while bucket.take(patience=0):
        pass
    assert clock.sleeps == []
    assert not bucket.take(patience=1.3)
    assert bucket.take(patience=1.4)
    assert clock.sleeps == [pytest.approx(4 / 3)]


def test_threads_share_the_limit():
    bucket = TokenBucket(6000)
    taken = []

    def take() -> None:
        while bucket.take(patience=0):
            taken.append(time.monotonic())

    start = time.monotonic()
    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1200 <= len(taken) <= 1200 + 75 * (time.monotonic() - start) + 1
