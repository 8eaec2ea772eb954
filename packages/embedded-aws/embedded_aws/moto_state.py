"""What moto holds. It is one for the whole process: every embedded AWS in it shares it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.model_instances import reset_model_data

_MADE = frozenset({"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"})
"""What a BackendDict is made with; its other attributes are state (S3: who has which bucket)."""

Entry = tuple[str, str, dict[str, Any], dict[tuple[str, str], Any]]
"""Of a service: module and class of its backends, state of all, and the backends by account and region."""


def collect() -> list[Entry]:
    """All of it, as objects that belong to moto."""
    entries = []
    for service in _in_use():
        common = {name: value for name, value in vars(service).items() if name not in _MADE}
        backends = {(account, region): backend for account, region, backend in service.iter_backends()}
        entries.append((service.backend.__module__, service.backend.__name__, common, backends))
    return entries


def restore(entries: list[Entry]) -> None:
    """Put in place what `collect` gave."""
    for module, name, common, backends in entries:
        (service,) = _services_of(module, name)
        vars(service).update(common)
        for (account, region), backend in backends.items():
            service[account][region] = backend


def forget() -> None:
    """Empty all of it. As moto's own reset does, but nothing is filled again before it is asked for."""
    for service in _in_use():
        for _, _, backend in service.iter_backends():
            if type(backend).reset is not BaseBackend.reset:  # it has more to do: S3 closes files
                backend.reset()
        service.clear()
    cast("Any", BackendDict)._instances.clear()
    reset_model_data()


def _in_use() -> list[Any]:
    return list(cast("Any", BackendDict)._instances)


def _services_of(module: str, name: str) -> Iterator[Any]:
    for value in vars(import_module(module)).values():
        if isinstance(value, BackendDict) and value.backend.__name__ == name:
            yield value
