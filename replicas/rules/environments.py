"""Rules about the size and the names of environment variables that SageMaker accepts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from replicas.endpoint.containers import Container
from replicas.endpoint.topology import Topology
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case

MOST_VARIABLES = 100
"""Maximum number of variables in a container of a model. Rules about single variables check at most this number."""
_OF_COMPONENTS = 16
"""Maximum number of variables in a component's own container."""
_LONGEST_VALUE = 1024
_LARGEST_BYTES = 32 * 1024
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


@rule(
    "environment-too-large",
    checks="A component's own container has more than 16 variables, a model's container more than 100, or a model more "
    "than 32 KB.",
    why="the container of a {holder} accepts at most {most}",
    source="CloudFormation schema of 2026-10-20: at most 16 entries; SageMaker API reference, ContainerDefinition, "
    "Environment: 'The maximum length of all keys and values in the map, combined, is 32 KB'",
    enforced=(
        *enforced_by(
            "CreateInferenceComponent",
            "documented",
            "botocore 1.44.5, InferenceComponentContainerSpecification, Environment: 16 entries",
        ),
        *enforced_by("CreateModel", "documented", "botocore 1.44.5, EnvironmentMap: at most 100; Environment: 32 KB"),
    ),
)
def environment_too_large(topology: Topology) -> Iterator[Case]:
    """An environment must not have more variables, or more text, than SageMaker accepts."""
    for component, container in topology.own_containers:
        entries = len(container.environment)
        if entries > _OF_COMPONENTS:
            numbers = {"entries": entries, "holder": "component", "most": _OF_COMPONENTS}
            yield Case(subject=component.subject, numbers=numbers)
    for model in topology.models:
        entries = max((len(container.environment) for container in model.containers), default=0)
        if entries > MOST_VARIABLES:
            numbers = {"entries": entries, "holder": "model", "most": MOST_VARIABLES}
            yield Case(subject=model.subject, kind="of a model", numbers=numbers)
        size = sum(_bytes_of(container) for container in model.containers)
        if size > _LARGEST_BYTES:
            numbers = {"size": size, "holder": "model", "most": f"{_LARGEST_BYTES} bytes"}
            yield Case(subject=model.subject, kind="bytes", numbers=numbers)


@rule(
    "environment-value-too-long",
    checks="A variable has more than 1,024 characters.",
    why="SageMaker accepts at most {most}",
    source="SageMaker API reference, ContainerDefinition and InferenceComponentContainerSpecification, Environment",
    enforced=(
        *enforced_by("CreateModel", "documented", "botocore 1.44.5, EnvironmentValue: at most 1024"),
        *enforced_by("CreateInferenceComponent", "documented", "botocore 1.44.5, EnvironmentValue: at most 1024"),
    ),
)
def environment_value_too_long(topology: Topology) -> Iterator[Case]:
    """An environment variable of a model or component must have at most 1,024 characters."""
    for subject, container in topology.declared_containers:
        for name, value in container.environment.items():
            if isinstance(value, str) and len(value) > _LONGEST_VALUE:
                numbers = {"variable": name, "characters": len(value), "most": _LONGEST_VALUE}
                yield Case(subject=subject, numbers=numbers)


@rule(
    "environment-name",
    checks="The name of a model's variable has other characters than letters, digits and underscores.",
    why="SageMaker accepts names of letters, digits and underscores that do not begin with a digit",
    source="SageMaker API reference, ContainerDefinition, Environment: pattern of the keys",
    enforced=enforced_by("CreateModel", "documented", "botocore 1.44.5, EnvironmentKey: [a-zA-Z_][a-zA-Z0-9_]*"),
)
def environment_name(topology: Topology) -> Iterator[Case]:
    """The names of a model's variables must be identifiers. CloudFormation's schema checks those of components."""
    for model in topology.models:
        names = [name for container in model.containers for name in islice(container.environment, MOST_VARIABLES)]
        for name in dict.fromkeys(name for name in names if not _NAME.fullmatch(name)):
            yield Case(subject=model.subject, numbers={"variable": name})


@rule(
    "environment-not-text",
    checks="The value of a model's variable is an object or a list.",
    why="SageMaker accepts only texts as values of variables",
    source="SageMaker API reference, ContainerDefinition, Environment: string to string map",
    enforced=enforced_by("CreateModel", "documented", "botocore 1.44.5, EnvironmentMap: values of the type string"),
)
def environment_not_text(topology: Topology) -> Iterator[Case]:
    """The values of a model's variables must be texts. CloudFormation's schema checks those of components."""
    for model in topology.models:
        for container in model.containers:
            for name, value in islice(container.environment.items(), MOST_VARIABLES):
                if isinstance(value, Mapping | list):
                    kind = "a list" if isinstance(value, list) else "an object"
                    yield Case(subject=model.subject, numbers={"variable": name, "given": kind})


def _bytes_of(container: Container) -> int:
    """Return the bytes of the names and known values of a container's variables."""
    texts = [text for pair in container.environment.items() for text in pair if isinstance(text, str)]
    return sum(len(text.encode(errors="replace")) for text in texts)
