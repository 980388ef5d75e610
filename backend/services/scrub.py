"""Finds stored blocks and rows that changed on their disk, repairs what has another copy, and names what has none.

Blocks are hashed; rows that come from the chain are compared with it, and other rows with their own checksum. Objects
that a pinning service keeps are fetched and hashed.
"""

from __future__ import annotations

import logging
import secrets
import tempfile
import threading
import time
from bisect import bisect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from backend.domain import MAX_IMAGE_BYTES, DamagedRow, ImageFacts, IndexedEvent
from backend.errors import CidMismatch, ImageTooLarge, NotFound, ScanProofError, StorageError, StorageUnavailable
from backend.ports import BlockAudit, Chain, EventStore, ObjectStore, RowAudit
from backend.services.event_index import ranges, read_range

ORPHAN_AGE_S = 24 * 3600.0
FETCHED_AT_ONCE = 100
"""The most objects that a background scrub fetches from a pinning service, which counts requests and bytes."""
_NAMED_PROBLEMS = 3
_FAILURES = 3
"""After so many objects in a row that could not be asked for, a scrub fetches no more."""
_log = logging.getLogger(__name__)
Copy = Callable[[str], bytes | None]
"""Finds a copy of an object by its CID."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``repair`` says how it was repaired, None if it was not."""

    what: str
    problem: str
    repair: str | None


@dataclass(slots=True)
class ScrubReport:
    """``objects``, ``rows`` and ``events`` are the numbers of what was checked, ``orphans`` that of the blocks which
    belong to nothing; ``unchecked`` says what could not be checked, and why. With ``dry_run`` nothing is changed."""

    dry_run: bool = False
    objects: int = 0
    rows: int = 0
    events: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @property
    def damage(self) -> list[Finding]:
        """What was not repaired."""
        return [finding for finding in self.findings if finding.repair is None]


class ScrubService:
    """``blocks`` is None for a store that is not kept here, whose objects are fetched. ``copies`` are asked in turn for
    a damaged object; their names complete "written again from". ``derive`` gives the facts of a stored image."""

    def __init__(
        self,
        *,
        rows: RowAudit,
        blocks: BlockAudit | None,
        store: ObjectStore,
        chain: Chain,
        events: EventStore,
        cid_of: Callable[[bytes], str],
        derive: Callable[[str], ImageFacts | None],
        copies: Mapping[str, Copy],
        orphan_age_s: float = ORPHAN_AGE_S,
        most_bytes: int = MAX_IMAGE_BYTES,
    ) -> None:
        self._rows = rows
        self._blocks = blocks
        self._store = store
        self._chain = chain
        self._events = events
        self._cid_of = cid_of
        self._derive = derive
        self._copies = {"the database": rows.copy, **copies}
        self._orphan_age_s = orphan_age_s
        self._most_bytes = most_bytes
        self._last = ScrubReport()
        self._current = ScrubReport()
        self._fetched: str | None = None
        self._damaged_objects: dict[str, Finding] = {}
        """Of a store whose objects are fetched, each seldom."""

    def damage(self) -> list[str]:
        """What the scrubs of this process found and did not repair, in a sentence each."""
        found = [*self._last.damage, *self._current.damage, *self._damaged_objects.values()]
        return list(dict.fromkeys(f"{finding.what}: {finding.problem}" for finding in found))

    def run(self, *, dry_run: bool = False) -> ScrubReport:
        """One whole scrub."""
        report = ScrubReport(dry_run)
        for _ in self.steps(report):
            pass
        return report

    def steps(self, report: ScrubReport, *, events: bool = True, fetched: int | None = None) -> Iterator[None]:
        """One scrub in small steps, which fill ``report``. Without ``events`` the chain is not asked. ``fetched``: the
        most objects to fetch from a pinning service, the next ones in turn; by default all."""
        self._current = report
        parts = {"the rows": self._scrub_rows(report)}
        if events:
            parts["the events"] = self._scrub_events(report)
        if self._blocks:
            parts["the objects"] = self._scrub_objects(report, self._blocks)
        else:
            parts["the objects"] = self._fetch_objects(report, fetched)
        for name, part in parts.items():
            try:
                yield from part
            except ScanProofError as error:
                report.unchecked.append(f"{name}: {error}")
        self._last, self._current = report, ScrubReport()

    def _scrub_rows(self, report: ScrubReport) -> Iterator[None]:
        for table in self._rows.tables():
            after: object = None
            while True:
                damaged, count, after = self._rows.damaged(table, after)
                report.rows += count
                for row in damaged:
                    _add(report, row.name, "the row is not what was written", partial(self._mend_row, row))
                yield
                if after is None:
                    break
        left = cache(self._left_after_rebuilding)
        for problem in self._rows.structure():
            _add(report, "the database", problem, partial(_mended, problem, left))
            yield

    def _mend_row(self, row: DamagedRow) -> str | None:
        if self._rows.correct(row):
            return "the bit that changed was set back"
        if row.table == "images" and (facts := self._derive(str(row.values["cid"]))):
            self._rows.restore_image(row, facts)
            return "written again from the image"
        return self._rows.discard(row)

    def _left_after_rebuilding(self) -> Collection[str]:
        """The problems of the database's structure that remain when its indexes are built again."""
        self._rows.rebuild_indexes()
        return frozenset(self._rows.structure())

    def _scrub_events(self, report: ScrubReport) -> Iterator[None]:
        ledger = self._events.ledger(self._chain.chain_id, self._chain.contract)
        kept = self._events.checkpoints(ledger, limit=1)
        if not kept:
            return
        newest, first = kept[0], self._chain.start_block
        (block,) = self._chain.blocks([newest.number])
        if block is None or block.hash != newest.hash:
            report.unchecked.append("the events: the index has to follow the chain first")
            return
        # One repair mends all that is found in its range. One that failed is tried again.
        remove = cache(partial(self._remove_strays, ledger))
        for place in self._rows.strays(ledger, first):
            _add(report, place, "the chain has no such event", remove)
        for first, last in ranges(self._chain.start_block, newest.number):
            events = read_range(self._chain, first, last).events
            report.events += len(events)
            if self._rows.differing(ledger, first, last, events):
                # Once more: the chain or the index may have changed meanwhile.
                events = read_range(self._chain, first, last).events
                repair = cache(partial(self._read_again, ledger, first, last, events))
                for place in self._rows.differing(ledger, first, last, events):
                    _add(report, place, "what is stored is not what the chain has", repair)
            yield

    def _read_again(self, ledger: int, first: int, last: int, events: Sequence[IndexedEvent]) -> str:
        self._rows.replace(ledger, first, last, events)
        return "read again from the chain"

    def _remove_strays(self, ledger: int) -> str:
        self._rows.remove_strays(ledger, self._chain.start_block)
        return "removed"

    def _scrub_objects(self, report: ScrubReport, blocks: BlockAudit) -> Iterator[None]:
        pinned = set(blocks.objects())
        named = [cid for cid in self._rows.named() if cid not in pinned]
        for cid in [*sorted(pinned), *named]:
            report.objects += 1
            problems = blocks.damage(cid)
            if problems:
                more = f", and {len(problems) - _NAMED_PROBLEMS} more" if len(problems) > _NAMED_PROBLEMS else ""
                problem = ", ".join(problems[:_NAMED_PROBLEMS]) + more
                _add(report, cid, problem, partial(self._mend_object, cid))
            elif cid not in pinned:
                _add(report, cid, "its blocks are stored, but it is not pinned", partial(self._pin, blocks, cid))
            yield
        yield from self._collect(blocks, named, report)

    def _fetch_objects(self, report: ScrubReport, most: int | None) -> Iterator[None]:
        failures = 0
        for cid in self._next_objects(most):
            try:
                problem = self._problem_of(cid)
            except StorageError as error:
                failures += 1
                if failures == _FAILURES:
                    raise StorageUnavailable(f"{error}; the rest was not fetched") from error
                report.unchecked.append(f"{cid}: {error}")
                yield
                continue
            failures = 0
            report.objects += 1
            self._fetched = cid
            self._damaged_objects.pop(cid, None)
            if problem:
                finding = _add(report, cid, problem, partial(self._pin_again, cid))
                if finding.repair is None:
                    self._damaged_objects[cid] = finding
            yield

    def _next_objects(self, most: int | None) -> Sequence[str]:
        """All objects that rows name, or the ``most`` that follow the last one. A process begins anywhere among them,
        since it may end before it has fetched all."""
        cids = sorted(set(self._rows.named()))
        if most is None or not cids:
            return cids
        after = bisect(cids, self._fetched or secrets.choice(cids))
        return [*cids[after:], *cids[:after]][:most]

    def _problem_of(self, cid: str) -> str | None:
        """Raises StorageError for a store that cannot be asked."""
        if not self._store.has(cid):
            return "it is not pinned"
        try:
            with tempfile.TemporaryFile() as file:
                self._store.copy(cid, file, max_bytes=self._most_bytes)
        except (CidMismatch, ImageTooLarge):
            return "the store gives other bytes"
        except NotFound:
            return "it is pinned, but the store does not give it"
        return None

    def _pin_again(self, cid: str) -> str | None:
        """With what a gateway still has, or a copy."""
        with tempfile.TemporaryFile() as file:
            try:
                self._store.copy(cid, file, max_bytes=self._most_bytes)
            except (StorageError, NotFound, ImageTooLarge):
                return self._mend_object(cid)
            self._store.put_file(file, name=cid, media_type="application/octet-stream")
        return "pinned again"

    def _mend_object(self, cid: str) -> str | None:
        for name, copy in self._copies.items():
            content = copy(cid)
            if content is not None and self._cid_of(content) == cid:
                self._store.put(content, name=cid, media_type="application/octet-stream")
                return f"written again from {name}"
        return None

    @staticmethod
    def _pin(blocks: BlockAudit, cid: str) -> str:
        blocks.adopt(cid)
        return "pinned again"

    def _collect(self, blocks: BlockAudit, named: Collection[str], report: ScrubReport) -> Iterator[None]:
        report.orphans, report.orphan_bytes = blocks.collect(
            named, older_than_s=self._orphan_age_s, dry_run=report.dry_run
        )
        yield


def _mended(problem: str, left: Callable[[], Collection[str]]) -> str | None:
    return None if problem in left() else "the indexes of the database were built again"


def _add(report: ScrubReport, what: str, problem: str, repair: Callable[[], str | None]) -> Finding:
    """A repair that fails, for instance on a full disk, leaves the finding as damage."""
    how = None
    if not report.dry_run:
        try:
            how = repair()
        except ScanProofError as error:
            problem = f"{problem}, and the repair failed: {error}"
    report.findings.append(Finding(what, problem, how))
    return report.findings[-1]


class ScrubThread(threading.Thread):
    """Scrubs every ``interval_s`` seconds in small steps, at a tenth of the time at most.

    Compares the events with the chain only every ``events_every_s`` seconds, since a hosted node counts requests, and
    fetches FETCHED_AT_ONCE objects of a pinning service every ``fetch_every_s``.
    """

    def __init__(self, scrub: ScrubService, *, interval_s: float, events_every_s: float, fetch_every_s: float) -> None:
        super().__init__(name="scrub", daemon=True)
        self._scrub = scrub
        self._interval_s = interval_s
        self._events_every_s = events_every_s
        self._fetch_every_s = fetch_every_s
        self._stopped = threading.Event()
        self._logged: set[Finding] = set()

    def run(self) -> None:
        events_at = fetched_at = float("-inf")
        while not self._stopped.wait(self._interval_s):
            begun = time.monotonic()
            events = begun - events_at >= self._events_every_s
            fetch = begun - fetched_at >= self._fetch_every_s
            events_at = begun if events else events_at
            fetched_at = begun if fetch else fetched_at
            try:
                self._run_slowly(events=events, fetched=FETCHED_AT_ONCE if fetch else 0)
            except Exception:  # the thread must survive every error and try again
                _log.exception("the stored data could not be checked")

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def _run_slowly(self, *, events: bool, fetched: int) -> None:
        report, begun = ScrubReport(), time.monotonic()
        for _ in self._scrub.steps(report, events=events, fetched=fetched):
            if self._stopped.wait(9 * (time.monotonic() - begun)):
                return
            begun = time.monotonic()
        for finding in report.findings:
            if finding not in self._logged:
                _log.warning("%s: %s: %s", finding.what, finding.problem, finding.repair or "it cannot be repaired")
        self._logged = set(report.findings)
