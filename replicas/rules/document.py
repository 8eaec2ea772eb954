"""Shape of the JSON document of `replicas check`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.rules.report import ComponentReport, OpenQuestion, Unresolved


class FindingDocument(TypedDict):
    """One finding of a rule."""

    rule: str
    logical_id: str
    what: str
    why: str
    fix: str


class AcknowledgedDocument(FindingDocument):
    """A finding that the template acknowledges with a reason."""

    reason: str


class EndpointDocument(TypedDict):
    """One variant of one endpoint; unknown values are null."""

    logical_id: str
    variant: str | None
    instance_type: str | None
    instance_pools: list[str]
    instances: int | None
    components: list[ComponentReport]
    accelerators_used: int | None
    accelerators_available: int | None
    placement: list[dict[str, int]] | None
    """Copies of each component on each instance; null if there is no proof that all copies fit."""
    regions: list[str] | None
    """Regions that have the instance types; null if the report is about one region."""
    roles_elsewhere: list[str]


class CheckDocument(TypedDict):
    """The complete report of one template."""

    schema: Literal["replicas.check/1"]
    endpoints: list[EndpointDocument]
    problems: list[FindingDocument]
    warnings: list[FindingDocument]
    acknowledged: list[AcknowledgedDocument]
    unresolved: list[Unresolved]
    unjudged: list[OpenQuestion]


class FileDocument(CheckDocument):
    """The report of one file of several."""

    file: str
    region: str | None
    """Region for which the template was checked; null if it was checked for all regions."""


class ChecksDocument(TypedDict):
    """The reports of several templates: of more than one file, or of a folder."""

    schema: Literal["replicas.checks/1"]
    templates: list[FileDocument]
