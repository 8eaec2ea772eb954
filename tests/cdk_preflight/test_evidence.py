"""The evidence of cdk-preflight: `check` and the embedded AWS refuse what AWS refused, in its words."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError
from cdk_preflight import Preflight

from embedded_aws_tests.in_process import InProcessAws, in_process_aws
from replicas.rules import check
from tests.cases.mutations.templates import hand_written
from tests.cdk_preflight.evidence import EVIDENCE, OTHER_RESOURCES, OTHER_SERVICES, Evidence, Template
from tests.cdk_preflight.pack import Findings, findings_of_preflight

LIMIT = "The embedded AWS has no anomaly detection"
each_rule = pytest.mark.parametrize(
    "evidence", EVIDENCE, ids=[f"{number}-{entry.id}" for number, entry in enumerate(EVIDENCE)]
)


def template_of(evidence: Evidence, kind: Literal["broken", "mended"]) -> Template:
    template = copy.deepcopy(hand_written())
    getattr(evidence, kind)(template)
    return template


def problems_of(template: Template, logical_id: str) -> list[str]:
    """What a report says about what AWS refuses in one resource."""
    problems = check(template, region="us-west-2").problems
    return [
        f"{problem.what}: {problem.why}"
        for problem in problems
        if problem.logical_id == logical_id and problem.rule != "zero-without-wake"
    ]


@each_rule
def test_check_refuses_what_aws_refused(evidence: Evidence) -> None:
    problems = problems_of(template_of(evidence, "broken"), evidence.resource)

    assert problems
    assert any(evidence.words in problem for problem in problems), problems


@each_rule
def test_check_takes_the_nearest_template_that_aws_took(evidence: Evidence) -> None:
    assert problems_of(template_of(evidence, "mended"), evidence.resource) == []


@pytest.fixture(scope="module")
def aws() -> Iterator[InProcessAws]:
    with in_process_aws() as started:
        yield started


def failure_of(aws: InProcessAws, template: Template) -> str | None:
    """Why a stack is not created; None if it is. It is deleted afterwards."""
    client = aws.client("cloudformation")
    try:
        client.create_stack(StackName="chat", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"])
    except ClientError as refusal:
        return str(refusal)
    status = aws.settled("chat")["StackStatus"]
    events = client.describe_stack_events(StackName="chat")["StackEvents"]
    client.delete_stack(StackName="chat")
    assert aws.settled("chat").get("StackStatus", "DELETE_COMPLETE") == "DELETE_COMPLETE"
    if status == "CREATE_COMPLETE":
        return None
    return " ".join(event.get("ResourceStatusReason", "") for event in events if "FAILED" in event["ResourceStatus"])


@pytest.mark.slow
@each_rule
def test_the_embedded_aws_refuses_what_aws_refused_in_its_words(aws: InProcessAws, evidence: Evidence) -> None:
    failure = failure_of(aws, template_of(evidence, "broken"))

    assert failure is not None
    assert evidence.words in failure


@pytest.mark.slow
@each_rule
def test_the_embedded_aws_takes_the_nearest_template_that_aws_took(aws: InProcessAws, evidence: Evidence) -> None:
    template = template_of(evidence, "mended")

    failure = failure_of(aws, template)

    if "ThresholdMetricId" in template["Resources"]["Alarm"]["Properties"]:
        assert LIMIT in str(failure)
    else:
        assert failure is None


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """One template has all resources that are broken, another all that are mended."""
    templates: dict[str, Any] = {kind: copy.deepcopy(hand_written()) for kind in ("broken", "mended")}
    for kind, template in templates.items():
        for number, evidence in enumerate(EVIDENCE):
            changed = template_of(evidence, kind)["Resources"][evidence.resource]  # type: ignore[arg-type]
            template["Resources"][f"{evidence.resource}{number}"] = changed
    return findings_of_preflight(templates, tmp_path_factory.mktemp("evidence"))


@pytest.mark.slow
@each_rule
def test_cdk_preflight_finds_its_rule_broken_and_quotes_these_words(findings: Findings, evidence: Evidence) -> None:
    name = f"{evidence.resource}{EVIDENCE.index(evidence)}"

    said = [sentence for rule, resource, sentence in findings["broken"] if (rule, resource) == (evidence.id, name)]

    assert said
    assert any(evidence.words in sentence for sentence in said), said


@pytest.mark.slow
def test_cdk_preflight_finds_nothing_in_what_aws_took(findings: Findings) -> None:
    assert findings["mended"] == []


@pytest.mark.slow
def test_every_rule_about_scaling_and_alarms_is_tried() -> None:
    ids = {rule for rule in Preflight.rule_ids() if rule.startswith(("pf-appautoscaling-", "pf-cloudwatch-"))}
    others = {rule for rule in ids if rule.startswith((*OTHER_SERVICES, *OTHER_RESOURCES))}

    assert {evidence.id for evidence in EVIDENCE} == ids - others


def test_words_are_stated_for_each_rule_that_quotes_some() -> None:
    silent = {evidence.id for evidence in EVIDENCE if not evidence.words}

    assert silent == {
        "pf-appautoscaling-namespace-dimension-match",
        "pf-appautoscaling-predictive-scaling-ecs-only",
        "pf-appautoscaling-scheduled-action-name-chars",
    }
