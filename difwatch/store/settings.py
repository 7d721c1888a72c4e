"""Small values that describe the store as a whole."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from difwatch.model.settings import Remembered, Settings, StoreSettings
from difwatch.store.tables import setting


def get(connection: Connection, key: str) -> object:
    """Return the value kept under a key, or None."""
    return connection.execute(select(setting.c.value).where(setting.c.key == key)).scalar()


def put(connection: Connection, key: str, value: object) -> None:
    """Keep a value (anything JSON can hold) under a key."""
    statement = insert(setting).values(key=key, value=value)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def get_matching(connection: Connection) -> Settings:
    """Return the settings that decide what counts as a match, as the daemon last had them."""
    stored = get(connection, "matching")
    if not isinstance(stored, dict):
        return Settings()
    return Settings(**{**stored, "keep": tuple(stored["keep"])})


def put_matching(connection: Connection, settings: Settings) -> None:
    """Keep the settings that decide what counts as a match."""
    put(connection, "matching", asdict(settings))


def get_in_force(connection: Connection) -> StoreSettings | None:
    """Return what the store works with; None before the first daemon."""
    recipe = get(connection, "recipe")
    if not isinstance(recipe, dict):
        return None
    remembered = get_remembered(connection, recipe["id"])
    return None if remembered is None else StoreSettings(recipe["id"], recipe["name"], recipe["px"], remembered)


def put_in_force(connection: Connection, store: StoreSettings) -> None:
    """Keep what the store works with."""
    put(connection, "recipe", {"id": store.recipe_id, "name": store.recipe, "px": store.px})
    put_remembered(connection, store.recipe_id, store.remembered)


def get_remembered(connection: Connection, recipe_id: int) -> Remembered | None:
    """Return how far the pairs of a recipe are remembered; None if they were never searched."""
    stored = get(connection, f"remembered {recipe_id}")
    if isinstance(stored, dict):
        return Remembered(**stored)
    return Remembered(stored, stored) if isinstance(stored, int | float) else None


def put_remembered(connection: Connection, recipe_id: int, remembered: Remembered) -> None:
    """Keep how far the pairs of a recipe are remembered."""
    put(connection, f"remembered {recipe_id}", asdict(remembered))
