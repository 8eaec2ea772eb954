"""Rules about network isolation of containers and shell access to their hosts."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.containers import Model
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.endpoint.variants import Configuration
from replicas.rules.declaration import rule
from replicas.rules.finding import Case


@rule(
    "not-isolated",
    pack="practice",
    severity="warning",
    checks="A container is neither isolated from the network nor in a VPC.",
    why="code in the model repository can send prompts and credentials anywhere",
)
def not_isolated(topology: Topology) -> Iterator[Case]:
    """A model, or every endpoint configuration that uses the model, must be isolated or in a VPC."""
    used_by: dict[str, list[Configuration]] = {}
    for variant in topology.variants:
        for component in variant.components:
            for specification in component.specifications:
                if specification.model:
                    used_by.setdefault(specification.model.subject.name, []).append(variant.configuration)
    for model in topology.models:
        configurations = used_by.get(model.subject.name, [])
        if not _is_closed(model) and not (configurations and all(map(_is_closed, configurations))):
            yield Case(subject=model.subject)


def _is_closed(place: Model | Configuration) -> bool:
    return place.isolated is True or isinstance(place.isolated, Unknown) or place.in_vpc


@rule(
    "shell-access",
    pack="practice",
    severity="warning",
    checks="EnableSSMAccess opens a shell on the instances.",
    why="everyone with a shell can read prompts and weights. Enable it only to examine a fault",
)
def shell_access(topology: Topology) -> Iterator[Case]:
    """Shell access to the instances must not be enabled."""
    for configuration, variant in topology.configured_variants:
        if variant.opens_shell:
            yield Case(subject=configuration.subject, numbers={"variant": text_of(variant.name)})
