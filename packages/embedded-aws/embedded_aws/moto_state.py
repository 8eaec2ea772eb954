"""Collects, restores and clears moto's state. All embedded AWSs of a process share that state."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.model_instances import reset_model_data

_MADE = frozenset({"backend", "service_name", "_use_boto3_regions", "_additional_regions", "_id"})
"""Attributes set by the constructor of BackendDict. Other attributes are state, such as the owners of S3 buckets."""

Entry = tuple[str, str, dict[str, Any], dict[tuple[str, str], Any]]
"""State of a service: module and class of its backends, common state, and backends by account and region."""


def collect() -> list[Entry]:
    """Return the state of all moto services in use: moto's live objects, not copies."""
    entries = []
    for service in _in_use():
        common = {name: value for name, value in vars(service).items() if name not in _MADE}
        backends = {(account, region): backend for account, region, backend in service.iter_backends()}
        entries.append((service.backend.__module__, service.backend.__name__, common, backends))
    return entries


def restore(entries: list[Entry]) -> None:
    """Install the state that `collect` returned."""
    for module, name, common, backends in entries:
        (service,) = _services_of(module, name)
        vars(service).update(common)
        for (account, region), backend in backends.items():
            service[account][region] = backend


def forget() -> None:
    """Clear moto's state. In contrast to moto's own reset, this creates no backend."""
    for service in _in_use():
        for _, _, backend in service.iter_backends():
            if type(backend).reset is not BaseBackend.reset:  # the backend has its own clean-up: S3 closes files
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
