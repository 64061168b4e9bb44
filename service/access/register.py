"""The register of people and keys.

People decide, keys only stand for them: a record names the person. A key is shown once, when it is
made; what is stored of it is the digest of 32 random bytes, which nobody can guess from it.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, delete, func, or_, select
from sqlalchemy.orm import Session

from service.access.tables import KeyRow, SessionRow, UserRow
from service.audit.trail import Actor, Trail
from service.kit.database import Database, insert_new, utc_now
from service.kit.errors import ConfigurationError, InputError, NotFound
from service.kit.text import is_storable, sha256_hex

FIRST = "admin"
"""The name of the first admin."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_TAKEN = frozenset({"command", "me", "nobody", "verinote"})
"""Names that stand for somebody else, or for nobody, where people are shown and asked for."""
_LONGEST_LABEL = 200
_LAST_USE = timedelta(minutes=1)
"""How exactly the last use of a key is noted: not every request writes."""
_SESSION = timedelta(hours=12)
"""How long somebody stays signed in: a long day at the desk."""
_NOBODY = Actor()
"""The program, where it does something by itself."""


class Role(StrEnum):
    """What a person may do; each may do what those before it may."""

    SUBMITTER = "submitter"
    REVIEWER = "reviewer"
    ADMIN = "admin"

    def covers(self, other: Role) -> bool:
        """Whether this role may do what the other may."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class NotAllowed(Exception):
    """A key that lets nobody in. The message says why, and nothing that helps to guess one."""


@dataclass(frozen=True, slots=True)
class User:
    """A person."""

    name: str
    role: Role
    created_at: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without its secret."""

    id: str
    user: str
    label: str
    for_service: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a person, through a key.

    Attributes:
        for_service: the key is a program's; what a person has to decide it cannot.
    """

    user: str
    role: Role
    key_id: str
    for_service: bool

    def may(self, role: Role) -> bool:
        """Whether the caller may do what a role may."""
        return self.role.covers(role)

    @property
    def may_decide(self) -> bool:
        """Whether the caller may decide on a note: a person who reviews."""
        return self.may(Role.REVIEWER) and not self.for_service


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody with a session.

    Attributes:
        form_token: what their forms carry, and no other site knows; the same in every session of
            one key, so that what was typed in one can be sent in the next.
    """

    caller: Caller
    form_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    """What is sent as a key: which one, and its secret."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> _Token:
        return cls(secrets.token_hex(6), secrets.token_urlsafe(32))

    @classmethod
    def read(cls, text: str) -> _Token | None:
        found = re.fullmatch(r"vn_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", text)
        return cls(*found.groups()) if found else None

    def __str__(self) -> str:
        return f"vn_{self.id}_{self.secret}"


class Register:
    """Keeps people and keys. Blocking; thread-safe.

    Args:
        database: migrated.
        trail: where every change is recorded, in its own transaction.
        by: who makes the changes.
    """

    def __init__(self, database: Database, trail: Trail, by: Actor = _NOBODY) -> None:
        self._database = database
        self._trail = trail
        self._by = by

    def add(self, name: str, role: Role) -> User:
        """Add a person.

        Raises:
            InputError: the name cannot be used, or belongs to somebody, also to one who left.
        """
        if not _NAME.fullmatch(name):
            raise InputError(
                f"{name}: is no name; use up to 64 of a-z, 0-9, '.', '_' and '-', with a letter or "
                "figure at both ends"
            )
        if name in _TAKEN:
            raise InputError(f"{name}: is nobody's name here; choose another")
        row = {"name": name, "role": role.value, "created_at": utc_now()}
        with self._database.transaction() as session:
            if not _inserted(session, row):
                raise InputError(f"{name}: there is one of this name already")
            self._trail.record(session, self._by, "user.add", f"user:{name}", role=role)
            return _user(session.get_one(UserRow, name))

    def users(self) -> list[User]:
        """Everybody, by name; those who left too."""
        with self._database.transaction() as session:
            return [_user(row) for row in session.scalars(select(UserRow).order_by(UserRow.name))]

    def change_role(self, name: str, role: Role) -> User:
        """Give somebody another role.

        Raises:
            NotFound: nobody here has this name.
            InputError: nobody would be left who is an admin.
        """
        with self._database.transaction() as session:
            row = _present(session, name)
            if role is not Role.ADMIN:
                _check_another_admin(session, row)
            row.role = role.value
            self._trail.record(session, self._by, "user.role", f"user:{name}", role=role)
            return _user(row)

    def remove(self, name: str) -> User:
        """Let somebody go: the keys end at once, the name stays on what was decided.

        Raises:
            NotFound: nobody here has this name.
            InputError: nobody would be left who is an admin.
        """
        now = utc_now()
        with self._database.transaction() as session:
            row = _present(session, name)
            _check_another_admin(session, row)
            row.left_at = now
            keys = select(KeyRow).where(KeyRow.user == name, KeyRow.revoked_at.is_(None))
            for key in session.scalars(keys):
                key.revoked_at = now
            self._trail.record(session, self._by, "user.remove", f"user:{name}")
            return _user(row)

    def issue(
        self,
        name: str,
        label: str = "",
        *,
        for_service: bool = False,
        lasts: timedelta | None = None,
    ) -> tuple[Key, str]:
        """Make a key for somebody.

        Args:
            name: whose it is.
            label: what it is for, for people.
            for_service: a program uses it: it cannot decide.
            lasts: how long it is good for; None: until it is revoked.

        Returns:
            The key, and what is to be sent as ``Authorization: Bearer``, which is kept nowhere.

        Raises:
            NotFound: nobody here has this name.
            InputError: the label is too long, or the key would be good for no time at all.
        """
        if not is_storable(label):
            raise InputError(f"{label!r}: a label has no such characters")
        if len(label) > _LONGEST_LABEL:
            raise InputError(f"{label[:40]}…: a label has at most {_LONGEST_LABEL} characters")
        if lasts is not None and lasts <= timedelta(0):
            raise InputError(f"{lasts}: a key has to last for some time")
        token = _Token.new()
        with self._database.transaction() as session:
            _present(session, name)
            key = _key(self._stored(session, name, token, label, for_service, lasts))
        return key, str(token)

    def keys(self, name: str | None = None) -> list[Key]:
        """Every key, or somebody's, the newest first; those that ended too."""
        query = select(KeyRow).order_by(KeyRow.created_at.desc(), KeyRow.id)
        if name is not None:
            if not _NAME.fullmatch(name):
                return []
            query = query.where(KeyRow.user == name)
        with self._database.transaction() as session:
            return [_key(row) for row in session.scalars(query)]

    def revoke(self, key_id: str) -> Key:
        """End a key at once. One that has ended stays as it is.

        Raises:
            NotFound: there is no such key.
        """
        with self._database.transaction() as session:
            known = is_storable(key_id)
            row = session.get(KeyRow, key_id, with_for_update=True) if known else None
            if row is None:
                raise NotFound(f"{key_id}: there is no such key")
            if row.revoked_at is None:
                row.revoked_at = utc_now()
                self._trail.record(session, self._by, "key.revoke", f"key:{key_id}", user=row.user)
            return _key(row)

    def caller(self, token: str) -> Caller:
        """Who a key stands for.

        Raises:
            NotAllowed: it is none of ours, or has ended.
        """
        with self._database.transaction() as session:
            return _caller(_known(session, token), session)

    def sign_in(self, token: str) -> str:
        """Begin a session of whom a key stands for, until the key ends, or for some hours.

        Returns:
            What their browser is to keep; what is stored of it is its digest.

        Raises:
            NotAllowed: the key is none of ours, has ended, or is a program's.
        """
        now = utc_now()
        kept = secrets.token_urlsafe(32)
        with self._database.transaction() as session:
            row = _known(session, token)
            if _caller(row, session).for_service:
                raise NotAllowed("this key is a program's: sign in with one of your own")
            session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
            session.add(
                SessionRow(
                    digest=sha256_hex(kept),
                    key_id=row.id,
                    created_at=now,
                    expires_at=now + _SESSION,
                )
            )
        return kept

    def signed_in(self, kept: str) -> SignedIn:
        """Who has a session, and what their forms carry.

        Raises:
            NotAllowed: there is none, or it is over, or its key is.
        """
        with self._database.transaction() as session:
            row = session.get(SessionRow, sha256_hex(kept))
            if row is None or row.expires_at <= utc_now():
                raise NotAllowed("the session is over: sign in again")
            key = session.get_one(KeyRow, row.key_id)
            return SignedIn(_caller(key, session), sha256_hex(f"form of {key.digest}"))

    def sign_out(self, kept: str) -> None:
        """End a session, if there is one."""
        with self._database.transaction() as session:
            session.execute(delete(SessionRow).where(SessionRow.digest == sha256_hex(kept)))

    def begin(self, configured: str | None = None) -> str | None:
        """Make the first admin where there is nobody yet.

        Args:
            configured: the admin's key, if the operator chose one.

        Returns:
            The admin's key where one was made, to be shown once; None otherwise.

        Raises:
            ConfigurationError: the configured key has not the shape of one.
        """
        token = _Token.new() if configured is None else _Token.read(configured)
        if token is None:
            raise ConfigurationError(
                "VERINOTE_ADMIN_KEY: is no key; make one of vn_, 12 hexadecimal figures, _ "
                "and 43 random letters, figures, '_' or '-'"
            )
        with self._database.transaction() as session:
            if session.scalar(select(func.count()).select_from(UserRow)):
                return None
            row = {"name": FIRST, "role": Role.ADMIN.value, "created_at": utc_now()}
            if not _inserted(session, row):  # another process was quicker
                return None
            self._trail.record(session, self._by, "user.add", f"user:{FIRST}", role=Role.ADMIN)
            self._stored(session, FIRST, token, "the first", for_service=False, lasts=None)
        return str(token) if configured is None else None

    def _stored(
        self,
        session: Session,
        name: str,
        token: _Token,
        label: str,
        for_service: bool,
        lasts: timedelta | None,
    ) -> KeyRow:
        now = utc_now()
        row = KeyRow(
            id=token.id,
            user=name,
            digest=sha256_hex(token.secret),
            label=label,
            for_service=for_service,
            created_at=now,
            expires_at=now + lasts if lasts is not None else None,
        )
        session.add(row)
        session.flush()
        self._trail.record(
            session,
            self._by,
            "key.issue",
            f"key:{row.id}",
            user=name,
            for_service=for_service,
            expires_at=row.expires_at.isoformat() if row.expires_at else None,
        )
        return row


def who_may(session: Session, role: Role) -> list[str]:
    """The people here who may do what a role may, by name."""
    roles = [one.value for one in Role if one.covers(role)]
    query = select(UserRow.name).where(UserRow.role.in_(roles), UserRow.left_at.is_(None))
    return list(session.scalars(query.order_by(UserRow.name)))


def _known(session: Session, token: str) -> KeyRow:
    """The key that is sent."""
    given = _Token.read(token)
    if given is None:
        raise NotAllowed("this is no key")
    row = session.get(KeyRow, given.id)
    known = row.digest if row is not None else sha256_hex("")
    if not hmac.compare_digest(known, sha256_hex(given.secret)) or row is None:
        raise NotAllowed("this key is not known")
    return row


def _caller(row: KeyRow, session: Session) -> Caller:
    """Whom a key stands for, as long as it does."""
    now = utc_now()
    if row.revoked_at is not None:
        raise NotAllowed("this key was revoked")
    if row.expires_at is not None and row.expires_at <= now:
        raise NotAllowed("this key has expired")
    user = session.get_one(UserRow, row.user)
    if user.left_at is not None:
        raise NotAllowed("this key was revoked")
    if row.last_used_at is None or now - row.last_used_at >= _LAST_USE:
        row.last_used_at = now
    return Caller(user.name, Role(user.role), row.id, row.for_service)


def _inserted(session: Session, row: dict[str, Any]) -> bool:
    insert = insert_new(session, UserRow).values(row)
    return session.scalar(insert.returning(UserRow.name)) is not None


def _present(session: Session, name: str) -> UserRow:
    """Somebody who is here, to be changed.

    PostgreSQL locks the row and those of the admins, always in the same order, so that two admins
    cannot let each other go at the same time, and nobody gets a key while being let go.
    """
    if not _NAME.fullmatch(name):  # nor can it be looked for, if there is a NUL in it
        raise NotFound(f"{name}: nobody here has this name")
    admins = and_(UserRow.role == Role.ADMIN.value, UserRow.left_at.is_(None))
    locked = session.scalars(
        select(UserRow)
        .where(or_(UserRow.name == name, admins))
        .order_by(UserRow.name)
        .with_for_update()
    ).all()
    for row in locked:
        if row.name == name and row.left_at is None:
            return row
    raise NotFound(f"{name}: nobody here has this name")


def _check_another_admin(session: Session, row: UserRow) -> None:
    if row.role != Role.ADMIN:
        return
    others = select(func.count()).where(
        UserRow.role == Role.ADMIN.value, UserRow.left_at.is_(None), UserRow.name != row.name
    )
    if not session.scalar(others):
        raise InputError(f"{row.name}: is the only admin; make another one first")


def _user(row: UserRow) -> User:
    return User(row.name, Role(row.role), row.created_at, row.left_at)


def _key(row: KeyRow) -> Key:
    return Key(
        row.id,
        row.user,
        row.label,
        row.for_service,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
    )
