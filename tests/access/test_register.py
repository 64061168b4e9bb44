"""People, roles and keys: who is let in, and what nobody can do by mistake."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData, select

from service.access import register as room
from service.access.register import Caller, NotAllowed, Register, Role
from service.audit.trail import Actor, Trail, entries
from service.kit.database import Database
from service.kit.errors import ConfigurationError, InputError, NotFound

CHOSEN = "vn_0123456789ab_" + "k" * 43
TRAIL = Trail(b"secret")


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    database = Database.open(database_url, tmp_path)
    yield database
    database.close()


@pytest.fixture
def register(database: Database) -> Register:
    return Register(database, TRAIL)


def test_a_key_stands_for_its_person(register: Register) -> None:
    register.add("amal", Role.REVIEWER)
    key, token = register.issue("amal", "laptop")
    assert register.caller(token) == Caller("amal", Role.REVIEWER, key.id, False)
    assert register.caller(token).may_decide
    (listed,) = register.keys("amal")
    assert listed.label == "laptop"
    assert listed.last_used_at is not None


def everything_in(database: Database) -> bytes:
    """Every row of every table, as text."""
    tables = MetaData()
    tables.reflect(database.engine)
    with database.transaction() as session:
        return repr(
            [session.execute(select(table)).all() for table in tables.sorted_tables]
        ).encode()


def test_no_part_of_a_secret_is_stored(
    register: Register, database: Database, tmp_path: Path
) -> None:
    register.add("amal", Role.REVIEWER)
    _, token = register.issue("amal")
    secret = token[16:]
    register.caller(token)
    stored = everything_in(database) + b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"amal" in stored
    assert secret.encode() not in stored


@pytest.mark.parametrize(
    ("role", "for_service", "submits", "decides", "rules"),
    [
        (Role.SUBMITTER, False, True, False, False),
        (Role.REVIEWER, False, True, True, False),
        (Role.ADMIN, False, True, True, True),
        (Role.REVIEWER, True, True, False, False),
        (Role.ADMIN, True, True, False, True),
    ],
)
def test_what_a_role_may_do(register, role, for_service, submits, decides, rules) -> None:
    register.add("amal", role)
    _, token = register.issue("amal", for_service=for_service)
    caller = register.caller(token)
    assert caller.may(Role.SUBMITTER) is submits
    assert caller.may_decide is decides
    assert caller.may(Role.ADMIN) is rules


def test_a_new_role_holds_for_keys_that_are_out(register: Register) -> None:
    register.add("amal", Role.REVIEWER)
    _, token = register.issue("amal")
    register.change_role("amal", Role.SUBMITTER)
    assert not register.caller(token).may_decide


def test_a_key_that_was_revoked_lets_nobody_in(register: Register) -> None:
    register.add("amal", Role.REVIEWER)
    key, token = register.issue("amal")
    _, other = register.issue("amal")
    ended = register.revoke(key.id)
    assert register.revoke(key.id).revoked_at == ended.revoked_at
    with pytest.raises(NotAllowed, match="revoked"):
        register.caller(token)
    assert register.caller(other).user == "amal"


def test_a_key_ends_on_its_day(register: Register, monkeypatch) -> None:
    register.add("amal", Role.REVIEWER)
    _, token = register.issue("amal", lasts=timedelta(days=1))
    assert register.caller(token).user == "amal"
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1, seconds=1)
    monkeypatch.setattr(room, "utc_now", lambda: later)
    with pytest.raises(NotAllowed, match="expired"):
        register.caller(token)


def test_the_keys_of_somebody_who_leaves_end_and_the_name_stays(register: Register) -> None:
    register.add("amal", Role.REVIEWER)
    _, token = register.issue("amal")
    register.remove("amal")
    with pytest.raises(NotAllowed):
        register.caller(token)
    assert [user.left_at is not None for user in register.users()] == [True]
    with pytest.raises(InputError, match="amal"):
        register.add("amal", Role.ADMIN)
    with pytest.raises(NotFound, match="amal"):
        register.issue("amal")


@given(token=st.text() | st.from_regex(r"vn_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", fullmatch=True))
def test_what_is_no_key_of_ours_lets_nobody_in(tmp_path_factory, token: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "strangers"
    database = Database.open(f"sqlite:///{folder / 'v.db'}", folder)
    try:
        Register(database, TRAIL).begin(CHOSEN)
        with pytest.raises(NotAllowed):
            Register(database, TRAIL).caller(token)
    finally:
        database.close()


def test_another_persons_secret_under_a_known_id_lets_nobody_in(register: Register) -> None:
    register.add("amal", Role.ADMIN)
    (_, first), (_, second) = register.issue("amal"), register.issue("amal")
    with pytest.raises(NotAllowed, match="not known"):
        register.caller(first[:16] + second[16:])


def test_the_last_use_is_not_written_at_every_request(register: Register, monkeypatch) -> None:
    register.add("amal", Role.REVIEWER)
    _, token = register.issue("amal")
    now = datetime(2026, 1, 1, 12)
    for seconds, noted in ((0, 0), (30, 0), (59, 0), (61, 61)):
        monkeypatch.setattr(room, "utc_now", lambda at=seconds: now + timedelta(seconds=at))
        register.caller(token)
        assert register.keys()[0].last_used_at == now + timedelta(seconds=noted)


@pytest.mark.parametrize("name", ["", "Amal", "a b", "-a", "a-", "a" * 65, "ä", "a\n", "../a"])
def test_a_name_that_records_cannot_show_is_refused(register: Register, name: str) -> None:
    with pytest.raises(InputError, match="is no name"):
        register.add(name, Role.REVIEWER)
    assert register.users() == []


def test_the_last_admin_stays(register: Register) -> None:
    assert register.begin() is not None
    for change in (
        lambda: register.remove("admin"),
        lambda: register.change_role("admin", Role.REVIEWER),
    ):
        with pytest.raises(InputError, match="only admin"):
            change()
    register.add("amal", Role.ADMIN)
    register.remove("admin")
    with pytest.raises(InputError, match="amal"):
        register.remove("amal")


def test_two_admins_cannot_let_each_other_go_at_once(postgresql_url: str, tmp_path: Path) -> None:
    database = Database.open(postgresql_url, tmp_path)
    register = Register(database, TRAIL)
    together = Barrier(2)

    def remove(name: str) -> None:
        together.wait()
        with suppress(InputError):
            register.remove(name)

    for number in range(10):
        pair = (f"a{number}", f"b{number}")
        for name in pair:
            register.add(name, Role.ADMIN)
        for user in register.users():
            if user.name not in pair and user.left_at is None:
                register.remove(user.name)
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(remove, pair))
        assert len([user for user in register.users() if user.left_at is None]) == 1
    database.close()


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "a" * 10_000])
def test_a_name_that_nothing_can_have_is_not_found(register: Register, name: str) -> None:
    for change in (register.remove, register.issue, register.revoke):
        with pytest.raises(NotFound):
            change(name)
    assert register.keys(name) == []


def test_a_label_that_cannot_be_stored_is_refused(register: Register) -> None:
    register.add("amal", Role.REVIEWER)
    with pytest.raises(InputError, match="label"):
        register.issue("amal", "a\0b")


def test_the_first_admin_is_made_once(database: Database) -> None:
    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(lambda _: Register(database, TRAIL).begin(), range(8)))
    (token,) = [token for token in tokens if token]
    assert Register(database, TRAIL).caller(token).may(Role.ADMIN)
    assert [user.name for user in Register(database, TRAIL).users()] == ["admin"]
    assert len(Register(database, TRAIL).keys()) == 1


def test_the_first_admins_key_may_be_chosen(register: Register) -> None:
    with pytest.raises(ConfigurationError, match="VERINOTE_ADMIN_KEY"):
        register.begin("secret")
    assert register.users() == []
    assert register.begin(CHOSEN) is None
    assert register.caller(CHOSEN).user == "admin"


def test_what_is_not_there_is_named(register: Register) -> None:
    with pytest.raises(NotFound, match="nobody"):
        register.change_role("nobody", Role.ADMIN)
    with pytest.raises(NotFound, match="0123"):
        register.revoke("0123")


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(days=-1)])
def test_a_key_for_no_time_is_refused(register: Register, lasts: timedelta) -> None:
    register.add("amal", Role.REVIEWER)
    with pytest.raises(InputError):
        register.issue("amal", lasts=lasts)
    with pytest.raises(InputError, match="200"):
        register.issue("amal", "l" * 201)
    assert register.keys() == []


def test_every_change_of_people_and_keys_is_in_the_audit_trail(database: Database) -> None:
    begun = Register(database, TRAIL)
    begun.begin()
    register = Register(database, TRAIL, Actor(origin="command:amal"))
    register.add("lee", Role.SUBMITTER)
    register.change_role("lee", Role.REVIEWER)
    key, _ = register.issue("lee", for_service=True)
    register.revoke(key.id)
    register.revoke(key.id)  # changes nothing
    register.remove("lee")

    with database.transaction() as session:
        found = entries(session, after=0, limit=20)
        assert TRAIL.first_broken(session) is None
    assert [(entry.action, entry.actor.origin) for entry in found] == [
        ("user.add", None),
        ("key.issue", None),
        ("user.add", "command:amal"),
        ("user.role", "command:amal"),
        ("key.issue", "command:amal"),
        ("key.revoke", "command:amal"),
        ("user.remove", "command:amal"),
    ]
    assert found[4].subject == f"key:{key.id}"
    assert found[4].detail == {"user": "lee", "for_service": True, "expires_at": None}


def test_what_is_refused_leaves_no_trace(register: Register, database: Database) -> None:
    register.add("amal", Role.ADMIN)
    with pytest.raises(InputError):
        register.add("amal", Role.ADMIN)
    with pytest.raises(InputError):
        register.remove("amal")
    with database.transaction() as session:
        assert len(entries(session, after=0, limit=20)) == 1
