"""Keeps notices of native libraries off standard error where the library has no switch for them."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

_turn = threading.RLock()


@contextmanager
def hide_notices(pattern: bytes) -> Iterator[None]:
    """Drop the lines that match ``pattern`` from what is written to the file descriptor of standard error meanwhile.

    All other lines are written at the end. Threads take turns, as the descriptor is the whole process's.
    """
    if not sys.stderr:  # the process began without one: the descriptor may be that of any file
        yield
        return
    with ExitStack() as stack:
        stack.enter_context(_turn)
        written = None
        with suppress(OSError):
            written = stack.enter_context(tempfile.TemporaryFile())
        if written is None:  # a full disk: a notice that is shown does less harm than an answer that is not given
            yield
            return
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            written.seek(0)
            for line in written:
                if not re.match(pattern, line):
                    os.write(stderr, line)
            os.close(stderr)
