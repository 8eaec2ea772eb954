"""Reads the fields of a `config.json` and remembers which ones were looked up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Config = Mapping[str, Any]


class FieldError(ValueError):
    """A field has the wrong type or value."""


class Fields(Mapping[str, Any]):
    """A configuration, or a nested one. Reading a field marks it as understood.

    Raises:
        KeyError: a required field is missing; the argument is the field's path.
        FieldError: a field has the wrong type or value.

    """

    def __init__(self, config: Config, path: str = "") -> None:
        self._config = config
        self._path = path
        self._within: dict[str, Fields] = {}
        self.looked_up: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.looked_up.add(name)
        if name not in self._config:
            raise KeyError(self._path + name)
        return self._config[name]

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

    def count(self, name: str, default: int | None = None) -> int:
        """Return a field that holds a positive integer; the default if it is missing or null."""
        value = self.get(name)
        if value is None:
            if default is None:
                raise KeyError(self._path + name)
            return default
        if type(value) is not int or value < 1:
            raise FieldError(f"{self._path}{name} is not a positive integer: {str(value)[:40]!r}")
        return value

    def count_or_none(self, name: str) -> int | None:
        """Return a field that holds a positive integer; None if it is missing, null or 0."""
        value = self.get(name)
        return None if value is None or (value == 0 and not isinstance(value, bool)) else self.count(name)

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
