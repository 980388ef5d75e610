"""What the browser's console says: a page that works says nothing in red there."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage


class Console:
    """Collects errors, uncaught exceptions and violations of the Content-Security-Policy of all tabs."""

    def __init__(self, context: BrowserContext) -> None:
        self._said: list[str] = []
        self._tolerated: list[str] = []
        context.on("console", self._hear)
        context.on("weberror", lambda error: self._said.append(str(error.error)))

    def tolerate(self, *texts: str) -> None:
        """For answers that the browser itself reports, such as "status of 429" in a test of just that."""
        self._tolerated += texts

    @property
    def problems(self) -> list[str]:
        return [text for text in self._said if not any(tolerated in text for tolerated in self._tolerated)]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self._said.append(f"{message.text} ({message.location.get('url')})")
