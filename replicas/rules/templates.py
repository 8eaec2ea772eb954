"""The rule about faults for which CloudFormation refuses a whole template before any resource changes."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.topology import Topology
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

_SOURCES = "each message has its source in replicas/template/faults.py"


@rule(
    "template-refused",
    checks="CloudFormation refuses the template (warning if no source documents it).",
    why="CloudFormation refuses the whole template, and no resource is created ({known})",
    source=_SOURCES,
    enforced=(
        *enforced_by("CreateStack", "quoted", f"'Template format error' and similar messages: {_SOURCES}"),
        *enforced_by("UpdateStack", "quoted", f"'Template format error' and similar messages: {_SOURCES}"),
    ),
)
def template_refused(topology: Topology) -> Iterator[Case]:
    """The structure, the parameters and the expressions of a template must have no fault."""
    for refusal in topology.refusals:
        source = refusal.source
        known = f"seen in {source}" if source else "derived from the template format; no source is known"
        numbers = {"message": refusal.message, "known": known}
        yield Case(subject=refusal.subject, numbers=numbers, certain=refusal.is_certain)
