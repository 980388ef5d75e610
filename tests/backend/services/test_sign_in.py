"""Sessions that end by time, and attempts that are slowed down, with a clock of the test's own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlalchemy import func, select, text

from backend.accounts import Account, EventKind, Failures, LinkedWallet, Passkey, Purpose, Role, SignInMethod, Visitor
from backend.adapters.accounts.one_time_codes import TotpCodes
from backend.adapters.accounts.passwords import Argon2Hasher, ZxcvbnJudge
from backend.adapters.database.accounts import SqlAccounts
from backend.adapters.database.credentials import SqlCredentials
from backend.adapters.database.engine import open_database
from backend.adapters.database.tables import AccountEventRow, Base, UnconfirmedAccountRow
from backend.errors import CodeRequired, Conflict, LimitExceeded, LinkExpired, NotFound, SignInFailed
from backend.hosts import network_of
from backend.services.account_log import AccountLog, AccountParts, hash_of
from backend.services.accounts import AccountService
from backend.services.people import PeopleService
from backend.services.registration import RegistrationService
from backend.services.second_factor import SecondFactor
from backend.services.sign_in import DEVICE_S, IDLE_S, LONGEST_S, SignInService, _wait

EMAIL, PASSWORD, WRONG = "alice@example.org", "correct horse battery staple", "something that is wrong"
OTHER, LAST = "a fish rides bicycles on Tuesdays", "seven purple lamps sing in the attic"
HOME, AWAY = Visitor("192.0.2.1", "Firefox"), Visitor("198.51.100.2", "curl\x1b[2J")


class Outbox:
    """Port Mailer, as a list."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []

    def send(self, to: str, subject: str, text: str) -> None:
        self.mails.append((to, subject, text))

    def token(self) -> str:
        return self.mails[-1][2].partition("#")[2].split()[0]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Services:
    def __init__(self, folder: Path, url: str = "") -> None:
        self.database = open_database(url or f"sqlite:///{folder / 'scanproof.db'}")
        self.clock, self.outbox = Clock(), Outbox()
        self.rows, self.hasher = SqlAccounts(self.database), Argon2Hasher(8, iterations=1)
        self.log = AccountLog(self.rows, self.clock)
        self.credentials = SqlCredentials(self.database)
        parts = AccountParts(self.rows, self.hasher, ZxcvbnJudge(), self.outbox, self.log, "https://scanproof.example")
        self.second = SecondFactor(parts, self.credentials, TotpCodes(folder / "accounts.key"))
        self.sign_in = SignInService(parts, self.second)
        self.registration = RegistrationService(parts, self.sign_in)
        self.accounts = AccountService(parts, self.credentials, self.sign_in)
        self.people = PeopleService(parts)

    def alice(self) -> Account:
        return self.create(EMAIL, Role.PATIENT)

    def create(self, email: str, role: Role) -> Account:
        values = {"name": "Person", "email": email, "phone": "+41441234567"}
        return self.registration.create({**values, "password": PASSWORD, "password_again": PASSWORD}, role)

    def codes(self, account: Account) -> list[str]:
        """Recovery codes; the app's are on from now."""
        app = pyotp.TOTP(parse_qs(urlsplit(self.second.begin(account)).query)["secret"][0])
        return list(self.second.confirm(account, app.at(int(self.clock.now)), HOME))

    def guess(self, visitor: Visitor = AWAY, times: int = 1) -> None:
        for _ in range(times):
            with pytest.raises(SignInFailed, match="the e-mail address or the password is wrong"):
                self.sign_in.sign_in(EMAIL, WRONG, "", visitor)


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    made = Services(tmp_path)
    yield made
    made.database.close()


def test_a_session_that_is_not_used_ends(services: Services) -> None:
    services.alice()
    token = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).token
    services.clock.now += IDLE_S - 1
    assert services.sign_in.find(token).last_at == int(services.clock.now)
    services.clock.now += IDLE_S - 1
    assert services.sign_in.find(token)
    services.clock.now += IDLE_S + 1
    assert services.sign_in.find(token) is None
    assert services.rows.sessions(services.rows.by_email(EMAIL).account_id) == []


def test_no_session_lasts_longer_than_a_week(services: Services) -> None:
    services.alice()
    token, begun = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).token, services.clock.now
    while services.clock.now < begun + LONGEST_S - IDLE_S + 10:
        services.clock.now += IDLE_S - 10
        assert services.sign_in.find(token)
    services.clock.now = begun + LONGEST_S + 1
    assert services.sign_in.find(token) is None


def test_a_new_session_removes_those_that_ended(services: Services) -> None:
    account = services.alice()
    services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME)
    services.clock.now += IDLE_S + 1
    services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME)
    assert len(services.rows.sessions(account.account_id)) == 1


def test_use_is_written_at_most_once_a_minute(services: Services) -> None:
    services.alice()
    token = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).token
    begun = services.clock.now
    services.clock.now += 59
    assert services.sign_in.find(token).last_at == begun
    services.clock.now += 1
    assert services.sign_in.find(token).last_at == begun + 60


def test_after_five_failures_each_attempt_waits_twice_as_long(services: Services) -> None:
    services.alice()
    services.guess(times=5)
    for seconds in (1, 2, 4, 8):
        with pytest.raises(LimitExceeded, match="too many attempts failed: wait, or reset the password") as refused:
            services.sign_in.sign_in(EMAIL, PASSWORD, "", AWAY)
        assert refused.value.retry_after == seconds
        services.clock.now += seconds
        services.guess()
    services.clock.now += 16
    services.sign_in.sign_in(EMAIL, PASSWORD, "", AWAY)
    services.guess(times=5)


def test_attempts_at_the_same_time_count_each_other(services: Services) -> None:
    services.alice()
    assert guesses(services) == {SignInFailed: 5, LimitExceeded: 3}


def guesses(services: Services) -> Counter[type[Exception]]:
    """What eight at once come to."""
    return Counter(map(type, at_once([lambda: services.sign_in.sign_in(EMAIL, WRONG, "", AWAY)] * 8)))


def test_the_longest_wait_is_a_quarter_of_an_hour() -> None:
    assert _wait(Failures(500, 1000, 0, 0), 1000, known=True) == 900
    assert _wait(Failures(500, 1000, 0, 0), 1900, known=True) == 0
    assert _wait(Failures(0, 0, 0, 0), 1000, known=False) == 0


def test_strangers_do_not_slow_down_a_browser_in_which_the_owner_signed_in(services: Services) -> None:
    services.alice()
    device = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).device
    for number in range(20):
        services.guess(Visitor(f"203.0.113.{number}"), times=5)
    with pytest.raises(LimitExceeded) as refused:
        services.sign_in.sign_in(EMAIL, PASSWORD, "", Visitor("203.0.113.99"))
    assert refused.value.retry_after == 60
    assert services.sign_in.sign_in(EMAIL, PASSWORD, "", Visitor("203.0.113.99", device=device)).device == device
    services.clock.now += 60
    services.sign_in.sign_in(EMAIL, PASSWORD, "", Visitor("203.0.113.99"))


def test_a_known_browser_is_slowed_down_by_its_own_failures(services: Services) -> None:
    services.alice()
    device = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).device
    services.guess(Visitor("192.0.2.1", device=device), times=5)
    with pytest.raises(LimitExceeded):
        services.sign_in.sign_in(EMAIL, PASSWORD, "", Visitor("203.0.113.5", device=device))


def test_a_browser_is_known_for_half_a_year_and_to_its_account_only(services: Services) -> None:
    account = services.alice()
    first = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME)
    other = services.registration.create(
        {
            "name": "B",
            "email": "b@example.org",
            "phone": "+41441234567",
            "password": PASSWORD,
            "password_again": PASSWORD,
        },
        Role.DOCTOR,
    )
    second = services.sign_in.sign_in("b@example.org", PASSWORD, "", Visitor("192.0.2.1", device=first.device))
    assert second.device != first.device
    now = int(services.clock.now)
    owners = [services.rows.device_owner(hash_of(each.device), now) for each in (first, second)]
    assert owners == [account.account_id, other.account_id]
    assert services.rows.device_owner(hash_of(first.device), now + DEVICE_S + 1) is None
    services.clock.now += DEVICE_S + 1
    assert (
        services.sign_in.sign_in(EMAIL, PASSWORD, "", Visitor("192.0.2.1", device=first.device)).device != first.device
    )


def test_an_account_keeps_its_twenty_newest_browsers(services: Services) -> None:
    services.alice()
    made = []
    for _ in range(22):
        services.clock.now += 1
        made.append(services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).device)
    now = int(services.clock.now)
    known = [services.rows.device_owner(hash_of(each), now) is not None for each in made]
    assert known == [False] * 2 + [True] * 20


def test_links_expire(services: Services) -> None:
    values = {"name": "Alice", "email": EMAIL, "phone": "+41441234567", "role": "patient"}
    services.registration.register({**values, "password": PASSWORD, "password_again": PASSWORD})
    token = services.outbox.token()
    services.clock.now += 24 * 3600 + 1
    with pytest.raises(LinkExpired, match="expected a link that was not used yet and is not too old"):
        services.registration.confirm(token, PASSWORD, HOME)
    services.alice()
    services.accounts.send_reset(EMAIL, HOME)
    token = services.outbox.token()
    services.clock.now += 3601
    with pytest.raises(LinkExpired):
        services.accounts.reset(token, PASSWORD, PASSWORD, "", HOME)


def test_links_that_a_stranger_asks_for_do_not_end_the_owner_s(services: Services) -> None:
    services.alice()
    services.accounts.send_reset(EMAIL, HOME)
    own = services.outbox.token()
    services.accounts.send_reset(EMAIL, AWAY)
    others = services.outbox.token()
    services.accounts.reset(own, "a fish rides bicycles", "a fish rides bicycles", "", HOME)
    with pytest.raises(LinkExpired):
        services.accounts.reset(others, PASSWORD, PASSWORD, "", AWAY)


def test_a_password_is_hashed_anew_when_the_parameters_changed(services: Services) -> None:
    account = services.alice()
    services.sign_in._hasher = Argon2Hasher(16, iterations=1)
    services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME)
    assert services.rows.find(account.account_id).password_hash.startswith("$argon2id$v=19$m=16,t=1")


def test_wrong_codes_of_all_networks_count_together_and_the_owner_hears(services: Services) -> None:
    account = services.alice()
    device = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).device
    codes = services.codes(account)
    waits = []
    for number in range(20):
        assert services.outbox.mails == []
        visitor = Visitor(f"203.0.113.{number}")
        with pytest.raises(SignInFailed, match="the code is wrong, or was used already"):
            services.sign_in.sign_in(EMAIL, PASSWORD, "000000", visitor)
        if number >= 4:
            with pytest.raises(LimitExceeded) as refused:
                services.sign_in.sign_in(EMAIL, PASSWORD, codes[0], AWAY)
            waits.append(refused.value.retry_after)
            services.clock.now += refused.value.retry_after
    assert waits == [min(2**number, 900) for number in range(16)]
    assert [mail[:2] for mail in services.outbox.mails] == [(EMAIL, "Wrong one-time codes")]
    assert services.outbox.mails[0][2].startswith("Hello Person,\n\n20 wrong one-time codes were entered within a day")
    with pytest.raises(SignInFailed):
        services.sign_in.sign_in(EMAIL, PASSWORD, "000000", AWAY)
    assert services.sign_in.sign_in(EMAIL, PASSWORD, codes[0], Visitor("203.0.113.9", device=device))
    services.clock.now += 900
    assert services.sign_in.sign_in(EMAIL, PASSWORD, codes[1], AWAY)


def test_the_mail_after_a_reset_names_what_signs_in_as_before(services: Services) -> None:
    account = services.alice()
    now = int(services.clock.now)
    services.credentials.add_passkey(Passkey("1" * 64, account.account_id, b"1", b"key", 0, "Telephone", now, None))
    services.credentials.link_wallet(LinkedWallet("0x" + "ab" * 20, account.account_id, now))
    services.accounts.send_reset(EMAIL, HOME)
    services.accounts.reset(services.outbox.token(), OTHER, OTHER, "", HOME)
    listed = f"Remove what is not yours:\n\n- passkey Telephone\n- wallet 0x{'ab' * 20}\n"
    assert listed in services.outbox.mails[-1][2]
    services.second.remove(account, HOME)
    assert services.outbox.mails[-1][:2] == (EMAIL, "One-time codes were turned off")


def test_what_was_read_before_a_change_does_not_undo_it(services: Services) -> None:
    """A request works with the account as its beginning read it."""
    old, root = services.alice(), services.create("root@example.org", Role.ADMINISTRATOR)
    services.accounts.send_reset(EMAIL, HOME)
    services.accounts.reset(services.outbox.token(), OTHER, OTHER, "", HOME)
    services.people.change(old.account_id, Role.AUDITOR, approved=False, by=root, visitor=HOME)
    services.accounts.change_profile(old, {"name": "Alice", "phone": "+41441234568"}, AWAY)
    now = services.rows.find(old.account_id)
    assert (now.role, now.approved, now.person.phone) == (Role.AUDITOR, False, "+41441234568")
    assert services.hasher.verify(now.password_hash, OTHER)
    session = services.sign_in.sign_in(EMAIL, OTHER, "", HOME).session
    with pytest.raises(Conflict, match="the password changed meanwhile"):
        services.accounts.change_password(
            replace(session, account=old), old=PASSWORD, new=LAST, again=LAST, visitor=AWAY
        )
    assert services.rows.find(old.account_id) == now


def test_a_change_of_the_password_ends_links_to_set_one(services: Services) -> None:
    services.alice()
    session = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).session
    services.accounts.send_reset(EMAIL, AWAY)
    token = services.outbox.token()
    services.accounts.change_password(session, old=PASSWORD, new=OTHER, again=OTHER, visitor=HOME)
    with pytest.raises(LinkExpired):
        services.accounts.reset(token, LAST, LAST, "", AWAY)


def administrators_leave(services: Services) -> list[str]:
    """Two administrators demote each other, and close their accounts, all at once; those left."""
    first, second = (services.create(f"{name}@example.org", Role.ADMINISTRATOR) for name in "ab")
    services.people.change(services.alice().account_id, Role.ADMINISTRATOR, approved=False, by=first, visitor=HOME)

    def demote(account: Account, by: Account) -> None:
        services.people.change(account.account_id, Role.AUDITOR, approved=True, by=by, visitor=HOME)

    refused = at_once(
        [
            lambda: demote(first, second),
            lambda: demote(second, first),
            lambda: services.accounts.close(first, PASSWORD, HOME),
            lambda: services.accounts.close(second, PASSWORD, HOME),
        ]
    )
    for error in refused:
        assert isinstance(error, Conflict | NotFound), error
    return [each.account_id for each in services.people.list() if each.role is Role.ADMINISTRATOR and each.approved]


def at_once(calls: Sequence[Callable[[], object]]) -> list[Exception]:
    """What they raise."""
    raised: list[Exception] = []
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        barrier.wait(30)
        try:
            call()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_one_approved_administrator_stays(services: Services) -> None:
    assert len(administrators_leave(services)) == 1


class Slow(Argon2Hasher):
    """Whatever happens while a password is compared."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__(8, iterations=1)
        self.meanwhile = meanwhile

    def verify(self, password_hash: str | None, password: str) -> bool:
        right = super().verify(password_hash, password)
        self.meanwhile()
        return right


@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_sign_in_on_its_way_does_not_outlive_what_ends_every_session(services: Services, end: str) -> None:
    account = services.alice()
    services.accounts.send_reset(EMAIL, HOME)
    token = services.outbox.token()
    ends = {
        "reset": lambda: services.accounts.reset(token, OTHER, OTHER, "", HOME),
        "close": lambda: services.rows.remove(account, "", 0),
    }
    services.sign_in._hasher = Slow(ends[end])
    with pytest.raises(SignInFailed, match="the account changed meanwhile: sign in again"):
        services.sign_in.sign_in(EMAIL, PASSWORD, "", AWAY)
    assert [each.client for each in services.rows.sessions(account.account_id)] == [HOME.address] * (end == "reset")


def test_the_parameters_and_the_password_change_at_once(services: Services) -> None:
    services.alice()
    session = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME).session
    services.sign_in._hasher = Argon2Hasher(16, iterations=1)
    services.accounts.change_password(session, old=PASSWORD, new=OTHER, again=OTHER, visitor=HOME)
    assert services.sign_in.sign_in(EMAIL, OTHER, "", HOME)


def test_the_log_has_its_lines_in_the_order_of_time(services: Services) -> None:
    account = services.alice()
    for number in range(8):
        services.clock.now += 0.01
        services.log.add(EventKind.SIGNED_OUT, HOME, account.account_id, str(number))
    lines = services.accounts.events(account)
    assert [event.detail for event in lines if event.kind is EventKind.SIGNED_OUT] == list("76543210")


def test_the_log_is_printable_and_keeps_a_year(services: Services) -> None:
    account = services.alice()
    services.guess()
    agents = {event.agent for event in services.accounts.events(account)}
    assert "curl\\x1b[2J" in agents
    services.clock.now += 366 * 24 * 3600
    services.sign_in.begin(account, SignInMethod.PASSWORD, HOME)
    services.log.add(EventKind.SIGNED_OUT, HOME, account.account_id)
    assert [event.kind for event in services.accounts.events(account)] == [EventKind.SIGNED_OUT]


@pytest.mark.parametrize("known", [False, True])
def test_nobody_fills_a_mailbox_with_registrations_or_writes_in_them(services: Services, known: bool) -> None:
    values = {"name": "Win a prize at evil.example", "email": EMAIL, "phone": "+41441234567", "role": "patient"}
    if known:
        services.alice()
    for _ in range(7):
        services.registration.register({**values, "password": PASSWORD, "password_again": PASSWORD})
    assert len(services.outbox.mails) == 5
    assert not any("evil.example" in text for _, _, text in services.outbox.mails)
    services.clock.now += 24 * 3600 + 1
    services.registration.register({**values, "password": PASSWORD, "password_again": PASSWORD})
    assert len(services.outbox.mails) == 6


@pytest.mark.parametrize("email", ["\ud800@example.org", "a\x00b@example.org", "ä@example.org"])
def test_what_is_no_address_is_unknown(services: Services, email: str) -> None:
    with pytest.raises(SignInFailed, match="the e-mail address or the password is wrong"):
        services.sign_in.sign_in(email, PASSWORD, "", HOME)
    services.accounts.send_reset(email, HOME)
    assert services.outbox.mails == []


def rows(services: Services, table: type[Base]) -> int:
    with services.database.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_the_log_keeps_what_is_of_no_account_for_a_day(services: Services) -> None:
    account = services.alice()
    for number in range(3):
        with pytest.raises(SignInFailed):
            services.sign_in.sign_in(f"nobody{number}@example.org", WRONG, "", AWAY)
        services.accounts.send_reset("nobody@example.org", AWAY)
    assert rows(services, AccountEventRow) == 7
    services.clock.now += 24 * 3600
    services.guess()
    assert rows(services, AccountEventRow) == 8
    services.clock.now += 1
    services.guess()
    assert rows(services, AccountEventRow) == len(services.accounts.events(account)) == 3


def test_a_closed_account_leaves_nothing_of_its_address(services: Services) -> None:
    values = {"name": "Alice", "email": EMAIL, "phone": "+41441234567", "role": "patient"}
    services.guess()
    account = services.alice()
    services.registration.register({**values, "password": PASSWORD, "password_again": PASSWORD})
    services.accounts.close(account, PASSWORD, HOME)
    services.rows.change(account, replace(account, approved=False))
    assert services.rows.find(account.account_id) is None
    assert (rows(services, UnconfirmedAccountRow), rows(services, AccountEventRow)) == (0, 1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("command line", "command line"),
    ],
)
def test_one_network_is_counted_as_one(address: str, network: str) -> None:
    assert network_of(address) == network


def test_on_postgresql_one_attempt_after_the_other_is_counted(tmp_path: Path, postgresql: str) -> None:
    services = Services(tmp_path, postgresql)
    seen: list[int] = []

    def begin(meanwhile: Callable[[], None]) -> None:
        def wait(failures: Failures) -> int:
            meanwhile()
            seen.append(failures.everywhere)
            return 0

        event, now = services.log.event(EventKind.SIGN_IN_FAILED, AWAY, None), services.log.now()
        services.rows.begin_sign_in(event, email_hash=hash_of(EMAIL), source="", since=now - 60, old=0, wait=wait)

    second = threading.Thread(target=begin, args=(lambda: None,))

    def begin_second() -> None:
        second.start()
        waits = False
        while second.is_alive() and not waits:
            with services.database.read() as session:
                waits = bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))

    begin(begin_second)
    second.join()
    assert seen == [0, 1]
    services.database.close()


def test_on_postgresql_it_is_the_same(tmp_path: Path, postgresql: str) -> None:
    services = Services(tmp_path, postgresql)
    with pytest.raises(SignInFailed, match="the e-mail address or the password is wrong"):
        services.sign_in.sign_in("a\x00b@example.org", PASSWORD, "", HOME)
    assert len(administrators_leave(services)) == 1
    account = services.rows.by_email(EMAIL)
    assert guesses(services) == {SignInFailed: 5, LimitExceeded: 3}
    with pytest.raises(LimitExceeded):
        services.sign_in.sign_in(EMAIL, PASSWORD, "", AWAY)
    first = services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME)
    second = services.sign_in.sign_in(EMAIL, PASSWORD, "", Visitor("192.0.2.1", device=first.device))
    assert first.device == second.device
    services.clock.now += 61
    assert services.sign_in.find(first.token).last_at == int(services.clock.now)
    services.sign_in.end(second.session.session_id, account, HOME)
    assert [each.session_id for each in services.accounts.sessions(account)] == [first.session.session_id]

    codes = services.codes(account)
    with pytest.raises(CodeRequired):
        services.sign_in.sign_in(EMAIL, PASSWORD, "", HOME)
    assert services.sign_in.sign_in(EMAIL, PASSWORD, codes[0], HOME)
    with pytest.raises(SignInFailed):
        services.sign_in.sign_in(EMAIL, PASSWORD, codes[0], HOME)

    now = int(services.clock.now)
    services.credentials.add_challenge("a" * 64, Purpose.USE_PASSKEY, None, now=now, expires_at=now)
    assert not services.credentials.take_challenge("a" * 64, Purpose.USE_WALLET, None, now)
    services.credentials.add_challenge("b" * 64, Purpose.LINK_WALLET, account.account_id, now=now, expires_at=now)
    assert services.credentials.take_challenge("b" * 64, Purpose.LINK_WALLET, account.account_id, now)
    wallet = LinkedWallet("0x" + "ab" * 20, account.account_id, now)
    assert [services.credentials.link_wallet(wallet) for _ in range(2)] == [True, False]

    services.accounts.send_reset(EMAIL, HOME)
    token = services.outbox.token()
    reset = partial(services.accounts.reset, token, "a fish rides bicycles", "a fish rides bicycles")
    late = at_once([lambda code=code: reset(code, HOME) for code in codes[1:4]])
    assert [type(error) for error in late] == [LinkExpired] * 2
    assert services.sign_in.find(first.token) is None
    services.accounts.close(services.rows.find(account.account_id), "a fish rides bicycles", HOME)
    assert services.rows.by_email(EMAIL) is None
    services.database.close()
