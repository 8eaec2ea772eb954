"""Rules about where the weights come from, and what an engine is told twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.endpoint.values import Value, text_of
from replicas.rules.report import Finding
from replicas.template.endpoints import Container, Resource, View, container_of

MODEL_VARIABLES = ("HF_MODEL_ID", "SM_VLLM_MODEL", "OPTION_MODEL_ID")
"""Where the images of TGI, vLLM and LMI read what to serve: a repository of the Hub, or a path."""

_TGI_MAJOR = re.compile(r"tgi-?(\d+)\.")


def hub_repository(container: Container) -> tuple[str, str] | None:
    """The variable and the repository of the Hub whose weights are fetched at start; None where there is none."""
    for name in MODEL_VARIABLES:
        value = container.variable(name)
        if isinstance(value, str) and value.strip() and not value.startswith(("/", "s3://", ".")):
            return name, value
    return None


def is_true(value: Value) -> bool:
    """True for a boolean as CloudFormation takes it: also one written as a text."""
    return text_of(value).lower() == "true"


def isolated_from_weights(view: View) -> Iterator[Finding]:
    """Network isolation cuts the container off, from the Hub too."""
    for user, container, by in _isolated(view):
        found = hub_repository(container)
        if found:
            name, repository = found
            yield Finding(
                "isolated-from-weights",
                user.logical_id,
                f"EnableNetworkIsolation of {by.logical_id}, and {name}={repository}",
                "an isolated container reaches no network: the download from the Hub fails, and no copy starts",
                f"the weights in S3 (ModelDataSource, uncompressed) and {name}=/opt/ml/model, or no isolation",
            )


def _isolated(view: View) -> Iterator[tuple[Resource, Container, Resource]]:
    """What is isolated: a model or component, its container, and the resource that says so."""
    for model in view.of_type("Model"):
        if is_true(model.get("EnableNetworkIsolation")):
            yield model, container_of(model), model
    for variant in view.variants:
        if not is_true(variant.config.get("EnableNetworkIsolation")):
            continue
        for component in variant.components:
            for specification in component.specifications:
                model_itself = specification.model and is_true(specification.model.get("EnableNetworkIsolation"))
                if not model_itself:
                    yield specification.model or component.resource, specification.container, variant.config


def input_limit_twice(view: View) -> Iterator[Finding]:
    """TGI from 2 on has a new name for the longest input, and refuses to be told by both."""
    places = [(model.logical_id, container_of(model)) for model in view.of_type("Model")]
    places += [
        (component.logical_id, specification.container)
        for component in view.components
        for specification in component.specifications
        if specification.own_environment is not None
    ]
    for logical_id, container in places:
        major = _TGI_MAJOR.search(container.tag or "")
        if "tgi" not in (container.repository or "") or (major and int(major[1]) < 2):
            continue
        if {"MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS"} <= set(container.environment):
            yield Finding(
                "input-limit-twice",
                logical_id,
                "MAX_INPUT_LENGTH and MAX_INPUT_TOKENS",
                "both set one limit; the launcher of TGI ends with an error where it is given twice",
                "MAX_INPUT_TOKENS alone",
            )
