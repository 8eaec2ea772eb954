"""The list of refusals: complete, each with its evidence, and honest about the embedded AWS's own limits."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import embedded_aws
from embedded_aws import visibility
from embedded_aws.enforcement import OPERATIONS
from embedded_aws.evidence import ASSUMED, Evidence, Kind, documented, preflight, quoted
from embedded_aws.refusals import refusals
from embedded_aws.sagemaker.endpoints import HAS_COMPONENTS
from embedded_aws.service import RequestProblem, ServiceError, refused_together
from replicas.rules import PRACTICE_RULES, RULES, enforced_by

REFUSE = {
    "ServiceError",
    "HandlerError",
    "RequestProblem",
    "ScheduleError",
    "ExpressionError",
    "refused",
    "invalid",
    "_invalid",
}
"""Functions and classes that make a refusal."""
ROOT = Path(embedded_aws.__file__).parent


def calls_that_refuse() -> Iterator[tuple[str, ast.Call]]:
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
            if isinstance(node, ast.Call) and name in REFUSE:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def evidence_is_passed_on(call: ast.Call) -> bool:
    """Whether a call hands on the evidence of another refusal: an argument of the name `evidence`."""
    return any("evidence" in ast.unparse(argument) for argument in call.args)


def test_no_refusal_is_missing_in_the_list() -> None:
    unlisted = [
        where
        for where, call in calls_that_refuse()
        if not evidence_is_passed_on(call) and not any(is_evidence(argument) for argument in call.args)
    ]

    assert unlisted == []
    assert len(refusals()) > 220


def is_evidence(argument: ast.expr) -> bool:
    text = ast.unparse(argument)
    return (
        text.startswith(("quoted(", "documented(", "preflight("))
        or text in ("ASSUMED", "LIMIT")
        or (text.startswith("_") and text.isupper())
    )


def test_a_refusal_without_evidence_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="evidence"):
        ServiceError("ValidationException", "no")  # type: ignore[call-arg]


@pytest.mark.parametrize("kind", [Kind.QUOTED, Kind.DOCUMENTED])
def test_evidence_that_claims_a_source_names_it(kind: Kind) -> None:
    with pytest.raises(ValueError, match="with source ''"):
        Evidence(kind)


@pytest.mark.parametrize("kind", [Kind.ASSUMED, Kind.LIMIT])
def test_what_has_no_source_names_none(kind: Kind) -> None:
    with pytest.raises(ValueError, match="with source 'a page'"):
        Evidence(kind, "a page")


def test_problems_that_are_refused_together_keep_the_evidence_of_each() -> None:
    known, guessed = documented("a page"), ASSUMED

    refusal = refused_together(
        "Code", [RequestProblem("One.", known), RequestProblem("Two.", guessed), RequestProblem("One.", known)]
    )

    assert (refusal.message, refusal.evidence) == ("One. Two.", (known, guessed))


def test_the_list_has_the_words_and_the_source_of_a_refusal() -> None:
    listed = {refusal.message: refusal for refusal in refusals()}

    assert listed[HAS_COMPONENTS].evidence == quoted("gruntwork-io/cloud-nuke, pull request 1142")
    gap = listed["Step adjustment intervals cannot have gaps between them"]
    assert (gap.area, gap.evidence) == (
        "Application Auto Scaling",
        preflight("appautoscaling-step-adjustment-gap"),
    )
    (period,) = [refusal for refusal in refusals() if refusal.message.startswith("Period must be 10")]
    assert (period.area, period.evidence) == ("CloudWatch", preflight("cloudwatch-alarm-period"))


def test_every_refusal_names_its_rule_or_the_reason_why_none_reports_it() -> None:
    listed = refusals()

    reasons = {refusal.reason for refusal in listed}
    assert all(reason.startswith(("rule `", "not visible in a template: ", "no rule: ")) for reason in reasons)
    named = {reason.removeprefix("rule `").rstrip("`") for reason in reasons if reason.startswith("rule")}
    assert named <= RULES.keys() | PRACTICE_RULES.keys()
    assert {rule.id for operation in OPERATIONS for rule in enforced_by(operation)} <= named


def test_every_reason_is_that_of_a_refusal() -> None:
    listed = [refusal for refusal in refusals() if refusal.module.startswith("embedded_aws.")]
    modules = {refusal.module.removeprefix("embedded_aws.") for refusal in listed}

    assert visibility.OF_MODULES.keys() <= modules
    for module, words in visibility.OF_MESSAGES:
        assert any(refusal.module.endswith(module) and refusal.message.startswith(words) for refusal in listed), words


def test_limits_of_the_embedded_aws_speak_of_it_and_refusals_of_aws_do_not() -> None:
    for refusal in refusals():
        own = "embedded AWS" in refusal.message or refusal.message.startswith("moto failed")
        assert own == (refusal.evidence.kind is Kind.LIMIT), refusal
