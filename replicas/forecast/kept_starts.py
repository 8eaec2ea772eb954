"""Stores measured starts, which later forecasts of a cold start use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.errors import OperationError
from replicas.forecast.cold_start import model_of_record
from replicas.planning.choice import component_named
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.start.records import STORE, StartRecord, keep_records, read_records


def kept_records(store: Path | None = None) -> tuple[StartRecord, ...]:
    """Return the measured starts in a file. Default: the file in which `replicas calibrate` stores them, if it exists.

    Raises:
        OperationError: the file cannot be read.

    """
    if store is None and not STORE.exists():
        return ()
    return read_records(store or STORE)


@dataclass(frozen=True)
class KeptStarts:
    """Records of measured starts that were added to a file."""

    records: tuple[StartRecord, ...]
    path: Path

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.forecast.document.KeptStartsDocument`)."""
        return {
            "schema": "replicas.kept-starts/1",
            "path": str(self.path),
            "records": [record.to_document() for record in self.records],
            "simulated": sum(not record.is_of_aws for record in self.records),
        }


def keep_starts(
    path: Path,
    *,
    plan_of: Callable[[str], EndpointPlan],
    component: str | None = None,
    out: Path | None = None,
) -> KeptStarts:
    """Read measured starts, check their models, and add them to the stored records.

    Args:
        path: file of records (`replicas.start.records`).
        plan_of: returns the plan of the deployment that a record names.
        component: component of the records. Default: the component that each record names.
        out: file for stored records. Default: profiles/starts.json.

    Raises:
        OperationError: a file cannot be read or written, or a record has another model than its deployment.

    """
    records = read_records(path)
    for record in records:
        planned = plan_of(record.deployment)
        _check_model(path, record, planned, component_named(planned, component or _name_in(planned, record)))
    target = out or STORE
    keep_records(records, target)
    return KeptStarts(records, target)


def _name_in(planned: EndpointPlan, record: StartRecord) -> str | None:
    """Return the name of the record's component in the plan; None if the plan has only one component."""
    return record.component if len(planned.components) > 1 else None


def _check_model(path: Path, record: StartRecord, planned: EndpointPlan, component: ComponentPlan) -> None:
    served = model_of_record(component)
    if record.model != served:
        raise OperationError(
            f"{path} was measured with {record.model}, but {planned.name} serves {served}: name a deployment of the "
            "measured model with --deployment"
        )
