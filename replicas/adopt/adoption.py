"""`adopt`: prepares to manage a live endpoint with deployments.py. Changes nothing in the account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.adopt.described import component_key, template_of
from replicas.adopt.entry import Entry, entry_of
from replicas.adopt.live import read_live
from replicas.adopt.records import LiveEndpoint
from replicas.adopt.source import source_of
from replicas.adopt.synthesis import has_app, synthesised
from replicas.adopt.takeover import Takeover, takeover_of
from replicas.aws.deployed import find_stack
from replicas.aws.session import Aws
from replicas.deployment.file import FILE, read_entries
from replicas.deployment.sentences import near_name
from replicas.errors import CatalogueError, OperationError, SizingError
from replicas.planning.planner import plan
from replicas.rules import Report, check


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """Result of `adopt`: the entry for deployments.py, its proof, and the import of the live resources."""

    live: LiveEndpoint
    entry: Entry
    report: Report
    """Report of the rules about the live endpoint."""
    problems: tuple[str, ...]
    """Reasons why the entry cannot be planned; empty if it can be planned."""
    takeover: Takeover | None
    """The import; None if the entry cannot be planned, or the folder contains no app."""
    assembly_version: str | None
    notes: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """True if the entry can be planned and no rule reports a problem."""
        return not self.problems and not self.report.problems

    @property
    def source(self) -> str:
        """The entry as Python text."""
        return source_of(self.entry.deployment)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.adopt.document.AdoptionDocument`)."""
        from replicas.adopt.document import adoption_document

        return adoption_document(self)


def adopt(
    aws: Aws,
    endpoint: str,
    *,
    components: Sequence[str] = (),
    name: str | None = None,
    models: Mapping[str, str] | None = None,
    token_secret: str | None = None,
    folder: Path | None = None,
) -> Adoption:
    """Read a live endpoint, write its entry, prove it, and describe the import.

    Args:
        aws: account and region.
        endpoint: name of the endpoint.
        components: names of the components to take over. Default: all.
        name: name of the deployment. Default: the endpoint's name, converted to a valid stack name.
        models: model of a component, by the component's name, if no variable of its container names it.
        token_secret: secret with the Hub token that the containers now get as a variable.
        folder: folder of the CDK app. Default: the current folder.

    Raises:
        OperationError: the endpoint does not exist or is of a kind that no entry describes, or the name is taken.

    """
    live = read_live(aws, endpoint, components)
    chosen = name or near_name(endpoint) or "endpoint"
    _check_name(aws, chosen, live)
    entry = entry_of(live, chosen, models=models or {}, token_secret=token_secret)
    named = {component_key(component): model for component, model in (models or {}).items()}
    report = check(template_of(live), region=live.region, models=named)
    problems, notes = _problems(entry), list(_notes(live, chosen, report))
    takeover, version, where = None, None, folder or Path.cwd()
    if not problems and has_app(where):
        made = synthesised(entry.deployment, where)
        takeover, version = takeover_of(made.template, live, entry), made.assembly_version
    elif not problems:
        notes.append(
            f"no app.py and cdk.json in {where}: run the command in the folder of the app, because an import needs "
            f"the logical ids of the app"
        )
    return Adoption(
        live=live,
        entry=entry,
        report=report,
        problems=problems,
        takeover=takeover,
        assembly_version=version,
        notes=tuple(notes),
    )


def _problems(entry: Entry) -> tuple[str, ...]:
    try:
        plan(entry.deployment)
    except SizingError as error:
        return tuple(error.problems)
    return ()


def _check_name(aws: Aws, name: str, live: LiveEndpoint) -> None:
    """Refuse a name that a stack or another entry already has."""
    if find_stack(aws, name) is not None and name != live.stack:
        raise OperationError(f"a stack {name!r} exists in {aws.region}: use --name to give the deployment another name")
    try:
        entries = read_entries() if FILE.is_file() else []
    except CatalogueError:
        return  # `replicas plan` reports faults of the file
    if name in [str(entry.name) for entry in entries]:
        raise OperationError(f"{FILE} already has an entry {name!r}: use --name to give the deployment another name")


def _notes(live: LiveEndpoint, name: str, report: Report) -> list[str]:
    """Return sentences about requirements of the import that are not visible in the templates."""
    notes = []
    if live.stack is not None:
        notes.append(
            f"the endpoint belongs to stack {live.stack}, and CloudFormation imports only resources that belong to "
            f"no stack: first set DeletionPolicy: Retain on its resources in {live.stack}, deploy, and remove the "
            f"resources from {live.stack}"
        )
    refused = [problem.what for problem in report.problems if problem.rule == "property-refused"]
    if refused:
        notes.append(
            "CloudFormation refuses the import of properties that its schemas do not have "
            f"({'; '.join(refused)}): remove them from the endpoint first"
        )
    for component in live.components:
        if component.scaling is not None:
            target = component.scaling.target
            notes.append(
                f"the autoscaling of {component.name} is not imported: run `aws application-autoscaling "
                f"deregister-scalable-target --service-namespace sagemaker --resource-id {target['ResourceId']} "
                f"--scalable-dimension {target['ScalableDimension']}` right before the first `npx cdk deploy {name}`, "
                "which creates the scaling of the entry; the copies keep running"
            )
    return notes
