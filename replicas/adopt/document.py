"""Shape of the JSON document of `replicas adopt`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from typing_extensions import TypedDict

from replicas.adopt.adoption import Adoption
from replicas.adopt.entry import Unexpressed
from replicas.adopt.written import Difference
from replicas.review.document import ServingDocument
from replicas.review.effects import Effect
from replicas.rules.document import CheckDocument


class ImportDocument(TypedDict):
    """The import, and the changes of the first deployment after it."""

    template: dict[str, Any]
    """Template with only the imported resources, as they are live."""
    mapping: dict[str, dict[str, str]]
    """Identifiers by logical id: the file of `cdk import --resource-mapping`."""
    differences: list[Difference]
    """Differences between the template of the entry and the live resources."""
    serving: list[ServingDocument]
    effects: list[Effect]


class AdoptionDocument(TypedDict):
    """Result of `adopt`: the entry for deployments.py, its proof, and the import of the live resources."""

    schema: Literal["replicas.adoption/1"]
    endpoint: str
    region: str
    account: str
    name: str
    """Name of the deployment."""
    entry: str
    """The entry as Python text."""
    components: dict[str, str]
    """Names of the live components and adapters, by their names in the entry."""
    is_proven: bool
    problems: list[str]
    """Why the entry cannot be planned."""
    proof: CheckDocument
    """Report of the rules about the live endpoint."""
    unexpressed: list[Unexpressed]
    notes: list[str]
    takeover: ImportDocument | None
    """The import; null if the entry cannot be planned, or the folder contains no app."""


def adoption_document(adoption: Adoption) -> dict[str, Any]:
    """Return the JSON document of an adoption."""
    live, takeover = adoption.live, adoption.takeover
    return {
        "schema": "replicas.adoption/1",
        "endpoint": live.name,
        "region": live.region,
        "account": live.account,
        "name": adoption.entry.deployment.name,
        "entry": adoption.source,
        "components": dict(adoption.entry.names),
        "is_proven": adoption.is_proven,
        "problems": list(adoption.problems),
        "proof": adoption.report.to_document(),
        "unexpressed": [asdict(entry) for entry in adoption.entry.unexpressed],
        "notes": list(adoption.notes),
        "takeover": None
        if takeover is None
        else {
            "template": dict(takeover.template),
            "mapping": {key: dict(identifier) for key, identifier in takeover.mapping.items()},
            "differences": [asdict(difference) for difference in takeover.differences],
            "serving": [
                {**asdict(change), "fate": str(change.fate), "headline": change.headline} for change in takeover.serving
            ],
            "effects": [{**asdict(effect), "kind": str(effect.kind)} for effect in takeover.effects],
        },
    }
