"""Rules about models, endpoint configs and timeouts: what deploys once and then never again, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from replicas.endpoint.values import ANYTHING, Unknown, Value, at, number_of, text_of
from replicas.rules.report import Finding
from replicas.template.endpoints import View, variants_of

_TIMEOUTS = ("ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 60, 3600


def role_missing(view: View) -> Iterator[Finding]:
    """Components take the role of the endpoint config."""
    for config in {
        variant.config.logical_id: variant.config for variant in view.variants if variant.components
    }.values():
        if config.get("ExecutionRoleArn") is None:
            yield Finding(
                "role-missing",
                config.logical_id,
                "no ExecutionRoleArn, yet inference components are on its endpoint",
                "CreateEndpointConfig refuses a variant without a model unless the config has a role",
                "ExecutionRoleArn on the AWS::SageMaker::EndpointConfig",
            )


def model_on_variant(view: View) -> Iterator[Finding]:
    """A variant serves one model, or components."""
    for variant in view.variants:
        model = at(variant.properties, "ModelName")
        if variant.components and model is not None and not isinstance(model, Unknown):
            yield Finding(
                "model-on-variant",
                variant.config.logical_id,
                f"variant {text_of(variant.name)} has a ModelName, yet inference components are on it",
                "a variant with a model is a single-model endpoint, which takes no components",
                "leave ModelName out of the variant; the components name their models",
            )


def fixed_name(view: View) -> Iterator[Finding]:
    """Every change of a model or endpoint config replaces it, and a replacement cannot take a name in use."""
    for kind in ("Model", "EndpointConfig"):
        for resource in view.of_type(kind):
            given = resource.get(f"{kind}Name")
            if _is_fixed(given):
                yield Finding(
                    "fixed-name",
                    resource.logical_id,
                    f"{kind}Name={text_of(given)!r} is fixed",
                    "every change replaces it, CloudFormation creates before it deletes, and then the name is taken",
                    f"leave {kind}Name out: CloudFormation makes one",
                )


def _is_fixed(name: Value) -> bool:
    """True for a text that stays the same from one deployment to the next."""
    if isinstance(name, Unknown):
        # Made of the stack's name and region it is fixed; a parameter may change with every deployment.
        placeholders = name.text.count("${")
        return ANYTHING not in name.text and 0 < placeholders == name.text.count("${AWS::")
    return isinstance(name, str)


def scaling_range(view: View) -> Iterator[Finding]:
    """The most instances cannot be fewer than those at the start, or the fewest."""
    for config in view.of_type("EndpointConfig"):
        for variant in variants_of(config):
            scaling = at(variant, "ManagedInstanceScaling")
            if text_of(at(scaling, "Status")) == "DISABLED":
                continue
            most = number_of(at(scaling, "MaxInstanceCount"))
            for name, given in (
                ("InitialInstanceCount", at(variant, "InitialInstanceCount")),
                ("MinInstanceCount", at(scaling, "MinInstanceCount")),
            ):
                least = number_of(given)
                if isinstance(most, Fraction) and isinstance(least, Fraction) and most < least:
                    yield Finding(
                        "scaling-range",
                        config.logical_id,
                        f"MaxInstanceCount={float(most):g} is less than {name}={float(least):g}",
                        "SageMaker refuses a range that its start lies outside of",
                        f"MaxInstanceCount={float(least):g} or more, or {name}={float(most):g} or less",
                    )


def startup_timeout(view: View) -> Iterator[Finding]:
    """Timeouts of download and start are 60 to 3,600 seconds."""
    places = [
        (component.logical_id, specification.startup)
        for component in view.components
        for specification in component.specifications
    ]
    places += [
        (config.logical_id, variant) for config in view.of_type("EndpointConfig") for variant in variants_of(config)
    ]
    for logical_id, properties in places:
        for name in _TIMEOUTS:
            seconds = number_of(at(properties, name))
            if isinstance(seconds, Fraction) and not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
                nearest = _SHORTEST_SECONDS if seconds < _SHORTEST_SECONDS else _LONGEST_SECONDS
                yield Finding(
                    "startup-timeout",
                    logical_id,
                    f"{name}={float(seconds):g}",
                    f"SageMaker takes {_SHORTEST_SECONDS} to {_LONGEST_SECONDS} seconds",
                    f"{name}={nearest}",
                )
