"""Rules about the source of the weights, and about variables that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.engines import engine_of_image, model_variables
from replicas.engines.containers import LOCAL_WEIGHTS
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case


def hub_repository(container: Container) -> tuple[str, str] | None:
    """Return (variable, repository) of weights that the container downloads from the Hub; None if there are none."""
    for name in model_variables(container.repository):
        value = container.variable(name)
        if isinstance(value, str) and value.strip() and not value.startswith(("/", "s3://", ".")):
            return name, value
    return None


@rule(
    "weights-location",
    checks="The S3 location of weights is a prefix without a slash at its end, an object with a slash at its end, or "
    "an archive that is not unpacked (warning).",
    why="{why}",
    source="SageMaker API reference, S3ModelDataSource, S3DataType and CompressionType",
    enforced=enforced_by("CreateModel", "documented", "botocore 1.44.5, S3ModelDataSource, S3DataType"),
)
def weights_location(topology: Topology) -> Iterator[Case]:
    """The S3 location of weights must have the form of its data type."""
    for model in topology.models:
        for container in model.containers:
            for source in container.data:
                numbers = {"address": source.address, "data_type": source.data_type}
                is_plain = source.compression == "None"
                if source.data_type == "S3Prefix" and is_plain and not source.address.endswith(("/", "}")):
                    why = "'A valid key name prefix identified by S3Uri always ends with a forward slash (/)'"
                    numbers |= {"why": why, "fix": f"S3Uri={source.address}/"}
                    yield Case(subject=model.subject, numbers=numbers)
                elif source.data_type == "S3Object" and source.address.endswith("/"):
                    why = "S3Object names a single object, and the part after the last slash is the name of its file"
                    numbers |= {"why": why, "fix": "S3DataType=S3Prefix"}
                    yield Case(subject=model.subject, numbers=numbers)
                elif is_plain and source.address.endswith((".tar.gz", ".tgz")):
                    why = "without Gzip, SageMaker does not unpack the archive, and the engine finds no weights"
                    numbers |= {"why": why, "fix": "CompressionType=Gzip with S3DataType=S3Object"}
                    yield Case(subject=model.subject, kind="archive", numbers=numbers, certain=False)


@rule(
    "isolated-from-weights",
    checks="An isolated container downloads its weights from the Hub.",
    why="an isolated container has no network access, so the download fails and no copy starts",
    source="SageMaker developer guide, run containers without internet access",
)
def isolated_from_weights(topology: Topology) -> Iterator[Case]:
    """A container with network isolation must not download weights from the Hub, because isolation blocks this."""
    for user, container, isolated in _isolated(topology):
        source = hub_repository(container)
        if source:
            numbers = {
                "isolated": isolated,
                "variable": source[0],
                "repository": source[1],
                "local": LOCAL_WEIGHTS,
            }
            yield Case(subject=user, numbers=numbers)


def _isolated(topology: Topology) -> Iterator[tuple[Subject, Container, Subject]]:
    """Yield isolated models and components, each with its container and the resource that isolates it."""
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
    checks="Variables of a container exclude each other: the engine does not start if all of them are set.",
    why="{why}",
    source="the engine's folder in replicas/engines",
)
def input_limit_twice(topology: Topology) -> Iterator[Case]:
    """Variables that exclude each other must not be set together."""
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
            if conflict.names <= set(container.environment):
                names = " and ".join(sorted(conflict.names))
                yield Case(subject=subject, numbers={"names": names, "keep": conflict.keep, "why": conflict.why})
