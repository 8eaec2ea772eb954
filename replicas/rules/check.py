"""The checker: a template in, a report out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from replicas.endpoint.values import text_of
from replicas.errors import ProofError
from replicas.rules.acknowledgement import acknowledged
from replicas.rules.capacity import Capacity, capacity_of
from replicas.rules.ceiling import judge_ceiling
from replicas.rules.demands import Demand, instance_type_of, pool_types_of
from replicas.rules.open_points import open_points
from replicas.rules.practice import PRACTICE_CHECKS
from replicas.rules.region_rules import missing_in_region
from replicas.rules.report import Acknowledged, ComponentReport, EndpointReport, Finding, Report, Unresolved
from replicas.rules.rolls import roll_room
from replicas.rules.rules import CHECKS
from replicas.rules.scaling import Target, targets_of
from replicas.template.endpoints import View, view
from replicas.template.evaluation import Resolver
from replicas.template.load import load


def check(
    template: Mapping[str, Any],
    *,
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    practice: bool = False,
) -> Report:
    """Find what would fail or waste money in a CloudFormation template (long forms, as `load` gives them).

    `parameters` are values of template parameters, in place of their defaults. Without a `region`, what depends on
    it is not judged. With `practice` the rules of `replicas.rules.practice` are applied as well. Raises `ProofError`
    where `Resources` is no mapping, a parameter is not declared, or there is no such region.
    """
    seen = _view(template, region, parameters or {})
    capacities = [capacity_of(variant) for variant in seen.variants]
    outcomes: list[Finding | Unresolved] = [*open_points(seen)]
    for capacity in capacities:
        outcomes += [*capacity.findings, *capacity.unresolved]
    targets = targets_of(seen)
    for variant in seen.variants:
        outcomes += judge_ceiling(variant, targets)
    outcomes += roll_room(seen, targets)
    for rule in CHECKS:
        outcomes += rule(seen)
    if region is not None:
        outcomes += missing_in_region(seen, region)
    for practice_rule in PRACTICE_CHECKS if practice else ():
        outcomes += practice_rule(seen)
    return _report(seen, outcomes, [_endpoint_report(capacity, targets) for capacity in capacities])


def check_practice(template: Mapping[str, Any]) -> Report:
    """The rules of `replicas.rules.practice` alone. Raises `ProofError` where `Resources` is no mapping."""
    seen = _view(template, None, {})
    return _report(seen, [finding for rule in PRACTICE_CHECKS for finding in rule(seen)], [])


def check_file(
    path: str | Path,
    *,
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    practice: bool = False,
) -> Report:
    """`check` of a template in a file, JSON or YAML. Raises `ProofError` where it is not readable or no template."""
    return check(load(path), region=region, parameters=parameters, practice=practice)


def _view(template: Mapping[str, Any], region: str | None, parameters: Mapping[str, Any]) -> View:
    template = {"Resources": {}, **template}  # the CDK leaves the section out of a stack without resources
    if not isinstance(template["Resources"], Mapping):
        raise ProofError("not a CloudFormation template: its section `Resources` is no mapping")
    unknown = sorted(set(parameters) - set(_mapping(template.get("Parameters"))))
    if unknown:
        declared = ", ".join(map(str, _mapping(template.get("Parameters")))) or "none"
        raise ProofError(f"the template declares no parameter {', '.join(unknown)}; it declares: {declared}")
    return view(template, Resolver(template, region=region, parameters=parameters))


def _report(seen: View, outcomes: Sequence[Finding | Unresolved], endpoints: Sequence[EndpointReport]) -> Report:
    # A config of two endpoints, a component with two specifications: the same is found twice and told once.
    distinct = dict.fromkeys(outcomes)
    ordered = sorted(
        (outcome for outcome in distinct if isinstance(outcome, Finding)),
        key=lambda finding: (finding.logical_id, finding.rule),
    )
    judged = list(acknowledged(seen.template, ordered))
    findings = [outcome for outcome in judged if isinstance(outcome, Finding)]
    unresolved = [outcome for outcome in distinct if isinstance(outcome, Unresolved)]
    unresolved.sort(key=lambda open_point: (open_point.logical_id, open_point.what))
    return Report(
        tuple(sorted(endpoints, key=lambda endpoint: endpoint.logical_id)),
        tuple(finding for finding in findings if finding.certain),
        tuple(finding for finding in findings if not finding.certain),
        tuple(unresolved),
        tuple(outcome for outcome in judged if isinstance(outcome, Acknowledged)),
    )


def _mapping(section: Any) -> Mapping[Any, Any]:
    return section if isinstance(section, Mapping) else {}


def _endpoint_report(capacity: Capacity, targets: Mapping[str, Target]) -> EndpointReport:
    variant, instance, demands = capacity.variant, capacity.instance, capacity.demands
    used = [
        demand.copies * demand.accelerators
        for demand in demands
        if demand.copies is not None and demand.accelerators is not None
    ]
    return EndpointReport(
        logical_id=variant.endpoint.logical_id,
        variant=text_of(variant.name) if isinstance(variant.name, str) else None,
        instance_type=instance_type_of(variant),
        instances=capacity.instances,
        components=tuple(_component_report(demand, targets.get(demand.component.logical_id)) for demand in demands),
        accelerators_used=sum(used) if demands and len(used) == len(demands) else None,
        accelerators_available=instance.accelerators * capacity.instances if instance and capacity.instances else None,
        placement=capacity.placement,
        instance_pools=tuple(pool_types_of(variant)),
    )


def _component_report(demand: Demand, target: Target | None) -> ComponentReport:
    return ComponentReport(
        logical_id=demand.component.logical_id,
        copies=demand.copies,
        accelerators=demand.accelerators,
        cpus=None if demand.cpus is None else float(demand.cpus),
        memory_mib=demand.memory_mib,
        max_copies=target.most if target else demand.copies,
    )
