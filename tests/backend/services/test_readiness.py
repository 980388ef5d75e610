"""Readiness answers in time, whatever the probes do."""

from __future__ import annotations

import threading
import time

from backend.errors import ChainUnavailable
from backend.services.readiness import ReadinessService


def test_each_part_is_ok_or_has_its_reason() -> None:
    def fail() -> None:
        raise ChainUnavailable("the node cannot be reached")

    def break_down() -> None:
        raise RuntimeError("a secret detail")

    service = ReadinessService({"good": lambda: None, "bad": fail, "broken": break_down})
    assert service.check() == {
        "good": "ok",
        "bad": "the node cannot be reached",
        "broken": "failed for an unexpected reason; the server's log has it",
    }


def test_a_probe_that_hangs_is_named_in_time_and_does_not_run_twice() -> None:
    runs = []
    goes_on = threading.Event()

    def hang() -> None:
        runs.append(1)
        goes_on.wait(30)

    service = ReadinessService({"chain": hang, "storage": lambda: None}, patience_s=3)
    for patience_s in (30, 2.9, 2.9):  # who asks later does not wait again
        begun = time.monotonic()
        outcome = service.check()
        assert time.monotonic() - begun < patience_s
        assert outcome["storage"] == "ok"
        assert outcome["chain"].startswith("has not answered for ")
    assert len(runs) == 1
    goes_on.set()
    deadline = time.monotonic() + 10
    while service.check()["chain"] != "ok":
        assert time.monotonic() < deadline


def test_many_callers_cost_one_run() -> None:
    runs = []
    service = ReadinessService({"chain": lambda: runs.append(1)})
    threads = [threading.Thread(target=service.check) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1


def test_damage_is_passed_on() -> None:
    assert ReadinessService({}, damage=lambda: ["a block is missing"]).damage() == ["a block is missing"]
