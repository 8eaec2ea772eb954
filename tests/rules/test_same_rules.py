"""A plan and the template that it becomes are asked the same rules over the same model, and answer alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st

from replicas import Component, Deployment, EndpointPlan, InstanceScaling, Rollout, Scaling, Schedule
from replicas.errors import SizingError
from replicas.planning.judgement import PLAN_RULES
from replicas.planning.planner import draft_of, plan
from replicas.planning.topology import topology_of
from replicas.rules import RULES, Finding, check, judge
from replicas.rules.registry import rule_named
from replicas.template.endpoints import topology_of as topology_of_template
from replicas.template.evaluation import Resolver
from tests.examples import examples
from tests.synthesis import template_of_plan

NIGHT = Schedule(name="night", at="cron(0 20 ? * MON-FRI *)", min_copies=1)
DAY = Schedule(name="day", at="cron(0 8 ? * MON-FRI *)", min_copies=2, max_copies=9)
SLEEP = Schedule(name="sleep", at="cron(0 22 ? * MON-FRI *)", min_copies=0)

Side = set[tuple[str, bool]]
"""Rules that are broken, each with whether that is certain."""

components = st.lists(
    st.fixed_dictionaries(
        {"model": st.sampled_from(["llama-2-7b", "mistral-7b-v0.1"])},
        optional={
            "copies": st.sampled_from([1, 2, 3, 4, 6, 9, 40]),
            "tensor_parallel": st.sampled_from([1, 2, 4]),
            "cpus": st.sampled_from([0.25, 9.0, 11.5]),
            "memory_mib": st.sampled_from([128, 30_000, 102_400]),
            "scaling": st.builds(
                Scaling,
                max_copies=st.none() | st.sampled_from([4, 9, 41]),
                to_zero=st.booleans(),
                schedules=st.sampled_from([(), (NIGHT,), (DAY,), (SLEEP,), (NIGHT, SLEEP)]),
            ),
            "rollout": st.builds(Rollout, batch_copies=st.none() | st.sampled_from([1, 2, 3])),
        },
    ),
    min_size=1,
    max_size=3,
)
deployments = st.builds(
    lambda instance, instances, more, pools, parts: Deployment(
        name="chat",
        instance_type=instance,
        instances=instances,
        instance_scaling=None if more is None else InstanceScaling(max_instances=instances + more),
        fallback_instance_types=pools,
        components=[Component(name=f"part-{index}", max_total_tokens=2048, **part) for index, part in enumerate(parts)],
    ),
    st.sampled_from(["ml.p4d.24xlarge", "ml.g5.12xlarge"]),
    st.sampled_from([1, 2, 5]),
    st.none() | st.sampled_from([0, 1, 3]),
    st.sampled_from([(), ("ml.g6.12xlarge",)]),
    components,
)


def one(**wishes: Any) -> Deployment:
    """A deployment of one component on one ml.p4d.24xlarge."""
    around = {name: wishes.pop(name) for name in ("instances", "instance_scaling") if name in wishes}
    component = Component(model="llama-2-7b", name="part-0", tensor_parallel=1, max_total_tokens=2048, **wishes)
    return Deployment(name="chat", instance_type="ml.p4d.24xlarge", components=[component], **around)


def on_two_types() -> Deployment:
    """A deployment whose copies fit each type of the pools, but whose placement on every mix is not judged."""
    parts = [
        Component(name="part-0", model="llama-2-7b"),
        Component(name="part-1", model="llama-2-7b", tensor_parallel=1),
    ]
    pools = ["ml.g6.12xlarge"]
    return Deployment(
        name="chat", instance_type="ml.p4d.24xlarge", instances=2, fallback_instance_types=pools, components=parts
    )


def broken_by_the_plan(planned: EndpointPlan) -> Side:
    found = judge(topology_of(planned), RULES.values())
    return {(finding.rule, finding.certain) for finding in found if isinstance(finding, Finding)}


def broken_by_the_template(template: dict[str, Any]) -> Side:
    report = check(template)
    return {(message.rule, message.certain) for message in (*report.problems, *report.warnings)}


def refused_in(template: dict[str, Any]) -> set[str]:
    """The rules and the open questions that a plan would be refused for, found in the template."""
    topology = topology_of_template(template, Resolver(template, region=None, parameters={}))
    return {
        outcome.rule if isinstance(outcome, Finding) else outcome.question
        for outcome in judge(topology, PLAN_RULES)
        if not isinstance(outcome, Finding) or rule_named(outcome.rule).refuses_plan(outcome)
    }


def is_refused(deployment: Deployment) -> bool:
    try:
        plan(deployment)
    except SizingError:
        return True
    return False


@examples(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deployment=deployments)
@example(deployment=one(copies=40, rollout=Rollout(batch_copies=1), instances=6))
@example(deployment=one(copies=9))
@example(deployment=one(copies=8, rollout=Rollout()))
@example(deployment=one(copies=16, instance_scaling=InstanceScaling(max_instances=2)))
@example(deployment=one(copies=2, scaling=Scaling(max_copies=40, to_zero=True, schedules=[NIGHT]), rollout=Rollout()))
@example(deployment=one(copies=2, scaling=Scaling(to_zero=True, wake_on_request=False)))
@example(deployment=on_two_types())
@example(deployment=one(instances=2, instance_scaling=InstanceScaling(max_instances=3, min_instances=3), copies=1))
def test_a_plan_and_its_template_break_the_same_rules(deployment: Deployment, context: dict[str, Any]) -> None:
    """Given any deployment, when its plan is forced into a template past every refusal, the same rules are broken."""
    draft = draft_of(deployment)
    assume(draft.plan is not None and not draft.problems)
    assert draft.plan
    # The construct of autoscaling refuses a floor above its ceiling itself.
    assume(all(part.scaling is None or part.scaling.floor <= part.scaling.ceiling for part in draft.plan.components))
    template = template_of_plan(draft.plan, context)

    assert broken_by_the_template(template) == broken_by_the_plan(draft.plan)
    assert is_refused(deployment) == bool(refused_in(template))


@pytest.mark.parametrize(
    ("deployment", "rule"),
    [
        (one(copies=40, rollout=Rollout(batch_copies=1), instances=6), "batch-size"),
        (one(copies=9), "over-committed"),
        (one(copies=8, rollout=Rollout()), "roll-without-room"),
        (one(copies=16, instance_scaling=InstanceScaling(max_instances=2)), "start-over-committed"),
        (one(copies=2, scaling=Scaling(max_copies=40)), "ceiling-over-committed"),
        (one(copies=2, scaling=Scaling(schedules=[DAY])), "ceiling-over-committed"),
        (one(copies=2, scaling=Scaling(to_zero=True, wake_on_request=False)), "zero-without-wake"),
        (one(copies=1, instance_scaling=InstanceScaling(max_instances=3, min_instances=2)), "scaling-range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_both_sides_refuse(
    deployment: Deployment,
    rule: str,
    context: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    draft = draft_of(deployment)
    assert draft.plan
    template = template_of_plan(draft.plan, context)

    assert is_refused(deployment)
    assert rule in refused_in(template)
    assert broken_by_the_template(template) == broken_by_the_plan(draft.plan)
