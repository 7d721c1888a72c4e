"""Small values that describe the store as a whole."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from difwatch.model.settings import Measure, Remembered, Settings, StoreSettings
from difwatch.store.tables import setting

_REMEMBERED = "remembered "  # and the recipe, and the measure if it is not the MSE


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
    measure: Measure = recipe.get("measure", "mse")
    remembered = get_remembered(connection, recipe["id"], measure)
    if remembered is None:
        return None
    return StoreSettings(recipe["id"], recipe["name"], recipe["px"], remembered, measure)


def put_in_force(connection: Connection, store: StoreSettings) -> None:
    """Keep what the store works with."""
    recipe = {"id": store.recipe_id, "name": store.recipe, "px": store.px, "measure": store.measure}
    put(connection, "recipe", recipe)
    put_remembered(connection, store, store.remembered)


def get_remembered(connection: Connection, recipe_id: int, measure: Measure) -> Remembered | None:
    """Return how far the pairs of a recipe are remembered by a measure; None if they were never searched by it."""
    stored = get(connection, _remembered_key(recipe_id, measure))
    return Remembered(**stored) if isinstance(stored, dict) else None


def put_remembered(connection: Connection, store: StoreSettings, remembered: Remembered) -> None:
    """Keep how far the pairs of a recipe are remembered."""
    put(connection, _remembered_key(store.recipe_id, store.measure), asdict(remembered))


def forget_remembered(connection: Connection) -> None:
    """Forget how far pairs are remembered, of every recipe and by every measure."""
    connection.execute(delete(setting).where(setting.c.key.startswith(_REMEMBERED)))


def _remembered_key(recipe_id: int, measure: Measure) -> str:
    return f"{_REMEMBERED}{recipe_id}" if measure == "mse" else f"{_REMEMBERED}{recipe_id} {measure}"
