"""Where the weights come from, and what an engine is given twice."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.engines import engine_of_image, model_variables
from replicas.rules.declaration import rule
from replicas.rules.finding import Case


def hub_repository(container: Container) -> tuple[str, str] | None:
    """The variable and the repository of the Hub whose weights are fetched at start; None where there is none."""
    for name in model_variables(container.repository):
        value = container.variable(name)
        if isinstance(value, str) and value.strip() and not value.startswith(("/", "s3://", ".")):
            return name, value
    return None


@rule(
    "isolated-from-weights",
    checks="An isolated container is to fetch its weights from the Hub.",
    why="an isolated container reaches no network: the download from the Hub fails, and no copy starts",
    source="SageMaker developer guide, run containers without internet access",
)
def isolated_from_weights(topology: Topology) -> Iterator[Case]:
    """Network isolation cuts the container off, from the Hub too."""
    for user, container, isolated in _isolated(topology):
        found = hub_repository(container)
        if found:
            numbers = {"isolated": isolated, "variable": found[0], "repository": found[1]}
            yield Case(subject=user, numbers=numbers)


def _isolated(topology: Topology) -> Iterator[tuple[Subject, Container, Subject]]:
    """What is isolated: a model or component, its container, and what isolates it."""
    for model in topology.models:
        if model.isolated is True:
            yield model.subject, model.container, model.subject
    for variant in topology.variants:
        if variant.configuration.isolated is not True:
            continue
        for component in variant.components:
            for specification in component.specifications:
                model_or_none = specification.model
                if model_or_none is None:
                    yield component.subject, specification.container, variant.configuration.subject
                elif model_or_none.isolated is not True:
                    yield model_or_none.subject, specification.container, variant.configuration.subject


@rule(
    "input-limit-twice",
    checks="An engine is given one limit by two names of it.",
    why="both set one limit; the launcher of {engine} ends with an error where it is given twice",
    source="the launcher of each engine, named in its folder (docs/engines.md)",
)
def input_limit_twice(topology: Topology) -> Iterator[Case]:
    """Some versions have a new name for a limit beside the old one, and refuse both together."""
    containers = [(model.subject, model.container) for model in topology.models]
    containers += [
        (component.subject, specification.container)
        for component in topology.components
        for specification in component.specifications
        if specification.own_container is not None and specification.own_container.environment
    ]
    for subject, container in containers:
        kind = engine_of_image(container.repository)
        for conflict in kind.conflicts_of(container.tag) if kind else ():
            if kind and set(conflict.names) <= set(container.environment):
                numbers = {"engine": kind.title, "names": " and ".join(conflict.names), "keep": conflict.keep}
                yield Case(subject=subject, numbers=numbers)
