"""The objects of the embedded cluster, in one SQLite file.

One process writes. Every write takes the next resource version and leaves a row in the change log,
so that a watch resumes where it left off; the log is cut at `LOG_LENGTH` rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Object = dict[str, Any]
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

LOG_LENGTH = 5000
_CUT_EVERY = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL,
  PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
  uid TEXT NOT NULL, resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (uid, resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS changes (
  version INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, resource TEXT NOT NULL,
  namespace TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL, previous TEXT
);
"""


@dataclass(frozen=True)
class Key:
    """Where an object lies: `resource` is `plural.group`, `namespace` is '' for cluster scope."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Change:
    """One row of the change log; `previous` is the object before, None when it was added."""

    version: int
    type: ChangeType
    object: Object
    previous: Object | None


class Store:
    """Objects by key, one growing version, a log of changes."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the file, or memory where `path` is None."""
        if path is not None:
            path.touch(mode=0o600)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        # A power cut may lose the last writes but never the file: it is a cluster on a laptop.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._listeners: list[Callable[[str], None]] = []
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name='changes'").fetchone()
        self.version: int = row[0] if row else 1
        row = self._db.execute("SELECT min(version) FROM changes").fetchone()
        # Watches may start after this version.
        self.oldest: int = (row[0] - 1) if row and row[0] else self.version

    def get(self, key: Key) -> Object | None:
        """Read one object, or None."""
        row = self._db.execute(
            "SELECT data FROM objects WHERE resource=? AND namespace=? AND name=?",
            (key.resource, key.namespace, key.name),
        ).fetchone()
        return _load(row[0]) if row else None

    def select(self, resource: str, namespace: str | None = None) -> list[Object]:
        """Read all objects of a resource, ordered by namespace and name."""
        query = "SELECT data FROM objects WHERE resource=?"
        values = [resource]
        if namespace is not None:
            query += " AND namespace=?"
            values.append(namespace)
        rows = self._db.execute(f"{query} ORDER BY namespace, name", values)
        return [_load(row[0]) for row in rows]

    def put(self, key: Key, obj: Object) -> Object:
        """Write one object under the next version; returns it with its resourceVersion."""
        previous = self._text(key)
        with self._transaction():
            data = self._log("ADDED" if previous is None else "MODIFIED", key, obj, previous)
            self._db.execute(
                "INSERT OR REPLACE INTO objects VALUES (?,?,?,?)",
                (key.resource, key.namespace, key.name, data),
            )
            self._forget_owners(key)
            owners = obj["metadata"].get("ownerReferences") or []
            self._db.executemany(
                "INSERT OR IGNORE INTO owners VALUES (?,?,?,?)",
                [(owner["uid"], key.resource, key.namespace, key.name) for owner in owners],
            )
        self._tell(key)
        return _load(data)

    def remove(self, key: Key, obj: Object) -> Object:
        """Delete one object; `obj` is its last state, returned with the version of its end."""
        previous = self._text(key)
        with self._transaction():
            data = self._log("DELETED", key, obj, previous)
            self._db.execute(
                "DELETE FROM objects WHERE resource=? AND namespace=? AND name=?",
                (key.resource, key.namespace, key.name),
            )
            self._forget_owners(key)
        self._tell(key)
        return _load(data)

    def dependents(self, uid: str) -> list[Key]:
        """Keys of the objects that name `uid` as an owner."""
        rows = self._db.execute("SELECT resource, namespace, name FROM owners WHERE uid=?", (uid,))
        return [Key(*row) for row in rows]

    def keys(self, namespace: str) -> list[Key]:
        """Keys of all objects in a namespace."""
        rows = self._db.execute(
            "SELECT resource, namespace, name FROM objects WHERE namespace=?", (namespace,)
        )
        return [Key(*row) for row in rows]

    def changes(self, resource: str, since: int, limit: int = 100) -> list[Change]:
        """Read the log of a resource after version `since`, oldest first."""
        rows = self._db.execute(
            "SELECT version, type, data, previous FROM changes WHERE version>? AND resource=? "
            "ORDER BY version LIMIT ?",
            (since, resource, limit),
        )
        return [
            Change(version, kind, _load(data), _load(previous) if previous else None)
            for version, kind, data, previous in rows
        ]

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener(resource)` after each write; returns what ends it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _text(self, key: Key) -> str | None:
        row = self._db.execute(
            "SELECT data FROM objects WHERE resource=? AND namespace=? AND name=?",
            (key.resource, key.namespace, key.name),
        ).fetchone()
        return row[0] if row else None

    def _log(self, kind: ChangeType, key: Key, obj: Object, previous: str | None) -> str:
        version = self.version + 1
        metadata = obj["metadata"] | {"resourceVersion": str(version)}
        data = json.dumps(obj | {"metadata": metadata}, separators=(",", ":"))
        self._db.execute(
            "INSERT INTO changes VALUES (?,?,?,?,?,?,?)",
            (version, kind, key.resource, key.namespace, key.name, data, previous),
        )
        if version % _CUT_EVERY == 0:
            self._db.execute("DELETE FROM changes WHERE version<=?", (version - LOG_LENGTH,))
            self.oldest = max(self.oldest, version - LOG_LENGTH)
        self.version = version
        return data

    def _forget_owners(self, key: Key) -> None:
        self._db.execute(
            "DELETE FROM owners WHERE resource=? AND namespace=? AND name=?",
            (key.resource, key.namespace, key.name),
        )

    def _tell(self, key: Key) -> None:
        for listener in list(self._listeners):
            listener(key.resource)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # Versions are taken in order and never twice, also when the write fails half-way.
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _load(text: str) -> Object:
    obj: Object = json.loads(text)
    return obj
