"""Sends mail by SMTP (RFC 5321) from a thread of its own, or without a mail server writes it to the log."""

from __future__ import annotations

import logging
import queue
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from backend.settings import Secret

_log = logging.getLogger(__name__)
_WAITING = 200
"""Mails that wait; the next ones are dropped, and the log says so."""
_WITHIN_S = 20.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SUBMISSION, _SUBMISSIONS = 587, 465
Deliver = Callable[[EmailMessage], None]


class QueuedMailer:
    """Port Mailer: hands mails to ``deliver`` one after the other, in a thread that starts with the first."""

    def __init__(self, sender: str, deliver: Deliver) -> None:
        self._sender = sender
        self._deliver = deliver
        self._waiting: queue.Queue[EmailMessage] = queue.Queue(_WAITING)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, to: str, subject: str, text: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._sender, to, subject
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain="scanproof")
        mail.set_content(text)
        try:
            self._waiting.put_nowait(mail)
        except queue.Full:
            _log.error("a mail was dropped: %d others wait for the mail server", _WAITING)
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="mail", daemon=True)
                self._thread.start()

    def join(self) -> None:
        """Wait until no mail waits."""
        self._waiting.join()

    def _run(self) -> None:
        while True:
            mail = self._waiting.get()
            try:
                self._deliver(mail)
            except (OSError, smtplib.SMTPException) as error:
                _log.error("the mail %r could not be sent: %s", str(mail["Subject"]), error)
            except Exception:  # one mail that cannot be sent must not keep the others
                _log.exception("the mail %r could not be sent", str(mail["Subject"]))
            finally:
                self._waiting.task_done()


class SmtpServer:
    """Delivers to a mail server over TLS: at once with ``smtps``, else by STARTTLS, except on this machine."""

    def __init__(self, url: Secret) -> None:
        self._url = url

    def __call__(self, mail: EmailMessage) -> None:
        parts = urlsplit(self._url.reveal())
        host = parts.hostname or ""
        if parts.scheme == "smtps":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, parts.port or _SUBMISSIONS, timeout=_WITHIN_S, context=context
            )
        else:
            server = smtplib.SMTP(host, parts.port or _SUBMISSION, timeout=_WITHIN_S)
        with server:
            if parts.scheme == "smtp" and host not in _LOCAL:
                server.starttls(context=ssl.create_default_context())
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(mail)


def write_to_log(mail: EmailMessage) -> None:
    """For development: the log holds the links, so that whoever reads it can take over an account."""
    _log.warning(
        "no mail server is set (SCANPROOF_SMTP_URL), so this mail is not sent. To %s: %s\n%s",
        mail["To"],
        mail["Subject"],
        mail.get_content().strip(),
    )
