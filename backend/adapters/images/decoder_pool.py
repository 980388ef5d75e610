"""Processes that decode images, so that hostile bytes can take neither this process' memory nor its time.

A process is started when it is first needed, used again, and replaced after a job that broke it.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from backend.adapters.images import limits
from backend.adapters.images.decoder_protocol import (
    CLEAN_SLIDE,
    CPU_S,
    DECODE,
    DEIDENTIFY,
    DESCRIBE,
    EMBED_MANIFEST,
    FIND_TEXT,
    FINGERPRINT,
    INSPECT,
    INSPECT_SLIDE,
    MASK,
    MEMORY_BYTES,
    PIXELS,
    QUESTION,
    READ_PATIENT,
    READ_SLIDE,
    REFER,
    RENDER,
    SPLIT,
    receive,
    send,
)
from backend.domain import MAX_IMAGE_BYTES, Fingerprint, PixelBytes, Rendering, TextBox
from backend.errors import IdentifiersLeft, ImageTooLarge, ServerBusy, UnsupportedImage

PROCESSES = 4
WALL_S = 60.0
"""A job may wait for a processor as long as it may use one."""
WAIT_S = 20.0
_PROGRAM = "backend.adapters.images.decoder_process"
_END_S = 2.0
_ROOT = Path(__file__).resolve().parents[3]
_ENVIRONMENT = ("PATH", "PYTHON", "LD_", "DYLD_", "LANG", "LC_", "TMP", "COVERAGE_")
"""Prefixes of the variables that a process gets; the others may be secrets."""
_MOST_ANSWER_BYTES = 4 * limits.MAX_PIXELS
_SPLIT_FACTOR, _SPLIT_BYTES = 2, 64 * 1024 * 1024
"""Frames may take so many times the bytes of their file, and so many more: each repeats what it says of all."""
_MOST_NAME = 100
_MOST_QUESTIONS = 4
_PNG = Rendering()
_MODES = {"L": "L", "RGB": "RGB"}
_ERRORS = {"UnsupportedImage": UnsupportedImage, "ImageTooLarge": ImageTooLarge}


class DecoderPool:
    """At most ``processes`` at a time; whoever comes then waits ``wait_s``. Thread-safe.

    Every method raises UnsupportedImage, ImageTooLarge and ServerBusy. An image that takes too much time or memory is
    too large.
    """

    def __init__(self, *, processes: int = PROCESSES, wall_s: float = WALL_S, wait_s: float = WAIT_S) -> None:
        self._slots = threading.BoundedSemaphore(processes)
        self._wall_s, self._wait_s = wall_s, wait_s
        self._idle: list[_Decoder] = []
        self._owner = os.getpid()

    def inspect(self, content: bytes, *, pinned: bool = False, kept: bool = True) -> tuple[dict[str, Any], bytes]:
        """The fields of ``inspection.Inspected`` but the content, and the content; ``pinned`` and ``kept`` as there."""
        return self._inspected({"job": INSPECT, "pinned": pinned, "kept": kept}, content)

    @contextmanager
    def decoded(self, content: bytes, decoding: int, frame: int = 0) -> Iterator[Image.Image]:
        """The pixels of ``ml.preprocessing.images.decode_image``. They count as a process until the caller is done, so
        that only so many decoded images are in memory."""
        with self._slot():
            facts, pixels = self._run({"job": DECODE, "decoding": decoding, "frame": frame}, content)
            yield _image(facts, pixels)

    def render(self, content: bytes, decoding: int, frame: int = 0, rendering: Rendering = _PNG) -> bytes:
        """Those pixels as a file."""
        with self._slot():
            job = {"job": RENDER, "decoding": decoding, "frame": frame, "rendering": asdict(rendering)}
            return self._run(job, content)[1]

    def fingerprint(self, content: bytes) -> Fingerprint:
        """See ``deidentification.fingerprint``."""
        with self._slot():
            found, _ = self._run({"job": FINGERPRINT}, content)
        return Fingerprint(str(found.get("digest")), clean=bool(found.get("clean")))

    def pixels(self, content: bytes, *, decoded: bool) -> PixelBytes:
        """See ``frames.stored`` and ``frames.decoded``."""
        with self._slot():
            found, values = self._run({"job": PIXELS, "decoded": decoded}, content)
        return PixelBytes(str(found.get("syntax")), values)

    def deidentify(self, content: bytes, key: bytes) -> tuple[dict[str, Any], bytes]:
        """Report and new UIDs of ``deidentification.deidentify``, and the content."""
        with self._slot():
            return self._run({"job": DEIDENTIFY, "key": key.hex()}, content)

    def describe(self, content: bytes) -> dict[str, Any]:
        """See ``json_model.describe``; ``content`` is a de-identified DICOM file."""
        with self._slot():
            found, _ = self._run({"job": DESCRIBE}, content)
        attributes = found.get("attributes")
        if not isinstance(attributes, dict) or not all(isinstance(each, dict) for each in attributes.values()):
            raise _misled()
        return attributes

    def refer(self, content: bytes) -> dict[str, Any]:
        """See ``reference.values_of``."""
        with self._slot():
            return self._run({"job": REFER}, content)[0]

    def read_patient(self, content: bytes) -> dict[str, str]:
        """See ``identity_map.attributes_of``."""
        with self._slot():
            found, _ = self._run({"job": READ_PATIENT}, content)
        return {str(keyword): str(value) for keyword, value in found.items()}

    def find_text(self, content: bytes, decoding: int, frame: int = 0) -> list[TextBox]:
        """See ``burnt_in_text.find``."""
        with self._slot():
            found, _ = self._run({"job": FIND_TEXT, "decoding": decoding, "frame": frame}, content)
        try:
            return [TextBox(**{name: int(number) for name, number in box.items()}) for box in found["boxes"]]
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise _misled() from exc

    def mask(self, content: bytes, boxes: Sequence[TextBox], *, kept: bool = True) -> tuple[dict[str, Any], bytes]:
        """As ``inspect`` gives them, of the image with black places."""
        return self._inspected({"job": MASK, "boxes": [asdict(box) for box in boxes], "kept": kept}, content)

    def split(self, content: bytes, *, kept: bool = True) -> list[bytes]:
        """See ``PillowInspector.split``."""
        with self._slot():
            most_bytes = _SPLIT_FACTOR * len(content) + _SPLIT_BYTES
            found, joined = self._run({"job": SPLIT, "kept": kept}, content, most_bytes)
        try:
            ends = list(accumulate(map(int, found["lengths"]), initial=0))
        except (KeyError, TypeError, ValueError) as exc:
            raise _misled() from exc
        if ends[-1] != len(joined) or ends != sorted(ends):
            raise _misled()
        return [joined[start:end] for start, end in pairwise(ends)]

    def inspect_slide(self, path: Path) -> dict[str, Any]:
        """See ``opened.inspect`` of slides; also raises IdentifiersLeft."""
        with self._slot():
            return self._run({"job": INSPECT_SLIDE, "path": str(path)}, b"")[0]

    def clean_slide(self, path: Path) -> tuple[dict[str, Any], bytes]:
        """See ``opened.clean`` of slides."""
        with self._slot():
            return self._run({"job": CLEAN_SLIDE, "path": str(path)}, b"")

    def read_slide(
        self, path: Path, region: tuple[int, int, int, int], size: tuple[int, int], kind: str, **options: int
    ) -> bytes:
        """See ``opened.read`` of slides: as a file of the ``kind`` that Pillow names so."""
        job = {"job": READ_SLIDE, "path": str(path), "region": region, "size": size, "kind": kind, "options": options}
        with self._slot():
            return self._run(job, b"")[1]

    def slide_pixels(self, path: Path, region: tuple[int, int, int, int], size: tuple[int, int]) -> Image.Image:
        """As ``read_slide``, not encoded."""
        job = {"job": READ_SLIDE, "path": str(path), "region": region, "size": size, "kind": "raw"}
        with self._slot():
            return _image(*self._run(job, b""))

    def embed_manifest(
        self, content: bytes, original: bytes, job: Mapping[str, Any], sign: Callable[[bytes], bytes]
    ) -> bytes:
        """See ``manifest_embedding.embed``; ``sign`` is called in this process, which keeps the key."""
        header = {"job": EMBED_MANIFEST, "length": len(content), **job}
        with self._slot():
            return self._run(header, content + original, answer=sign)[1]

    def close(self) -> None:
        """End the processes that are idle. The pool can be used again."""
        while self._idle:
            self._idle.pop().end()

    def _inspected(self, job: dict[str, Any], content: bytes) -> tuple[dict[str, Any], bytes]:
        with self._slot():
            facts, clean = self._run(job, content)
        if len(clean) > MAX_IMAGE_BYTES:
            raise _misled()
        return facts, clean

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._wait_s):
            raise ServerBusy("other images are being decoded: try again in a moment")
        try:
            yield
        finally:
            self._slots.release()

    def _run(
        self,
        job: dict[str, Any],
        content: bytes,
        most_bytes: int = _MOST_ANSWER_BYTES,
        *,
        answer: Callable[[bytes], bytes] | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        """``answer`` answers what the process asks in the course of the job, _MOST_QUESTIONS times at most."""
        decoder = self._take()
        try:
            facts, found = decoder.run(job, content, self._wall_s, most_bytes, answer)
        except BaseException:
            decoder.kill()
            raise
        if facts.get("error") == "MemoryError":
            decoder.kill()
            raise _too_much_memory()
        self._idle.append(decoder)
        if facts.get("error") == "IdentifiersLeft":
            names = [str(name)[:_MOST_NAME] for name in facts["names"]]
            raise IdentifiersLeft(names, str(facts["what"])[:_MOST_NAME])
        if "error" in facts:
            raise _ERRORS[facts["error"]](facts["message"])
        return facts, found

    def _take(self) -> _Decoder:
        if self._owner != os.getpid():
            # A fork shares the sockets: its parent keeps them.
            self._owner, self._idle = os.getpid(), []
        while self._idle:
            decoder = self._idle.pop()
            if decoder.alive:
                return decoder
            decoder.kill()
        return _Decoder()


class _Decoder:
    """One process, and the socket to it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _PROGRAM],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                # libtiff and libjpeg write there as much as a file makes them.
                stderr=subprocess.DEVNULL,
                cwd=_ROOT,
                env={name: value for name, value in os.environ.items() if name.startswith(_ENVIRONMENT)},
            )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def run(
        self,
        job: dict[str, Any],
        content: bytes,
        wall_s: float,
        most_bytes: int,
        reply: Callable[[bytes], bytes] | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        """Where there is no answer, the process is ended. Raises UnsupportedImage, ImageTooLarge."""
        deadline = time.monotonic() + wall_s
        try:
            send(self._socket, job, content, deadline)
            answer = receive(self._socket, deadline, most_bytes)
            for _ in range(_MOST_QUESTIONS if reply else 0):
                if reply is None or answer is None or QUESTION not in answer[0]:
                    break
                send(self._socket, {}, reply(answer[1]), deadline)
                answer = receive(self._socket, deadline, most_bytes)
            if answer and QUESTION in answer[0]:
                raise ValueError
        except TimeoutError:
            self.kill()
            raise _too_slow() from None
        except ValueError:
            self.kill()
            raise _misled() from None
        except OSError:
            answer = None
        if answer is None:
            raise self._failure()
        return answer

    def end(self) -> None:
        """It ends by itself when its socket does."""
        self._socket.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _failure(self) -> Exception:
        """Why it ended."""
        self.end()
        status = self._process.returncode
        if status == -signal.SIGXCPU:
            return _too_slow()
        if status == -signal.SIGKILL:
            return _too_much_memory()
        if status < 0:
            return UnsupportedImage(
                f"expected an image, found one that breaks its decoder ({signal.Signals(-status).name})"
            )
        return ChildProcessError(f"the decoder of images ended with status {status}")


def _misled() -> UnsupportedImage:
    return UnsupportedImage("expected an image, found one that misleads its decoder")


def _too_slow() -> ImageTooLarge:
    return ImageTooLarge(f"expected an image that takes at most {CPU_S} s to decode, found one that takes too long")


def _too_much_memory() -> ImageTooLarge:
    limit = MEMORY_BYTES // (1024 * 1024)
    return ImageTooLarge(f"expected an image that takes at most {limit} MiB to decode, found one that takes more")


def _image(facts: dict[str, Any], pixels: bytes) -> Image.Image:
    """A process that hostile bytes have taken over may answer anything."""
    try:
        return Image.frombytes(_MODES[facts["mode"]], tuple(facts["size"]), pixels)
    except (KeyError, TypeError, ValueError) as exc:
        raise _misled() from exc


@cache
def decoder_pool() -> DecoderPool:
    """The pool of this process."""
    pool = DecoderPool()
    atexit.register(pool.close)
    return pool
