"""Reads the fields of a `config.json` and remembers which ones were looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from replicas.catalogue import data

Config = Mapping[str, Any]


MAX_COUNT = 1_000_000_000
"""Largest accepted number in a configuration, 90 times the longest context of a published model."""
MAX_LAYERS = 1_000
"""Largest accepted number of layers. Published models have at most 160."""


class FieldError(ValueError):
    """A field has the wrong type or value."""


class Fields(Mapping[str, Any]):
    """A configuration, or a nested one. Reading a field marks it as understood.

    A missing field has the default of the library's configuration class (`data/config_defaults.json`), which engines
    use as well.

    Raises:
        KeyError: a required field is missing; the argument is the field's path.
        FieldError: a field has the wrong type or value.

    """

    def __init__(self, config: Config, path: str = "") -> None:
        self._config = config
        self._path = path
        self._within: dict[str, Fields] = {}
        self._defaults = _defaults(config, is_nested=bool(path))
        self.looked_up: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.looked_up.add(name)
        if name in self._config:
            return self._config[name]
        if name in self._defaults:
            return self._defaults[name]
        raise KeyError(self._path + name)

    def __contains__(self, name: object) -> bool:
        self.looked_up.add(str(name))
        return name in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(self._config)

    def __len__(self) -> int:
        return len(self._config)

    @property
    def path(self) -> str:
        """Path within the file, such as `text_config.`; empty for the whole file."""
        return self._path

    @property
    def within(self) -> Mapping[str, Fields]:
        """The nested configurations that were read, by field name."""
        return self._within

    def value(self, name: str) -> Any:
        """Return a field, or None, without marking it as understood."""
        return self._config.get(name)

    def has(self, name: str) -> bool:
        """True if a field is present and neither null nor empty."""
        return self.get(name) not in (None, {}, [])

    def part(self, name: str) -> Fields:
        """Return the nested configuration in a field."""
        if name not in self._within:
            value = self[name]
            if not isinstance(value, Mapping):
                raise FieldError(f"{self._path}{name} is not an object with fields: {str(value)[:40]!r}")
            self._within[name] = Fields(value, f"{self._path}{name}.")
        return self._within[name]

    def count(self, name: str, default: int | None = None, *, most: int = MAX_COUNT) -> int:
        """Return a field that holds a positive integer up to `most`; the default if it is missing or null."""
        value = self.get(name)
        if value is None:
            if default is None:
                raise KeyError(self._path + name)
            return default
        if type(value) is not int or value < 1:
            raise FieldError(f"{self._path}{name} is not a positive integer: {str(value)[:40]!r}")
        return self._bounded(name, value, most)

    def layers(self, name: str, default: int | None = None) -> int:
        """Return a field that holds a number of layers; the default if it is missing or null."""
        return self.count(name, default, most=MAX_LAYERS)

    def number(self, name: str, default: int = 0, *, most: int = MAX_COUNT) -> int:
        """Return a field that holds 0 or a positive integer up to `most`.

        A missing field has the default, a null field counts as 0.
        """
        value = self.get(name, default)
        if value is None:
            return 0
        if type(value) is not int or value < 0:
            raise FieldError(f"{self._path}{name} is neither 0 nor a positive integer: {str(value)[:40]!r}")
        return self._bounded(name, value, most)

    def _bounded(self, name: str, value: int, most: int) -> int:
        if value > most:
            raise FieldError(
                f"{self._path}{name} is larger than {most:,}, the largest accepted value: {str(value)[:40]!r}"
            )
        return value

    def count_or_none(self, name: str) -> int | None:
        """Return a field that holds a positive integer; None if it is missing, null or 0."""
        value = self.get(name)
        return None if value is None or (value == 0 and not isinstance(value, bool)) else self.count(name)

    def counts(self, name: str, length: int) -> list[int]:
        """Return a field that lists `length` positive integers."""
        value = self[name]
        is_list = isinstance(value, list) and len(value) == length
        if not is_list or not all(type(entry) is int and 1 <= entry <= MAX_COUNT for entry in value):
            raise FieldError(f"{self._path}{name} does not list {length} positive integers: {str(value)[:40]!r}")
        return list(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean field; the default if it is missing or null."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise FieldError(f"{self._path}{name} is neither true nor false: {str(value)[:40]!r}")
        return value

    def each(self, name: str, layers: int) -> list[Any] | None:
        """Return a field that lists one entry per layer; None if it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or len(value) < layers:
            shown = f"{len(value)} entries" if isinstance(value, list) else repr(str(value)[:40])
            raise FieldError(f"{self._path}{name} has {shown}, not one for each of {layers} layers")
        return value[:layers]


@cache
def _table() -> Mapping[str, Mapping[str, Config]]:
    table: Mapping[str, Mapping[str, Config]] = data.load("config_defaults")["defaults"]
    return table


def _defaults(config: Config, *, is_nested: bool) -> Config:
    """Return the defaults of a configuration's family. Some apply only to nested configurations, because a complete
    file states these fields at its top level.
    """
    known = _table().get(str(config.get("model_type", "")), {})
    return {**known.get("optional", {}), **(known.get("nested", {}) if is_nested else {})}
