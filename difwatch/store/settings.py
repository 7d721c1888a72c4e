"""Small values that describe the store as a whole."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from difwatch.model import Settings
from difwatch.store.tables import setting


def get(connection: Connection, key: str) -> object:
    """The value kept under a key, or None."""
    return connection.execute(select(setting.c.value).where(setting.c.key == key)).scalar()


def put(connection: Connection, key: str, value: object) -> None:
    """Keep a value (anything JSON can hold) under a key."""
    statement = insert(setting).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def get_matching(connection: Connection) -> Settings:
    """The settings that decide what counts as a match, as the daemon last had them."""
    found = get(connection, "matching")
    if not isinstance(found, dict):
        return Settings()
    return Settings(**{**found, "keep": tuple(found["keep"])})


def put_matching(connection: Connection, settings: Settings) -> None:
    """Keep the settings that decide what counts as a match."""
    put(connection, "matching", asdict(settings))
