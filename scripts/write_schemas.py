"""Write the JSON Schemas of all documents to docs/schemas/: `make docs`.

A schema describes the current keys of a document. It allows other keys, because a later release may add keys without a
new version number.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from embedded_aws.document import FaultDocument, RunningDocument, StartedDocument, StoppedDocument
from replicas.adopt.document import AdoptionDocument
from replicas.aws.document import BillsDocument
from replicas.benchmark.document import (
    BenchmarkDocument,
    CandidatesDocument,
    DeletedJobsDocument,
    HistoryDocument,
    JobsDocument,
    MadeTraceDocument,
    VerificationDocument,
)
from replicas.catalogue.document import InstanceDocument, ModelDocument
from replicas.chat.document import AnswerDocument, InvocationDocument
from replicas.cost.document import CostDocument, CostsDocument
from replicas.engines.profile import Profile
from replicas.forecast.document import CalibrationDocument, ColdStartDocument, KeptStartsDocument
from replicas.forecast.loads import Forecast
from replicas.planning.document import PlanDocument, PlansDocument
from replicas.preflight.document import CheckDocument as PreflightCheckDocument
from replicas.preflight.document import PreflightDocument
from replicas.recommend.document import FleetDocument, RecommendationDocument
from replicas.review.document import ReviewDocument
from replicas.rules.document import CheckDocument, ChecksDocument
from replicas.staging.document import EndedUploadsDocument, ManifestDocument, StagedDocument, StagingDocument
from replicas.start.document import StartRecordsDocument
from replicas.status.document import StatusDocument
from replicas.teardown.document import InventoryDocument, TeardownDocument

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

DOCUMENTS: dict[str, Any] = {
    "embedded-aws.fault/1": FaultDocument,
    "embedded-aws.running/1": RunningDocument,
    "embedded-aws.started/1": StartedDocument,
    "embedded-aws.stopped/1": StoppedDocument,
    "replicas.adoption/1": AdoptionDocument,
    "replicas.answer/1": AnswerDocument,
    "replicas.benchmark/3": BenchmarkDocument,
    "replicas.bills/1": BillsDocument,
    "replicas.calibration/1": CalibrationDocument,
    "replicas.check/1": CheckDocument,
    "replicas.cold-start/1": ColdStartDocument,
    "replicas.kept-starts/1": KeptStartsDocument,
    "replicas.starts/1": StartRecordsDocument,
    "replicas.checks/1": ChecksDocument,
    "replicas.cost/1": CostDocument,
    "replicas.costs/1": CostsDocument,
    "replicas.ended-uploads/1": EndedUploadsDocument,
    "replicas.fleet/1": FleetDocument,
    "replicas.forecast/1": Forecast,
    "replicas.history/1": HistoryDocument,
    "replicas.instance/1": InstanceDocument,
    "replicas.inventory/1": InventoryDocument,
    "replicas.manifest/1": ManifestDocument,
    "replicas.invocation/1": InvocationDocument,
    "replicas.model/1": ModelDocument,
    "replicas.plan/1": PlanDocument,
    "replicas.plans/1": PlansDocument,
    "replicas.preflight-check/1": PreflightCheckDocument,
    "replicas.preflight/1": PreflightDocument,
    "replicas.profile/2": Profile,
    "replicas.recommendation/1": RecommendationDocument,
    "replicas.review/1": ReviewDocument,
    "replicas.staged/1": StagedDocument,
    "replicas.staging/1": StagingDocument,
    "replicas.status/1": StatusDocument,
    "replicas.teardown/1": TeardownDocument,
    "replicas.trace/1": MadeTraceDocument,
    "replicas.verification-candidates/1": CandidatesDocument,
    "replicas.verification-cleanup/1": DeletedJobsDocument,
    "replicas.verification-jobs/1": JobsDocument,
    "replicas.verification/1": VerificationDocument,
}
"""Type of each document, by its `schema` value. A dataclass document has the fields of the class and `schema`."""


_DESCRIPTIONS = {"replicas.plan/1": "The plan of a deployment, or the reasons why it cannot be planned."}
"""Descriptions of documents with several variants, by `schema` value."""


class _Generator(GenerateJsonSchema):
    """Marks every field of a dataclass as required, because its document always has all fields."""

    def field_is_required(self, field: Any, total: bool) -> bool:
        """Return True for fields of a dataclass. Keys of a TypedDict are required as declared."""
        return field["type"] == "dataclass-field" or super().field_is_required(field, total)


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a document, draft 2020-12."""
    described = DOCUMENTS[name]
    schema: JsonSchemaValue = TypeAdapter(described).json_schema(schema_generator=_Generator, mode="serialization")
    for part in _objects(schema):
        _without_titles(part)
    definition = schema.get("$defs", {}).get("Forecast")
    if is_dataclass(described):
        _add_schema_key(schema, name)
    if definition is not None:
        _add_schema_key(definition, "replicas.forecast/1")
    return {"$schema": DIALECT, "$id": name, **schema, "title": name}


def file_of(name: str) -> Path:
    """Return the path of a schema file, `replicas.plan.1.json` for `replicas.plan/1`."""
    return FOLDER / f"{name.replace('/', '.')}.json"


def description_of(name: str) -> str:
    """Return the first sentence of a document's description."""
    described = DOCUMENTS[name]
    text = inspect.getdoc(described) if isinstance(described, type) else _DESCRIPTIONS[name]
    return str(text).partition("\n")[0]


def texts() -> dict[Path, str]:
    """Return the content of every schema file, by path."""
    return {file_of(name): json.dumps(schema_of(name), indent=1) + "\n" for name in DOCUMENTS}


def _add_schema_key(schema: dict[str, Any], name: str) -> None:
    schema["properties"] = {"schema": {"const": name, "type": "string"}, **schema["properties"]}
    schema["required"] = ["schema", *schema["required"]]


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from _objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _objects(part)


def _without_titles(schema: dict[str, Any]) -> None:
    """Remove the titles of properties, because they repeat the names."""
    for part in schema.get("properties", {}).values():
        part.pop("title", None)


def main() -> None:
    """Write every schema file, and delete files without a document."""
    FOLDER.mkdir(exist_ok=True)
    contents = texts()
    for path in set(FOLDER.glob("*.json")) - set(contents):
        path.unlink()
    for path, text in contents.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
