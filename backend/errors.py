"""Every error the backend raises on purpose, as one tree.

ScanProofError
├── InvalidInput                the caller's input is wrong (HTTP 400)
│   ├── UnsupportedImage        not an image of an accepted type, or corrupt (415)
│   ├── ImageTooLarge           more bytes or pixels than accepted (413)
│   ├── IdentifiersLeft         a DICOM file or slide that still identifies somebody (422)
│   ├── InvalidCid              not a CIDv1, base32, SHA-256 (400)
│   ├── InvalidEvidence         not an evidence file (400)
│   ├── InvalidFields           fields of a form, each with its own message (422)
│   ├── InvalidShares           shares that are altered, too few, or of several files (400)
│   └── InvalidStudy            not a study, or a document that is not of it (400)
├── NotFound                    no such image, manifest, record or model (404)
├── Conflict                    the request contradicts the stored state (409)
│   ├── OtherContent            a DICOM object whose UID is that of another one here
│   ├── OtherMagnification      the model is for another magnification than was stated
│   └── MagnificationsDiffer    sources state several, and the model is for one
├── SignInFailed                the e-mail address, the password or another proof is wrong (401)
│   └── CodeRequired            the password is right, and a one-time code is missing (401)
├── SignInRequired              nobody is signed in (401)
├── RoleRequired                the account may not do this (403)
├── AccountsOff                 this server has no accounts (404)
├── LinkExpired                 a link of a mail that was used, or is too old (410)
├── RecordNotVerified           a record of which a check failed (409)
├── NotIssuer                   a credential that only another key can issue (409)
├── Unconfirmed                 a person must confirm an upload first (409)
│   ├── TextInImage             the picture seems to show text
│   ├── UnrecognisedImage       no known kind of medical image, for a public store
│   ├── TextInSlices            slices of a study seem to show text
│   └── UnrecognisedSlices      slices of a study are of no known kind, for a public store
├── LimitExceeded               too many requests or bytes from one address (429)
├── QueueFull                   no room for more received images (507)
│   └── SeriesFull              no room in that series, whatever else is taken (507)
├── ServerBusy                  no capacity is free at the moment (503)
├── StorageError                the IPFS store
│   ├── StorageUnavailable      cannot be reached or answers with errors (503)
│   │   ├── StorageFull         has no room left (507)
│   │   └── StorageReadOnly     can be read, not written (503)
│   ├── StorageRefused          refuses the credentials or the request (502)
│   ├── CidMismatch             the bytes do not have the CID (502)
│   ├── ObjectDamaged           a stored object lacks a block (502)
│   ├── ObjectLost              an object that was stored here is gone (410)
│   └── InvalidDag              the blocks of a CID are not a file in the layout of ``unixfs`` (502)
├── ChainError                  the Ethereum node
│   ├── ChainUnavailable        cannot be reached (503)
│   ├── LogsIncomplete          answers, but does not show all events (503)
│   └── WrongChain              serves another chain, or one without the contract (503)
├── ClockWrong                  this server's clock and the chain's differ: the contract would refuse (503)
├── DatabaseUnavailable         the database cannot be read or written (503)
│   ├── DatabaseFull            has no room left (507)
│   └── RowDamaged              a stored row is not what was written (500)
├── Overloaded                  too many requests of a kind at once (503)
├── PageNotBuilt                the page's files are missing (503)
├── ClassificationFailed        the model could not be run (500)
├── ResultsUnreadable           a file with results of a comparison is damaged (500)
└── ConfigurationError          a setting is missing or unsafe; raised only at start
    └── ChainInUse              another process runs the embedded chain of this folder
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backend.domain import Check, TextBox

_SHOWN_NAMES = 12
_NUMBERED = 10
"""The most slices that a message numbers."""


class ScanProofError(Exception):
    """Base class. ``status`` is the HTTP status, ``title`` the fixed summary of the problem type (RFC 9457)."""

    status = 500
    title = "Something went wrong on the server"
    extension: Mapping[str, Any] = {}
    """Further members of the problem details (RFC 9457, section 3.2)."""
    retry_after: float | None = None
    """Seconds after which the same request may succeed, for the Retry-After header."""


class InvalidInput(ScanProofError):
    status = 400
    title = "The request is not valid"


class UnsupportedImage(InvalidInput):
    status = 415
    title = "The file is not an image that can be used"


class ImageTooLarge(InvalidInput):
    status = 413
    title = "The image is too large"


class IdentifiersLeft(InvalidInput):
    """``names`` are those of attributes and other places in the file; never their values."""

    status = 422
    title = "The file still has identifiers"

    def __init__(self, names: Sequence[str], what: str = "DICOM file") -> None:
        super().__init__(
            f"expected a {what} without identifiers, found {_first(names, _SHOWN_NAMES)}: the page and `scanproof "
            "deidentify` remove them"
        )
        self.names = tuple(names)
        self.what = what


class InvalidCid(InvalidInput):
    title = "The CID is not valid"


class InvalidEvidence(InvalidInput):
    title = "The file is not an evidence file"


class InvalidShares(InvalidInput):
    title = "The shares do not restore the file"


class InvalidStudy(InvalidInput):
    title = "The study is not valid"


class InvalidFields(InvalidInput):
    """``fields``: a message for each field, by its name in the request."""

    status = 422
    title = "Fields of the form are not valid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {message}" for name, message in fields.items()))
        self.extension = {"fields": dict(fields)}


class SignInFailed(ScanProofError):
    status = 401
    title = "The sign-in failed"


class CodeRequired(SignInFailed):
    title = "A one-time code is needed"

    def __init__(self) -> None:
        super().__init__("expected a code of your app, or a recovery code, as well")


class SignInRequired(ScanProofError):
    status = 401
    title = "Sign in first"

    def __init__(self) -> None:
        super().__init__("expected a request of somebody who is signed in: sign in at /sign-in")


class RoleRequired(ScanProofError):
    status = 403
    title = "Your account may not do this"


class AccountsOff(ScanProofError):
    status = 404
    title = "This server has no accounts"

    def __init__(self) -> None:
        super().__init__("this server has no accounts: whoever runs it sets SCANPROOF_ACCOUNTS=on to have them")


class LinkExpired(ScanProofError):
    status = 410
    title = "The link is no longer valid"

    def __init__(self) -> None:
        super().__init__("expected a link that was not used yet and is not too old: ask for a new one")


class NotFound(ScanProofError):
    status = 404
    title = "Not found"


class Conflict(ScanProofError):
    status = 409
    title = "The request contradicts what is stored"


class OtherContent(Conflict):
    title = "Another DICOM object has this UID"

    def __init__(self) -> None:
        super().__init__(
            "expected the same content as the DICOM object of this SOP Instance UID that is here, found another one: "
            "the first one stays"
        )


class OtherMagnification(Conflict):
    title = "The model is for another magnification"

    def __init__(self, model: str, expected: int, found: str) -> None:
        super().__init__(
            f"expected an image at {expected}X, found one that was stated to be at {found}X: {model} is for {expected}X"
        )


class MagnificationsDiffer(Conflict):
    title = "Sources differ about the magnification"

    def __init__(self, model: str, expected: int, found: Sequence[str]) -> None:
        super().__init__(
            f"expected an image at {expected}X, found {' and '.join(found)}: {model} is for {expected}X, and sources "
            "differ about this image. Upload it again, and say that the right one takes the place of the others"
        )


class RecordNotVerified(ScanProofError):
    """``failed`` are the checks that failed."""

    status = 409
    title = "The record does not verify"

    def __init__(self, image_id: str, failed: Sequence[Check]) -> None:
        first = failed[0]
        super().__init__(
            f"the record {image_id} does not verify, so nothing is made from it. {first.name}: expected "
            f"{first.expected}, found {first.found}" + (f"; {len(failed) - 1} more checks failed" if failed[1:] else "")
        )
        self.failed = tuple(failed)


class NotIssuer(ScanProofError):
    """``address`` is that of the key here, None without one."""

    status = 409
    title = "The credential cannot be issued here"

    def __init__(self, classifier: str, address: str | None, image_id: str) -> None:
        there = f"the key here is that of {address}" if address else "it is not here"
        super().__init__(
            f"only the key of the classifier {classifier} can sign a credential of its result, and {there}. Use the "
            f"evidence file in its place: scanproof evidence {image_id} --output FILE"
        )
        self.classifier = classifier
        self.address = address


class Unconfirmed(ScanProofError):
    """Nothing is stored yet. The same request with the answer in its form is accepted."""

    status = 409
    title = "The upload must be confirmed"


class TextInImage(Unconfirmed):
    """``boxes`` are the places; an empty one if text could not be looked for."""

    title = "The picture seems to show text"

    def __init__(self, boxes: Sequence[TextBox]) -> None:
        found = f"found {len(boxes)} places with text" if boxes else "could not look for text"
        super().__init__(
            f"expected a picture without text that may identify somebody, {found}: send text=keep if it identifies "
            "nobody, or text=mask to have the places made black"
        )
        self.extension = {"boxes": [asdict(box) for box in boxes]}


class UnrecognisedImage(Unconfirmed):
    title = "The image is of no known kind"

    def __init__(self) -> None:
        super().__init__(
            "expected a medical image of a known kind, found none, perhaps a photo or a screenshot. The store is "
            "public and permanent: send pinAnyway=true to pin it all the same"
        )


class TextInSlices(Unconfirmed):
    """``slices`` are their orders, from 0."""

    title = "Slices seem to show text"

    def __init__(self, slices: Sequence[int]) -> None:
        super().__init__(
            f"expected slices without text that may identify somebody, found some in {_numbered(slices)}: send "
            "text=keep if it identifies nobody, or text=leave-out to make the study without them"
        )
        self.extension = {"slices": list(slices)}


class UnrecognisedSlices(Unconfirmed):
    """``slices`` are their orders, from 0."""

    title = "Slices are of no known kind"

    def __init__(self, slices: Sequence[int]) -> None:
        super().__init__(
            f"expected medical images of a known kind, found others in {_numbered(slices)}. The store is public and "
            "permanent: send pinAnyway=true to pin them all the same"
        )
        self.extension = {"slices": list(slices)}


def _numbered(slices: Sequence[int]) -> str:
    return f"slice{'s' if len(slices) > 1 else ''} {_first([str(order + 1) for order in slices], _NUMBERED)}"


def _first(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


class LimitExceeded(ScanProofError):
    status = 429
    title = "Too much from one address"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class QueueFull(ScanProofError):
    status = 507
    title = "The queue of received images is full"


class SeriesFull(QueueFull):
    title = "The received series is full"


class ServerBusy(ScanProofError):
    status = 503
    title = "The server is busy"
    retry_after: float | None = 10


class StorageError(ScanProofError):
    status = 502
    title = "The image store failed"


class StorageUnavailable(StorageError):
    status = 503
    title = "The image store cannot be reached"
    retry_after: float | None = 5


class StorageFull(StorageUnavailable):
    status = 507
    title = "The image store is full"
    retry_after = None


class StorageReadOnly(StorageUnavailable):
    title = "The image store can only be read"


class StorageRefused(StorageError):
    title = "The image store refused the request"


class CidMismatch(StorageError):
    title = "The stored bytes do not match their CID"

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected the bytes of {expected}, got bytes of {found}")
        self.expected = expected
        self.found = found


class ObjectDamaged(StorageError):
    title = "A part of the stored object is missing"


class ObjectLost(StorageError):
    status = 410
    title = "The stored object is gone"


class InvalidDag(StorageError):
    title = "The stored blocks are not a file that can be read"


class ChainError(ScanProofError):
    status = 503
    title = "The chain failed"


class ChainUnavailable(ChainError):
    title = "The chain cannot be reached"
    retry_after: float | None = 5


class LogsIncomplete(ChainError):
    """``block`` is the number of the first block whose events are not all shown; with ``lacking``, of the newest one up
    to which the contract's state shows that these events are not."""

    title = "The node does not show every event yet"
    retry_after: float | None = 5

    def __init__(self, block: int, lacking: str = "") -> None:
        super().__init__(
            f"the node hides logs: up to block {block} it does not show {lacking}, which the contract's state has: "
            "try again, or name another node"
            if lacking
            else f"the node does not show every event of block {block} yet: try again in a moment"
        )
        self.block = block


class WrongChain(ChainError):
    title = "The node serves another chain or the contract is not there"


class ClockWrong(ScanProofError):
    status = 503
    title = "The server's clock and the chain's differ too much"


class DatabaseUnavailable(ScanProofError):
    status = 503
    title = "The database cannot be used"
    retry_after: float | None = 5


class DatabaseFull(DatabaseUnavailable):
    status = 507
    title = "The disk of the database is full"
    retry_after = None


class RowDamaged(DatabaseUnavailable):
    status = 500
    title = "A stored row is damaged"
    retry_after = None


class Overloaded(ScanProofError):
    status = 503
    title = "The server has too many requests"
    retry_after: float | None = 2


class PageNotBuilt(ScanProofError):
    status = 503
    title = "The page is not built"


class ClassificationFailed(ScanProofError):
    title = "The model could not be run"


class ResultsUnreadable(ScanProofError):
    title = "The results of the networks cannot be read"


class ConfigurationError(ScanProofError):
    title = "The configuration is not usable"


class ChainInUse(ConfigurationError):
    """``owner`` is the id of the other process, or None while that process starts."""

    def __init__(self, folder: Path, owner: int | None) -> None:
        process = f"process {owner}" if owner else "another process"
        super().__init__(f"{process} runs the chain in {folder} already: stop that ScanProof first")
        self.folder = folder
        self.owner = owner


@contextmanager
def after_sending(hashes: Sequence[str]) -> Iterator[None]:
    """An error in this block says that these transactions were sent, as far as it does not name them itself. They may
    be added meanwhile."""
    try:
        yield
    except ScanProofError as error:
        text = str(error)
        if unnamed := [hash_ for hash_ in hashes if hash_ not in text]:
            what = f"transaction {unnamed[0]} was" if len(unnamed) == 1 else f"transactions {', '.join(unnamed)} were"
            error.args = (f"{what} sent, but {text}",)
        raise
