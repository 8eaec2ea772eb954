"""Records of measured starts, and the file that stores them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from replicas.errors import OperationError, unreadable
from replicas.start.phases import PhaseName

Origin = Literal["aws", "embedded-aws"]
STORE: Final = Path("profiles", "starts.json")
"""File in which `replicas calibrate` stores records, relative to the folder of deployments.py."""
SCHEMA: Final = "replicas.starts/1"
_LARGEST_BYTES = 16 * 2**20
_WRITER = "write the file with `replicas status NAME --probe --record FILE`"


@dataclass(frozen=True, kw_only=True)
class StartRecord:
    """A measured start, from the request for a component until all its copies served."""

    deployment: str
    component: str
    model: str
    engine: str
    """Name of the engine with its version."""
    instance_type: str
    accelerators: int
    copies: int
    weights: Literal["hub", "s3"]
    region: str
    measured: str
    """Date of the creation, YYYY-MM-DD."""
    origin: Origin
    endpoint_seconds: float | None
    component_seconds: float
    phase_seconds: Mapping[PhaseName, float]

    def __post_init__(self) -> None:
        """Refuse values that no start can have.

        Raises:
            ValueError: a time is negative or too long, a count is below 1, or the date is invalid.

        """
        date.fromisoformat(self.measured)
        seconds = [self.component_seconds, self.endpoint_seconds or 0.0, *self.phase_seconds.values()]
        if any(not 0 <= value < 10**6 for value in seconds):
            raise ValueError("seconds must be between 0 and 1,000,000")
        if self.accelerators < 1 or self.copies < 1:
            raise ValueError("copies and accelerators must be at least 1")

    @property
    def key(self) -> tuple[str, ...]:
        """Identity of the measured start. A newer record with the same key replaces this one."""
        of_copy = (self.model, self.engine, self.instance_type, str(self.accelerators), self.weights)
        return (*of_copy, self.region, self.origin)

    @property
    def is_of_aws(self) -> bool:
        """True if AWS was measured, not a simulation of AWS."""
        return self.origin == "aws"

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.start.document.StartRecordDocument`)."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**values, "phase_seconds": dict(self.phase_seconds)}


def is_records_file(path: Path) -> bool:
    """True if a file contains records of starts, of any version of the format."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            return False
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    schema = document.get("schema") if isinstance(document, dict) else None
    return isinstance(schema, str) and schema.startswith("replicas.starts/")


def read_records(path: Path) -> tuple[StartRecord, ...]:
    """Read the records of a file.

    Raises:
        OperationError: the file cannot be read, or contains no records in the format of this version.

    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise OperationError(f"{path} cannot be read: {unreadable(fault)}: {_WRITER}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise OperationError(f"{path} contains no records of starts in the format of this version: {_WRITER}")
    if not document.get("records"):
        raise OperationError(f"{path} has no record of a start: {_WRITER}")
    try:
        return tuple(TypeAdapter(list[StartRecord]).validate_python(document["records"]))
    except ValidationError as fault:
        first = fault.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "records"
        raise OperationError(f"{path}: {where}: {first['msg']}: {_WRITER}") from None


def write_records(records: Iterable[StartRecord], path: Path) -> None:
    """Write records to a file; missing folders are created."""
    document = {"schema": SCHEMA, "records": [record.to_document() for record in records]}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as fault:
        raise OperationError(f"{path} cannot be written: {fault.strerror or fault}") from None


def keep_records(records: Iterable[StartRecord], path: Path) -> tuple[StartRecord, ...]:
    """Add records to a file and return all its records. A newer record replaces the record with the same key.

    Raises:
        OperationError: the file exists and cannot be read, or cannot be written.

    """
    kept = {record.key: record for record in (read_records(path) if path.exists() else ())}
    for record in records:
        before = kept.get(record.key)
        if before is None or before.measured <= record.measured:
            kept[record.key] = record
    write_records(kept.values(), path)
    return tuple(kept.values())
