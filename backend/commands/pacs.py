"""``scanproof pacs``: takes in images of a PACS, or of a folder, for a person to record on the page."""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from backend import settings as configuration
from backend.adapters.pacs.peers import is_title, peer
from backend.commands.arguments import WrongUse, existing_folder, port
from backend.commands.console import Console, columns
from backend.errors import ConfigurationError
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.adapters.pacs.watched_folder import WatchedFolder
    from backend.services.received import ReceivedService

HELP = (
    "Receive images of a PACS, or of a watched folder\n\n"
    "They lose their identifiers before they are written anywhere, and wait on the page until a person records them."
)
EXAMPLE = "scanproof pacs receive --allow ORTHANC@10.0.0.5"
_ACTIONS = {
    "receive": "answer C-STORE and C-ECHO, until Ctrl-C",
    "watch": "take the files that another program writes into FOLDER, until Ctrl-C",
}
PORT = 11112
TITLE = "SCANPROOF"
INTERVAL_S = 2.0
"""A file that did not change for so long is whole."""
_SWEEP_S = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    help_ = "; ".join(f"{action}: {what}" for action, what in _ACTIONS.items())
    parser.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=help_)
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=existing_folder, help="watch: the folder")
    parser.add_argument("--port", type=port, help=f"receive: the port (default: {PORT})")
    parser.add_argument("--aet", metavar="TITLE", type=_title, help=f"receive: our AE title (default: {TITLE})")
    parser.add_argument(
        "--allow",
        metavar="AET[@HOST]",
        action="append",
        type=_sender,
        default=[],
        help="receive: who may send, from HOST or else from this machine; may be repeated (default: anybody on this "
        "machine)",
    )
    parser.add_argument("--remove", action="store_true", help="watch: remove files that were taken")


def _title(text: str) -> str:
    if not is_title(text):
        raise argparse.ArgumentTypeError(f"expected an AE title of 1 to 16 characters, found {text[:80]!r}")
    return text


def _sender(text: str) -> str:
    try:
        peer(text)
    except ConfigurationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def run(options: argparse.Namespace, console: Console) -> int:
    if (options.action == "watch") != bool(options.folder):
        raise WrongUse("FOLDER belongs to `watch`, which needs it")
    if options.action == "watch" and (options.port or options.aet or options.allow):
        raise WrongUse("--port, --aet and --allow are for `receive`")
    if options.action == "receive" and options.remove:
        raise WrongUse("--remove is for `watch`")

    from backend.wiring import wire_received

    settings = configuration.load()
    with console.waiting("opening the queue"), wire_received(settings) as queue:
        return _ACTS[options.action](options, console, queue, settings)


def _receive(options: argparse.Namespace, console: Console, queue: ReceivedService, settings: Settings) -> int:
    from backend.adapters.pacs.receiver import Receiver

    title = options.aet or TITLE
    receiver = Receiver(
        title=title,
        port=options.port or PORT,
        peers=[peer(each) for each in options.allow],
        clean=queue.clean,
        keep=queue.keep,
        notice=console.message,
    )
    receiver.start()
    values = {
        "aet": title,
        "port": options.port or PORT,
        "allow": options.allow,
        "queue": str(settings.var / "received"),
    }
    rows = [
        ("AE title", title),
        ("Port", str(values["port"])),
        ("Senders", ", ".join(options.allow) or "anybody on this machine"),
        ("Queue", str(values["queue"])),
    ]
    console.result(
        values, f"Waiting for images.\n\n{columns(rows)}\n\nThe page shows them at /received. Ctrl-C ends it."
    )
    with _sweeping(queue):
        try:
            threading.Event().wait()
        finally:
            receiver.stop()
    return 0


def _watch(options: argparse.Namespace, console: Console, queue: ReceivedService, settings: Settings) -> int:
    from backend.adapters.dicom.sender import KEY_FILE, load_key
    from backend.adapters.pacs.watched_folder import WatchedFolder, memory_file

    folder: Path = options.folder
    if folder.resolve().is_relative_to(settings.var.resolve()):
        raise WrongUse(f"expected a folder outside {settings.var}, found {folder}")
    watched = WatchedFolder(folder, memory_file(folder, settings.var), load_key(settings.var / KEY_FILE))
    values = {"folder": str(folder), "remove": options.remove, "queue": str(settings.var / "received")}
    console.result(values, f"Watching {folder}. The page shows its images at /received. Ctrl-C ends it.")
    notice = without_repetition(console.message)
    with _sweeping(queue):
        while True:
            take_files(watched, queue, notice, remove=options.remove)
            time.sleep(INTERVAL_S)


@contextmanager
def _sweeping(queue: ReceivedService) -> Iterator[None]:
    """The queue is swept in the background, where no server does that."""
    from backend.services.received import ReceivedThread

    thread = ReceivedThread([queue.sweep], interval_s=_SWEEP_S)
    thread.start()
    try:
        yield
    finally:
        thread.stop()


def without_repetition(notice: Callable[[str], None]) -> Callable[[str], None]:
    """``notice`` for a line that differs from the one before: a full queue is asked again every few seconds."""
    last = [""]

    def show(line: str) -> None:
        if line != last[0]:
            notice(line)
        last[0] = line

    return show


def take_files(watched: WatchedFolder, queue: ReceivedService, notice: Callable[[str], None], *, remove: bool) -> None:
    """Take each whole file into the queue. One that is no image or too many for its series is named once and stays; one
    that cannot be read waits; while the queue is full or the folder away, all wait."""
    from backend.errors import StorageUnavailable

    try:
        _take(watched, queue, notice, remove=remove)
    except StorageUnavailable as error:
        notice(f"{error}; it is tried again later")


def _take(watched: WatchedFolder, queue: ReceivedService, notice: Callable[[str], None], *, remove: bool) -> None:
    from backend.adapters.pacs.watched_folder import read_file
    from backend.domain import Source, SourceKind
    from backend.errors import InvalidInput, OtherContent, ScanProofError, SeriesFull

    unread: list[str] = []
    for file in watched.whole():
        try:
            content = read_file(file)
        except OSError as error:
            unread.append(f"{file}: {error.strerror}")
            continue
        try:
            queue.receive(content, Source(SourceKind.FOLDER))
        except OtherContent:
            notice(f"{file} has the SOP Instance UID of another file, which was taken before: it stays where it is")
            watched.remember(file)
            continue
        except (InvalidInput, SeriesFull) as error:
            notice(f"{file}: {error}")
            watched.remember(file)
            continue
        except ScanProofError as error:
            notice(f"{file} is tried again later: {error}")
            return
        if remove and watched.is_unchanged(file):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                notice(f"{file} was taken, and cannot be removed: {error.strerror}")
        watched.remember(file)
    if unread:
        notice(f"{len(unread)} files cannot be read, and are tried again later. The first is {unread[0]}")


_ACTS = {"receive": _receive, "watch": _watch}
