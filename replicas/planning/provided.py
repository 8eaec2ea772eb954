"""Adds the references in the props of a construct (a bucket, a key, a secret) to a plan.

A reference may be a CDK token. Props that would change a size are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from replicas.deployment.options import Adapter, Security, Vpc
from replicas.deployment.patterns import FROM_PROPS
from replicas.planning.environment import added_problems, literals_of
from replicas.planning.judgement import OPTION_RULES, problems_of, rule_results
from replicas.planning.option_faults import tag_problems
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.rules import variables, weights
from replicas.rules.declaration import Rule

_VARIABLE_RULES = tuple(
    thing
    for module in (variables, weights)
    for thing in vars(module).values()
    if isinstance(thing, Rule) and thing.id != "weights-missing"
)


class Place(NamedTuple):
    """A location in S3."""

    url: str
    """`s3://bucket/prefix/` or `s3://bucket/name.tar.gz`; the bucket may be a CDK token."""
    account: str | None
    """Account that owns the bucket; None for the account of the stack."""


@dataclass(frozen=True, kw_only=True)
class ProvidedComponent:
    """References that the props give for one component."""

    weights: Place | None = None
    adapters: Mapping[str, Place] = field(default_factory=dict)
    token_secret: str | None = None
    """ARN or name of the secret with the Hub token."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables in addition to the variables of the plan."""


@dataclass(frozen=True, kw_only=True)
class Provided:
    """References that the props give for an endpoint."""

    components: Mapping[str, ProvidedComponent] = field(default_factory=dict)
    """References of each component, by its name in the plan."""
    vpc: Vpc | None = None
    encryption_key: str | None = None
    """ARN of the key of the volumes."""
    reads_with_key: bool = False
    """True if the props give a key for the weights."""
    has_boundary: bool = False
    has_role: bool = False
    notifies: bool = False
    """True if the props give alarm actions."""
    tags: Mapping[str, str] = field(default_factory=dict)


def with_provided(plan: EndpointPlan, provided: Provided) -> tuple[EndpointPlan, list[str]]:
    """Return the plan with the references, and a problem for each reference that does not match the plan."""
    problems = [*_endpoint_problems(plan, provided), *_component_problems(plan, provided)]
    security = replace(
        plan.security,
        vpc=provided.vpc or plan.security.vpc,
        kms_key=provided.encryption_key or plan.security.kms_key,
        tags={**plan.security.tags, **provided.tags},
    )
    bound = _bound(plan, security, provided)
    if provided.encryption_key:
        of_options = problems_of(bound, rule_results(bound, OPTION_RULES))
        problems += [problem.replace("security.kms_key=", "encryption_key=") for problem in of_options]
    if any(component.environment for component in provided.components.values()):
        known = [replace(component, environment=literals_of(component.environment)) for component in bound.components]
        judged_plan = replace(bound, components=tuple(known))
        problems += problems_of(judged_plan, rule_results(judged_plan, _VARIABLE_RULES))
    return bound, list(dict.fromkeys(problems))


def unprovided(plan: EndpointPlan) -> list[str]:
    """Return an error message for each reference that the plan expects from props; empty if it expects none."""
    return list(_component_problems(plan, Provided()))


def _bound(plan: EndpointPlan, security: Security, provided: Provided) -> EndpointPlan:
    return replace(
        plan,
        security=security,
        components=tuple(_bound_component(component, provided) for component in plan.components),
        fallbacks=tuple(_bound(fallback, security, provided) for fallback in plan.fallbacks),
    )


def _bound_component(component: ComponentPlan, provided: Provided) -> ComponentPlan:
    given = provided.components.get(component.name)
    if given is None:
        return component
    adapters = [_bound_adapter(adapter, given.adapters.get(adapter.name)) for adapter in component.adapters]
    return replace(
        component,
        weights=given.weights.url if given.weights else component.weights,
        weights_account=given.weights.account if given.weights else component.weights_account,
        token_secret=given.token_secret or component.token_secret,
        adapters=tuple(adapters),
        environment={**component.environment, **given.environment},
    )


def _bound_adapter(adapter: Adapter, place: Place | None) -> Adapter:
    return replace(adapter, weights=place.url, weights_account=place.account) if place else adapter


def _endpoint_problems(plan: EndpointPlan, provided: Provided) -> Iterator[str]:
    security = plan.security
    twice = {
        "vpc=": (provided.vpc, "security.vpc", security.vpc),
        "encryption_key=": (provided.encryption_key, "security.kms_key", security.kms_key),
        "weights_key=": (provided.reads_with_key, "security.weights_kms_key", security.weights_kms_key),
        "permissions_boundary=": (
            provided.has_boundary,
            "security.permissions_boundary",
            security.permissions_boundary,
        ),
        "role=": (provided.has_role, "security.execution_role", security.execution_role),
    }
    for prop, (given, option, planned) in twice.items():
        if given and planned:
            yield f"{prop} and {option} of the plan are both given: leave one of the two out"
    if provided.has_role and (provided.has_boundary or security.permissions_boundary):
        yield (
            "a permissions boundary applies to a role that the construct creates, but role= is given: leave one of the "
            "two out"
        )
    if security.execution_role and provided.has_boundary:
        yield (
            "a permissions boundary applies to a role that the construct creates, but security.execution_role= of the "
            "plan names an existing role: leave one of the two out"
        )
    rolls_back = any(component.rollout and component.rollout.roll_back for component in plan.components)
    if provided.notifies and not plan.monitoring.alarms and not rolls_back:
        yield "alarm_actions= has no alarms: set monitoring=Monitoring(alarms=Alarms()) in the Deployment"
    if provided.reads_with_key and not any(_reads_s3(plan, provided)):
        yield "weights_key= decrypts nothing, because no weights are in S3: leave it out"
    yield from tag_problems("tags", {**security.tags, **provided.tags} if provided.tags else {})
    for key, value in provided.tags.items():
        if security.tags.get(key, value) != value:
            planned = security.tags[key]
            yield (
                f"tags[{key!r}]={value!r} contradicts security.tags[{key!r}]={planned!r} of the plan: remove one of "
                "the two"
            )


def _reads_s3(plan: EndpointPlan, provided: Provided) -> Iterator[bool]:
    for component in plan.components:
        given = provided.components.get(component.name, ProvidedComponent())
        yield bool(component.weights or component.adapters or given.weights)


def _component_problems(plan: EndpointPlan, provided: Provided) -> Iterator[str]:
    names = [component.name for component in plan.components]
    for name in provided.components:
        if name not in names:
            yield f"components[{name!r}]: the plan has no component of this name; its components: {_listed(names)}"
    for component in plan.components:
        where = f"components[{component.name!r}]"
        given = provided.components.get(component.name, ProvidedComponent())
        for problem in _faults_of(component, given):
            yield f"{where}: {problem}"


def _faults_of(component: ComponentPlan, given: ProvidedComponent) -> Iterator[str]:
    yield from _weights_faults(component, given)
    yield from _token_faults(component, given)
    planned = {adapter.name: adapter.weights for adapter in component.adapters}
    for name in given.adapters:
        if name not in planned:
            yield (
                f"adapters[{name!r}]: the plan has no adapter of this name; its adapters: {_listed(planned)}. Add "
                f"Adapter(name={name!r}, weights=FROM_PROPS, rank=...) to its Component"
            )
    for name, url in planned.items():
        if url == FROM_PROPS and name not in given.adapters:
            yield f"the adapter {name!r} has weights=FROM_PROPS, but adapters={{{name!r}: ...}} is missing"
        elif url != FROM_PROPS and name in given.adapters:
            yield (
                f"adapters[{name!r}]: the plan already names {url}: set weights=FROM_PROPS in its Adapter, or leave "
                "adapters= out of the props"
            )
    yield from added_problems(component, given.environment)


def _weights_faults(component: ComponentPlan, given: ProvidedComponent) -> Iterator[str]:
    planned = component.weights
    if planned == FROM_PROPS and given.weights is None:
        yield "the plan has weights=FROM_PROPS, but weights= is missing"
    elif given.weights is not None and planned is None:
        yield (
            "weights= is in S3, but the plan loads the weights from the Hub: set weights=FROM_PROPS in its Component, "
            "so that plan() sizes the start with weights in S3"
        )
    elif given.weights is not None and planned != FROM_PROPS:
        yield (
            f"weights=: the plan already names {planned}: set weights=FROM_PROPS in its Component, or leave weights= "
            "out of the props"
        )


def _token_faults(component: ComponentPlan, given: ProvidedComponent) -> Iterator[str]:
    planned = component.token_secret
    if planned == FROM_PROPS and given.token_secret is None:
        yield "the plan has token_secret=FROM_PROPS, but token_secret= is missing"
    elif given.token_secret is None:
        return
    elif component.weights is not None:
        yield "token_secret= is not needed, because the weights come from S3: leave it out"
    elif planned not in (None, FROM_PROPS):
        yield (
            f"token_secret=: the plan already names {planned!r}: set token_secret=FROM_PROPS in its Component, or "
            "leave token_secret= out of the props"
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
