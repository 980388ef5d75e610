"""What a person is asked before an image is pinned: a pin can be permanent, and public."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from backend.domain import TextBox
from backend.errors import (
    ClassificationFailed,
    ImageTooLarge,
    NotFound,
    ServerBusy,
    TextInImage,
    UnrecognisedImage,
    UnsupportedImage,
)
from backend.ports import Classifier, TextFinder

TextAnswer = Literal["ask", "keep", "mask", "leave-out"]
_WORKERS = 4


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person said in advance. ``text`` of the picture identifies nobody (keep), or its places become black
    (mask), or the slices of a study that show it are left out (leave-out); ``pin_anyway`` what no gate recognises."""

    text: TextAnswer = "ask"
    pin_anyway: bool = False


class ScreeningService:
    """Looks for text, and asks the gate where the store is ``public``. Thread-safe."""

    def __init__(self, finder: TextFinder, classifier: Classifier, *, public: bool) -> None:
        self._finder = finder
        self._classifier = classifier
        self._public = public
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="text")

    def check(self, content: bytes, answers: Answers) -> Sequence[TextBox]:
        """The places of text to make black. ``content`` are accepted bytes.

        Raises UnrecognisedImage and TextInImage, each until it is answered; ServerBusy, ClassificationFailed.
        """
        # Text is looked for in other processes, so the gate is asked meanwhile.
        text = None if answers.text == "keep" else self._threads.submit(self._text, content)
        if self._public and not answers.pin_anyway:
            if not self._recognised(content):
                raise UnrecognisedImage
        else:
            self._ask_ahead(content)
        boxes = text.result() if text else []
        if boxes is None:
            raise TextInImage([])
        if boxes and answers.text == "ask":
            raise TextInImage(boxes)
        return boxes

    def show_text(self, contents: Sequence[bytes]) -> list[bool]:
        """Of each of a few accepted images, whether it seems to show text, or could not be looked at. Raises
        ServerBusy."""
        return [boxes is None or bool(boxes) for boxes in self._threads.map(self._text, contents)]

    def _text(self, content: bytes) -> Sequence[TextBox] | None:
        """None where text cannot be looked for: the image took too much time or memory."""
        try:
            return self._finder.find(content)
        except (UnsupportedImage, ImageTooLarge):
            return None

    def _ask_ahead(self, content: bytes) -> None:
        """Its classification, which usually follows, finds the gate's opinion made, and the image decoded."""
        with suppress(UnsupportedImage, ImageTooLarge, ServerBusy, ClassificationFailed, NotFound):
            self._recognised(content)

    def _recognised(self, content: bytes) -> bool:
        gate = self._classifier.gate()
        return gate is None or self._classifier.recognise(gate, content).modality is not None
