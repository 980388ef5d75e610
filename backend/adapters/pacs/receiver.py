"""Receives images of a PACS: a C-STORE and C-ECHO provider (PS3.4, annexes A and B) on pynetdicom.

A peer decides how much it sends and how fast, so every message, PDU, association and wait has a limit, and nothing is
written before it is de-identified.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from pydicom._uid_dict import UID_dictionary
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined] # pynetdicom makes the names at import

from backend.adapters.dicom.rules import rules
from backend.adapters.pacs.peers import Peer, is_title
from backend.dicom_status import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, SUCCESS, status_of
from backend.dicom_tags import SOP_CLASS
from backend.domain import MAX_STUDY_FILE_BYTES, CleanDicom, Source, SourceKind
from backend.errors import ConfigurationError, Conflict, ImageTooLarge, InvalidInput, ScanProofError, ServerBusy
from backend.hosts import is_loopback_host

MAX_OBJECT_BYTES = MAX_STUDY_FILE_BYTES
"""Of one object as it arrives; the clean file of a frame may have 25 MiB."""
MAX_BYTES_AT_ONCE = 256 * 1024 * 1024
"""Of the objects of all associations that are in memory."""
MAX_PDU_BYTES = 64 * 1024
"""What a peer is asked to keep to. A request for an association may be longer."""
MAX_ASSOCIATIONS = 8
ACSE_TIMEOUT_S = 20.0
DIMSE_TIMEOUT_S = 60.0
MESSAGE_S = 600.0
"""For a whole object: one that never ends would keep its memory from others."""
NETWORK_TIMEOUT_S = 60.0
_READ_BYTES = 512 * 1024
_REJECTED = (0x01, 0x01, 0x03)
"""Permanently, by the user, for the calling AE title (PS3.8, table 9-21)."""
STORAGE_CLASSES: tuple[str, ...] = tuple(
    sorted(
        uid
        for uid, (name, kind, *_) in UID_dictionary.items()
        if kind == "SOP Class" and "Image Storage" in name and uid.startswith("1.2.840.10008.5.1.4.1.1.")
    )
)
"""All of the standard that store images (PS3.4, table B.5-1)."""


class Receiver:
    """``keep`` gets each file that ``clean`` made of one; what either raises becomes the status of the answer.

    ``address`` is that of this machine alone, unless a peer is named on another one. ``notice`` gets a line for each
    object that is refused, without anything that identifies a patient.
    """

    def __init__(
        self,
        *,
        title: str,
        port: int,
        peers: Sequence[Peer],
        clean: Callable[[bytes], CleanDicom],
        keep: Callable[[CleanDicom, Source], object],
        notice: Callable[[str], None],
    ) -> None:
        self._peers = peers
        self._clean, self._keep, self._notice = clean, keep, notice
        remote = any(not is_loopback_host(address) for each in peers for address in each.addresses)
        self.address = ("0.0.0.0" if remote else "127.0.0.1", port)  # noqa: S104 - only named peers are accepted
        self._entity = _entity(title)
        self._server: Any = None
        self._messages: WeakKeyDictionary[Any, _LimitedMessages] = WeakKeyDictionary()
        self._budget = _Budget()

    def start(self) -> None:
        """Listen in the background. Raises ConfigurationError where the port is not free."""
        # Its lines may have values of a data set.
        logger = logging.getLogger("pynetdicom")
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._limit),
            (evt.EVT_CONN_CLOSE, self._release),
            (evt.EVT_REQUESTED, self._admit),
            (evt.EVT_C_ECHO, lambda _event: SUCCESS),
            (evt.EVT_C_STORE, self._store),
        ]
        try:
            self._server = self._entity.start_server(self.address, block=False, evt_handlers=handlers)
        except OSError as error:
            raise ConfigurationError(
                f"nothing can listen at port {self.address[1]} of {self.address[0]}: {error.strerror}"
            ) from error

    def stop(self) -> None:
        """Refuse new associations; objects that are being stored are stored."""
        if self._server:
            self._server.shutdown()
        self._entity.shutdown()

    def _limit(self, event: evt.Event) -> None:
        association: Any = event.assoc
        connection = association.dul.socket
        address = str(association.requestor.address_info.address)
        # Before anything is read: connections that say nothing take the places of others.
        if not _may_connect(self._peers, address):
            self._notice(f"refused a connection from {address}: nobody there is allowed to send")
            connection.close()
            return
        connection.socket.settimeout(NETWORK_TIMEOUT_S)
        connection.recv = partial(_read_limited, connection.socket)
        messages = self._messages[association] = _LimitedMessages(association, self._budget)
        association.dimse.receive_primitive = messages.receive

    def _release(self, event: evt.Event) -> None:
        if messages := self._messages.get(event.assoc):
            messages.end()

    def _admit(self, event: evt.Event) -> None:
        requestor: Any = event.assoc.requestor
        title = str(requestor.primitive.calling_ae_title).strip()
        address = str(requestor.address_info.address)
        if not _is_allowed(self._peers, title, address):
            self._notice(f"refused an association of {_shown(title)} at {address}: it is not allowed")
            event.assoc.acse.send_reject(*_REJECTED)
            event.assoc.kill()

    def _store(self, event: evt.Event) -> int:
        title = str(event.assoc.requestor.ae_title).strip()
        messages = self._messages[event.assoc]
        try:
            if excess := messages.take_excess():
                raise excess
            clean = self._clean(event.encoded_dataset(include_meta=True))
            _check_class(event, clean)
            self._keep(clean, Source(SourceKind.STORE, title))
        except ScanProofError as error:
            status = OUT_OF_RESOURCES if isinstance(error, ImageTooLarge) else status_of(error)
            self._notice(f"refused an object of {_shown(title)} with status {status:04X}: {error}")
            return status
        except Exception as error:  # pynetdicom's parsers raise many types; an answer must be sent all the same
            self._notice(f"refused an object of {_shown(title)} with status C000: {type(error).__name__}")
            return CANNOT_UNDERSTAND
        finally:
            messages.release()
        return SUCCESS


class _Budget:
    """MAX_BYTES_AT_ONCE, which all associations share. Thread-safe."""

    def __init__(self) -> None:
        self._taken = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> bool:
        with self._lock:
            if self._taken + count > MAX_BYTES_AT_ONCE:
                return False
            self._taken += count
            return True

    def give_back(self, count: int) -> None:
        with self._lock:
            self._taken -= count


class _LimitedMessages:
    """The messages of one association: what exceeds MAX_OBJECT_BYTES or the budget is read and dropped, so that an
    answer can be sent; a peer that sends on without waiting for answers is cut off."""

    def __init__(self, association: Any, budget: _Budget) -> None:
        self._association = association
        self._budget = budget
        self._receive: Callable[[Any], None] = association.dimse.receive_primitive
        self._arriving = self._whole = 0
        """Bytes in memory: of the message that arrives, and of those before it."""
        self._ends = 0.0
        self._dropped: ScanProofError | None = None
        """Why that one is dropped."""
        self._excess: ScanProofError | None = None
        """Why the last whole one was."""

    def take_excess(self) -> ScanProofError | None:
        excess, self._excess = self._excess, None
        return excess

    def release(self) -> None:
        """No whole message is in memory any more."""
        whole, self._whole = self._whole, 0
        self._budget.give_back(whole)

    def end(self) -> None:
        self._whole, self._arriving = self._whole + self._arriving, 0
        self.release()

    def receive(self, primitive: Any) -> None:
        values = primitive.presentation_data_value_list
        association = self._association
        if association.dimse.message is None:
            self._ends = time.monotonic() + MESSAGE_S
        size = sum(len(data) for _, data in values)
        if self._dropped is None:
            self._dropped = self._refusal(size)
        if self._dropped:
            # The first byte says which fragment it is (PS3.8, annex E.2).
            primitive.presentation_data_value_list = [[context, data[:1]] for context, data in values]
        else:
            self._arriving += size
        self._receive(primitive)
        if association.dimse.message is None:
            self._excess, self._dropped = self._dropped, None
            self._whole, self._arriving = self._whole + self._arriving, 0
        late = association.dimse.message is not None and time.monotonic() > self._ends
        if late or association.dimse.msg_queue.qsize() > 1:
            association.abort(block=False)

    def _refusal(self, size: int) -> ScanProofError | None:
        """Takes ``size`` bytes of the budget, unless they are refused."""
        if self._arriving + size > MAX_OBJECT_BYTES:
            return ImageTooLarge(f"expected an object of at most {MAX_OBJECT_BYTES} bytes, found a larger one")
        if not self._budget.take(size):
            return ServerBusy(f"expected at most {MAX_BYTES_AT_ONCE} bytes from all senders at once, found more")
        return None


def _entity(title: str) -> AE:
    entity = AE(title)
    entity.maximum_pdu_size = MAX_PDU_BYTES
    entity.maximum_associations = MAX_ASSOCIATIONS
    entity.acse_timeout = ACSE_TIMEOUT_S
    entity.dimse_timeout = DIMSE_TIMEOUT_S
    entity.network_timeout = NETWORK_TIMEOUT_S
    entity.require_called_aet = True
    entity.add_supported_context(Verification)
    for each in STORAGE_CLASSES:
        entity.add_supported_context(each, list(rules().transfer_syntaxes))
    return entity


def _read_limited(connection: socket.socket, size: int) -> bytearray:
    """pynetdicom reads as many bytes as a PDU says that it has, and waits for them without end. Raises OSError, which
    closes the connection."""
    if size > _READ_BYTES:
        raise OSError(f"expected a PDU of at most {_READ_BYTES} bytes, found one of {size}")
    found = bytearray()
    end = time.monotonic() + NETWORK_TIMEOUT_S
    try:
        while len(found) < size:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"expected a PDU within {NETWORK_TIMEOUT_S} s, found a part of one")
            connection.settimeout(left)
            part = connection.recv(size - len(found))
            if not part:
                break
            found += part
    finally:
        connection.settimeout(NETWORK_TIMEOUT_S)
    return found


def _may_connect(peers: Sequence[Peer], address: str) -> bool:
    """Without ``peers``, anybody on this machine."""
    return any(each.is_at(address) for each in peers) if peers else is_loopback_host(address)


def _is_allowed(peers: Sequence[Peer], title: str, address: str) -> bool:
    return not peers or any(each.title == title and each.is_at(address) for each in peers)


def _check_class(event: evt.Event, clean: CleanDicom) -> None:
    """Raises Conflict where the data set is not of the class and instance that the command names."""
    request: Any = event.request
    named = (str(request.AffectedSOPClassUID), str(request.AffectedSOPInstanceUID))
    if named[0] != event.context.abstract_syntax or clean.first.value(SOP_CLASS) != named[0]:
        raise Conflict("expected a data set of the SOP class that the command names, found another one")
    if clean.uids.get(named[1], named[1]) != clean.instance:
        raise InvalidInput("expected a data set of the SOP instance that the command names, found another one")


def _shown(title: str) -> str:
    return title if is_title(title) else "an AE title that is none"
