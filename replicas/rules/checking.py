"""Checks a CloudFormation template against the rules and returns a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from replicas.catalogue.regions import known_regions
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology, Unread
from replicas.endpoint.values import NotANumber
from replicas.endpoint.variants import Variant
from replicas.errors import ProofError
from replicas.rules import capacity
from replicas.rules.acknowledgement import acknowledged
from replicas.rules.addresses import with_addresses
from replicas.rules.declaration import Rule
from replicas.rules.demands import Demand, demands_of, instance_of
from replicas.rules.finding import Finding, Unjudged
from replicas.rules.judgement import judge, judge_all
from replicas.rules.named_models import with_models
from replicas.rules.ranges import range_of
from replicas.rules.recognition import MEMORY
from replicas.rules.regions import regions_of
from replicas.rules.registry import PRACTICE_RULES, RULES, rule_named
from replicas.rules.report import (
    Acknowledged,
    ComponentReport,
    EndpointReport,
    Message,
    OpenQuestion,
    Report,
    Unresolved,
)
from replicas.rules.roles.needs import roles_elsewhere
from replicas.rules.wording import cloudformation
from replicas.rules.wording.sentences import shortened, why_of
from replicas.sizing import claims
from replicas.template.endpoints import topology_of
from replicas.template.evaluation import Resolver
from replicas.template.load import load
from replicas.template.loops import without_loops
from replicas.template.patterns import matches_of
from replicas.template.refusals import TEMPLATE, has_too_many, quota_refusals, refusals_of
from replicas.template.terraform.templates import TerraformTemplate
from replicas.template.unread import rewriting_macros

_MOST_LISTED_INSTANCES = 5000
"""Maximum number of instances for which a report lists the copies on each instance."""


_OF_CLOUDFORMATION = ("fixed-name",)
"""Rules about replacement in CloudFormation. They do not apply to Terraform, which deletes the old resource first."""
_NOTHING_ELSE = Unread(
    subject=Subject(kind="resource", name=TEMPLATE),
    question="anything else",
    why="the template has more members than CloudFormation accepts",
)


def check(
    template: Mapping[str, Any],
    *,
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    models: Mapping[str, str] | None = None,
    practice: bool = False,
) -> Report:
    """Check a CloudFormation template for settings that would fail or waste money.

    Args:
        template: the template with functions in their long forms, as `load` returns them.
        region: region of the stack. Rules that depend on the region need it.
        parameters: values of template parameters. They replace the defaults.
        models: served models that the template does not state: a model of the catalogue or the path of a `config.json`,
            by the logical id of a SageMaker model or component.
        practice: also apply the rules of practice.

    Raises:
        ProofError: `Resources` is not an object, a parameter is not declared, or a region, logical id or model is
            unknown.

    """
    if region is not None and region not in known_regions():
        raise ProofError(f"unknown region {region!r}: use one of {', '.join(known_regions())}")
    if isinstance(template, TerraformTemplate):
        return _check_plan(template, region, models or {}, practice=practice)
    reading = read(template, region=region, parameters=parameters)
    rules = _rules(practice=practice)
    return _judged(reading.template, with_models(reading.topology, models or {}), rules)


@dataclass(frozen=True)
class Reading:
    """A template, and the endpoint model that was read from it.

    It can be checked several times, because reading takes longer than checking.
    """

    template: Mapping[str, Any]
    """The template with its `Fn::ForEach` loops expanded."""
    topology: Topology


def read(
    template: Mapping[str, Any], *, region: str | None = None, parameters: Mapping[str, Any] | None = None
) -> Reading:
    """Read a template once, to check it several times. The arguments and errors are the same as for `check`."""
    return Reading(*_read(template, region, parameters or {}))


def check_read(reading: Reading) -> Report:
    """Check a template that was read with `read`. See `check`."""
    return _judged(reading.template, reading.topology, list(RULES.values()))


def check_practice_read(reading: Reading) -> Report:
    """Apply the rules of practice to a template that was read with `read`. See `check_practice`."""
    return _report(reading.template, judge(reading.topology, PRACTICE_RULES.values()), [])


def _judged(template: Mapping[str, Any], topology: Topology, rules: Sequence[Rule]) -> Report:
    endpoints = [_endpoint_report(variant, topology) for variant in topology.variants]
    return _report(template, judge_all(topology, rules), endpoints)


def _check_plan(plan: TerraformTemplate, region: str | None, models: Mapping[str, str], *, practice: bool) -> Report:
    logical_ids = {address: logical_id for logical_id, address in plan.addresses.items()}
    try:
        topology = with_models(
            plan.topology(region), {logical_ids.get(name, name): model for name, model in models.items()}
        )
    except ProofError as fault:
        raise ProofError(with_addresses(str(fault), plan.addresses)) from fault
    rules = [rule for rule in _rules(practice=practice) if rule.id not in _OF_CLOUDFORMATION]
    return with_addresses(_judged(plan, topology, rules), plan.addresses)


def _rules(*, practice: bool) -> list[Rule]:
    return [*RULES.values(), *(PRACTICE_RULES.values() if practice else ())]


def check_practice(template: Mapping[str, Any], *, region: str | None = None) -> Report:
    """Apply only the rules of practice. Raises `ProofError` if `Resources` is not an object."""
    return check_practice_read(read(template, region=region))


def check_file(
    path: str | Path,
    *,
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    models: Mapping[str, str] | None = None,
    practice: bool = False,
) -> Report:
    """Check a template in a JSON or YAML file. The other arguments are the same as for `check`.

    Raises `ProofError` if the file is not readable or is not a template.
    """
    return check(load(path), region=region, parameters=parameters, models=models, practice=practice)


def message_of(finding: Finding) -> Message:
    """Return a finding as sentences in CloudFormation terms."""
    sentence = cloudformation.sentence_of(finding)
    why = why_of(rule_named(finding.rule), finding)
    name = finding.subject.name
    return Message(
        finding.rule, name, shortened(sentence.what), shortened(why), shortened(sentence.fix), finding.certain
    )


def _sections(template: Mapping[str, Any]) -> Mapping[str, Any]:
    template = {"Resources": {}, **template}  # the CDK omits the section in a stack without resources
    if not isinstance(template["Resources"], Mapping):
        raise ProofError("this is not a CloudFormation template: its section `Resources` must be an object")
    return template


def _read(
    template: Mapping[str, Any], region: str | None, parameters: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Topology]:
    """Return a template with its `Fn::ForEach` loops expanded, and its endpoint model."""
    given, template = template, _sections(template)
    unknown = sorted(set(parameters) - set(_mapping(template.get("Parameters"))))
    if unknown:
        declared = ", ".join(map(str, _mapping(template.get("Parameters")))) or "none"
        raise ProofError(f"the template declares no parameter {', '.join(unknown)}: use one of {declared}")
    written = without_loops(template, Resolver(template, region=region, parameters=parameters))
    if has_too_many(written):
        return written, Topology(refusals=quota_refusals(written), unread=(_NOTHING_ELSE,), region=region)
    resolver = Resolver(written, region=region, parameters=parameters)
    topology = topology_of(written, resolver, region)
    # The CDK omits the section in a stack without resources, and does not deploy this stack.
    matches = matches_of(written, parameters)
    refusals = refusals_of(written, resolver, parameters, matches) if "Resources" in given else ()
    unread = [*topology.unread, *map(_pattern_question, matches.unknown)]
    return written, replace(topology, refusals=tuple(refusals), unread=tuple(unread))


def _pattern_question(name: str) -> Unread:
    return Unread(
        subject=Subject(kind="parameter", name=name),
        question="whether its value matches AllowedPattern",
        why="matching the pattern takes too long, or CloudFormation reads the pattern differently",
    )


def _report(
    template: Mapping[str, Any], outcomes: Iterable[Finding | Unjudged], endpoints: Iterable[EndpointReport]
) -> Report:
    # Two endpoints can share a configuration, and a component can have two specifications: drop identical findings.
    messages: dict[Message, None] = {}
    open_points: dict[Unresolved, None] = {}
    questions: dict[OpenQuestion, None] = {}
    for outcome in outcomes:
        if isinstance(outcome, Finding):
            messages[message_of(outcome)] = None
        elif not isinstance(outcome.unknown, NotANumber):  # a finding already reports it
            what, parameters = cloudformation.open_sentence(outcome), cloudformation.parameters_of(outcome)
            if outcome.question != MEMORY:
                open_points[Unresolved(outcome.subject.name, shortened(what), parameters)] = None
            questions[_question(outcome)] = None
    if rewriting_macros(template):  # macros change the template before CloudFormation deploys it
        messages = {replace(message, certain=False): None for message in messages}
    ordered = sorted(messages, key=lambda message: (message.logical_id, message.rule))
    judged = list(acknowledged(template, ordered))
    findings = [outcome for outcome in judged if isinstance(outcome, Message)]
    return Report(
        tuple(sorted(endpoints, key=lambda endpoint: endpoint.logical_id)),
        tuple(finding for finding in findings if finding.certain),
        tuple(finding for finding in findings if not finding.certain),
        tuple(sorted(open_points, key=lambda open_point: (open_point.logical_id, open_point.what))),
        tuple(sorted(questions, key=lambda question: (question.logical_id, question.question, question.why))),
        tuple(outcome for outcome in judged if isinstance(outcome, Acknowledged)),
    )


def _question(unjudged: Unjudged) -> OpenQuestion:
    return OpenQuestion(
        unjudged.subject.name,
        shortened(cloudformation.question_of(unjudged)),
        shortened(cloudformation.reason_of(unjudged)),
        cloudformation.options_of(unjudged),
    )


def _mapping(section: Any) -> Mapping[Any, Any]:
    return section if isinstance(section, Mapping) else {}


def _endpoint_report(variant: Variant, topology: Topology) -> EndpointReport:
    instances, instance, demands = variant.instances, instance_of(variant.instances), demands_of(variant)
    used = [
        demand.copies * demand.accelerators
        for demand in demands
        if demand.copies is not None and demand.accelerators is not None
    ]
    most = instances.at_most
    return EndpointReport(
        logical_id=variant.endpoint.name,
        variant=variant.settings.name if isinstance(variant.settings.name, str) else None,
        instance_type=instances.type_name,
        instances=most,
        components=tuple(_component_report(demand, topology) for demand in demands),
        accelerators_used=sum(used) if demands and len(used) == len(demands) else None,
        accelerators_available=instance.accelerators * most if instance and most else None,
        placement=_placement(variant),
        instance_pools=instances.pools,
        regions=None if topology.region else regions_of(variant),
        roles_elsewhere=roles_elsewhere(variant, topology),
    )


def _placement(variant: Variant) -> tuple[Mapping[str, int], ...] | None:
    """Return the copies of each component on each instance; None if there is no proof that all copies fit."""
    instance, demands = instance_of(variant.instances), demands_of(variant)
    if instance is None or not demands or variant.instances.at_most is None:
        return None
    if not all(demand.is_known for demand in demands):
        return None
    shortage = capacity.shortage_on(variant, instance)
    packing = shortage.packing(claims.host(instance))
    if not packing.fits:
        return None
    if packing.instances_in_use > _MOST_LISTED_INSTANCES:
        return None
    names = [demand.component.subject.name for demand in shortage.demands]
    return tuple(
        {name: count for name, count in zip(names, row, strict=True) if count} for row in packing.rows if any(row)
    )


def _component_report(demand: Demand, topology: Topology) -> ComponentReport:
    scaled = range_of(demand.component, topology)
    return ComponentReport(
        logical_id=demand.component.subject.name,
        copies=demand.copies,
        accelerators=demand.accelerators,
        cpus=None if demand.cpus is None else float(demand.cpus),
        memory_mib=demand.memory_mib,
        max_copies=scaled.most if scaled else demand.copies,
    )
