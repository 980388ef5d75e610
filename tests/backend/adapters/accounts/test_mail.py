"""Mails leave by SMTP from a thread, or stand in the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from backend.adapters.accounts import mail
from backend.adapters.accounts.mail import QueuedMailer, SmtpServer, write_to_log
from backend.processes import free_port
from backend.settings import Secret
from tests.standins.mail_server import MailServer, mail_server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def mailer(url: str) -> QueuedMailer:
    return QueuedMailer("ScanProof <scanproof@example.org>", SmtpServer(Secret(url)))


def test_a_mail_is_delivered_with_its_text(server: MailServer) -> None:
    mailer(server.url).send("alice@example.org", "Set a new password", "Zoë, öffne:\nhttps://x/reset#abc")
    mail = server.take()
    assert (mail["From"], mail["To"]) == ("ScanProof <scanproof@example.org>", "alice@example.org")
    assert mail["Subject"] == "Set a new password"
    assert mail.get_content().strip() == "Zoë, öffne:\nhttps://x/reset#abc"
    assert mail["Message-ID"] and mail["Date"]


def test_user_and_password_of_the_setting_are_used(server: MailServer) -> None:
    port = server.server_address[1]
    mailer(f"smtp://me%40example.org:p%3Aw@127.0.0.1:{port}").send("a@example.org", "s", "t")
    server.take()
    assert any(command.startswith("AUTH PLAIN") for command in server.commands)


def test_a_refused_mail_is_logged_without_its_text_and_the_next_one_leaves(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    sender = mailer(server.url)
    server.refuses = "550 not from you"
    sender.send("a@example.org", "First", "the secret link")
    sender.join()
    server.refuses = ""
    sender.send("b@example.org", "Second", "t")
    assert server.take()["Subject"] == "Second"
    assert "the mail 'First' could not be sent" in caplog.text
    assert "secret link" not in caplog.text


def test_a_mail_server_that_is_away_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    sender = mailer(f"smtps://127.0.0.1:{free_port()}")
    sender.send("a@example.org", "First", "t")
    sender.join()
    assert "the mail 'First' could not be sent" in caplog.text


def test_beyond_this_machine_the_server_must_offer_tls(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The stand-in offers no STARTTLS; here its address counts as one of another machine."""
    monkeypatch.setattr(mail, "_LOCAL", ())
    sender = mailer(server.url)
    sender.send("a@example.org", "First", "t")
    sender.join()
    assert "STARTTLS extension not supported by server" in caplog.text
    assert server.mails.empty()


def test_one_broken_mail_does_not_keep_the_others(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[str] = []

    def deliver(message: EmailMessage) -> None:
        if message["Subject"] == "First":
            raise ValueError("not a mail")
        sent.append(message["Subject"])

    sender = QueuedMailer("me@example.org", deliver)
    for subject in ("First", "Second"):
        sender.send("a@example.org", subject, "t")
    sender.join()
    assert sent == ["Second"]
    assert "the mail 'First' could not be sent" in caplog.text


def test_mails_that_pile_up_are_dropped_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()
    sender = QueuedMailer("me@example.org", lambda _mail: release.wait(30) and None)
    for _ in range(mail._WAITING + 2):
        sender.send("a@example.org", "s", "t")
    assert f"a mail was dropped: {mail._WAITING} others wait for the mail server" in caplog.text
    release.set()
    sender.join()


def test_without_a_mail_server_the_log_has_the_link_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    sender = QueuedMailer("me@example.org", write_to_log)
    with caplog.at_level(logging.WARNING):
        sender.send("alice@example.org", "Set a new password", "https://x/reset#abc")
        sender.join()
    assert (
        "no mail server is set (SCANPROOF_SMTP_URL), so this mail is not sent. "
        "To alice@example.org: Set a new password\nhttps://x/reset#abc" in caplog.text
    )
