"""Progress of long computations, as the logger tells it."""

from __future__ import annotations

import logging

import pytest

from ml import progress


def test_a_count_is_reported_now_and_then(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    clock = iter([0.0, 0.4, 1.0, 1.0, 1.4, 2.0, 2.0])
    monkeypatch.setattr("ml.progress.time.monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, progress.LOGGER):
        assert list(progress.counted("abcd", "letters")) == ["a", "b", "c", "d"]
    assert caplog.messages == ["letters: 1 of 4", "letters: 3 of 4"]


def test_without_a_listener_nothing_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    progress.report("training")
    assert capfd.readouterr() == ("", "")
