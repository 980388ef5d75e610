"""Child processes that never outlive their parent, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class Child:
    """A process in a session of its own, so that Ctrl-C reaches the parent alone, which then stops it in order.

    On Linux the kernel sends it SIGTERM when the parent dies, even by SIGKILL; elsewhere the next start has to find it.
    Start it from the main thread: the kernel watches the thread that started the process. ``environ`` is its whole
    environment; None passes on the parent's, with every key in it.
    """

    def __init__(
        self, command: Sequence[str | Path], *, log: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        output = log.open("wb") if log else None
        try:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output or sys.stderr,
                stderr=subprocess.STDOUT if output else None,
                env=environ,
                start_new_session=True,
                preexec_fn=None if _LIBC is None else _end_with_parent(_LIBC),
            )
        finally:
            if output:
                output.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_status(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def stop(self, timeout_s: float = 10) -> None:
        """SIGTERM, and SIGKILL if it is still there after ``timeout_s``; stopping twice is no error."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _end_with_parent(libc: ctypes.CDLL) -> Callable[[], object]:
    """What the child runs before its program: it asks the kernel for SIGTERM at the parent's death (prctl(2))."""
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
