"""Results of a check: endpoints, problems, warnings, and what could not be checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """A finding in words. `what` is the fault, `why` the consequence, `fix` the smallest change that corrects it."""

    rule: str
    logical_id: str
    what: str
    why: str
    fix: str
    certain: bool = True
    """True for a problem, False for a warning."""

    def to_document(self) -> dict[str, Any]:
        """Return the finding as a JSON document."""
        return {key: value for key, value in asdict(self).items() if key != "certain"}


@dataclass(frozen=True)
class Acknowledged:
    """A finding that the template itself acknowledges."""

    finding: Message
    reason: str

    def to_document(self) -> dict[str, Any]:
        """Return the finding as a JSON document."""
        return {**self.finding.to_document(), "reason": self.reason}


@dataclass(frozen=True)
class Unresolved:
    """A question that was not judged because the template does not state a value."""

    logical_id: str
    what: str
    parameters: tuple[str, ...] = ()
    """Template parameters whose values are needed (`AWS::Region` stands for `--region`); empty if no parameter would
    help."""

    def to_document(self) -> dict[str, Any]:
        """Return the question as a JSON document."""
        return {"logical_id": self.logical_id, "what": self.what, "parameters": list(self.parameters)}


@dataclass(frozen=True)
class OpenQuestion:
    """A question that was not judged: the reason, and the options of `replicas check` that supply the missing value."""

    logical_id: str
    question: str
    why: str
    options: tuple[str, ...] = ()
    """Options in full, for example `--parameter Copies=VALUE`; empty if no option would help."""

    def to_document(self) -> dict[str, Any]:
        """Return the question as a JSON document."""
        return {**asdict(self), "options": list(self.options)}


@dataclass(frozen=True)
class ComponentReport:
    """Copies and resources per copy of one inference component; None for unknown values."""

    logical_id: str
    copies: int | None
    accelerators: int | None
    cpus: float | None
    memory_mib: int | None
    max_copies: int | None = None
    """The maximum number of copies; equal to `copies` if the component is not scaled."""

    def to_document(self) -> dict[str, Any]:
        """Return the component as a JSON document."""
        return asdict(self)


@dataclass(frozen=True)
class EndpointReport:
    """One variant of one endpoint, with the components on it."""

    logical_id: str
    variant: str | None
    instance_type: str | None
    instances: int | None
    """Maximum number of instances: `MaxInstanceCount` with managed instance scaling, else `InitialInstanceCount`."""
    components: tuple[ComponentReport, ...]
    accelerators_used: int | None
    accelerators_available: int | None
    placement: tuple[Mapping[str, int], ...] | None
    """Copies of each component on each used instance; None if there is no proof that all copies fit, or for more than
    5,000 instances."""
    instance_pools: tuple[str, ...] = ()
    """Instance types that SageMaker chooses from, if the variant has no single `instance_type`."""
    regions: tuple[str, ...] | None = None
    """Regions that offer all instance types of the variant and, if it hosts any, inference components. None if
    an instance type is unknown, or if the report is about one region."""
    roles_elsewhere: tuple[str, ...] = ()
    """ARNs of execution roles outside the template, as the template writes them. The rights of these roles are not
    judged."""

    def to_document(self) -> dict[str, Any]:
        """Return the variant as a JSON document."""
        return {
            "logical_id": self.logical_id,
            "variant": self.variant,
            "instance_type": self.instance_type,
            "instance_pools": list(self.instance_pools),
            "instances": self.instances,
            "components": [component.to_document() for component in self.components],
            "accelerators_used": self.accelerators_used,
            "accelerators_available": self.accelerators_available,
            "placement": None if self.placement is None else [dict(instance) for instance in self.placement],
            "regions": None if self.regions is None else list(self.regions),
            "roles_elsewhere": list(self.roles_elsewhere),
        }


@dataclass(frozen=True)
class Report:
    """All results for one template, ordered by logical id, then rule."""

    endpoints: tuple[EndpointReport, ...]
    problems: tuple[Message, ...]
    warnings: tuple[Message, ...]
    unresolved: tuple[Unresolved, ...]
    unjudged: tuple[OpenQuestion, ...] = ()
    """Every question that was not judged. `unresolved` contains the same questions except those about memory, in the
    format of earlier versions."""
    acknowledged: tuple[Acknowledged, ...] = ()
    """Problems and warnings that the template acknowledges with a reason."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document of `replicas check --json` (`replicas.rules.document.CheckDocument`)."""
        return {
            "schema": "replicas.check/1",
            "endpoints": [endpoint.to_document() for endpoint in self.endpoints],
            "problems": [finding.to_document() for finding in self.problems],
            "warnings": [finding.to_document() for finding in self.warnings],
            "acknowledged": [acknowledged.to_document() for acknowledged in self.acknowledged],
            "unresolved": [open_point.to_document() for open_point in self.unresolved],
            "unjudged": [question.to_document() for question in self.unjudged],
        }
