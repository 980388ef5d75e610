"""A mail server (RFC 5321) that takes every mail and gives it to the test."""

from __future__ import annotations

import email
import queue
import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage, Message
from email.policy import default
from typing import cast

WITHIN_S = 30.0


class MailServer(socketserver.ThreadingTCPServer):
    """``refuses``: the answer to MAIL, to refuse mails."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: queue.Queue[EmailMessage] = queue.Queue()
        self.commands: list[str] = []
        self.refuses = ""

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def take(self) -> EmailMessage:
        """The next mail, in the order in which they were sent."""
        return self.mails.get(timeout=WITHIN_S)

    def secret(self) -> str:
        """What the link in the next mail with one has after #."""
        found = None
        while found is None:
            found = re.search(r"#([\w-]+)", self.take().get_content())
        return found[1]

    def forget(self) -> None:
        """As if there had been no mail yet."""
        while not self.mails.empty():
            self.mails.get_nowait()
        self.commands.clear()
        self.refuses = ""


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 stand-in")
        while line := self.rfile.readline().decode().strip():
            self.server.commands.append(line)
            verb = line.split()[0].upper()
            if verb == "DATA":
                self._say("354 go on")
                self._keep()
                self._say("250 kept")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            elif verb == "EHLO":
                self._say("250-stand-in")
                self._say("250 AUTH PLAIN")
            elif verb == "AUTH":
                self._say("235 welcome")
            else:
                self._say(self.server.refuses if verb == "MAIL" and self.server.refuses else "250 ok")

    def _keep(self) -> None:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            line = line.removeprefix(b".") if line.startswith(b"..") else line
            lines.append(line.replace(b"\r\n", b"\n"))
        found: Message = email.message_from_bytes(b"".join(lines), policy=default)
        self.server.mails.put(cast(EmailMessage, found))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
