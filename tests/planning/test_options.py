"""Options of a deployment, alone and together: the proof covers their floor, their ceiling and the room for a roll."""

from __future__ import annotations

import re
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas import (
    Adapter,
    Alarms,
    Component,
    Deployment,
    InstanceScaling,
    Monitoring,
    PrefixAwareRouting,
    Rollout,
    Scaling,
    Schedule,
    Security,
    Traffic,
    Vpc,
    plan,
)
from replicas.errors import SizingError
from tests.examples import examples
from tests.planning.build import ONE_CARD, deployment, problem_of, problems_of

NIGHT = Schedule(name="night", at="cron(0 20 ? * MON-FRI *)", min_copies=1)
NINE = Schedule(name="day", at="rate(1 day)", min_copies=1, max_copies=9)
TWO = InstanceScaling(max_instances=2)
S3 = "s3://models/llama/"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a roll without room": (
        {"copies": 8, "rollout": Rollout()},
        r"^a rolling update of 1 copy needs 1 free accelerator; 8 of 8 are in use: "
        r"set instance_scaling=InstanceScaling\(max_instances=2\), or copies=7$",
    ),
    "a roll without room on scaled instances": (
        {"copies": 2, "scaling": Scaling(max_copies=16), "rollout": Rollout(), "instance_scaling": TWO},
        r"^a rolling update of 1 copy needs 1 free accelerator; 16 of 16 are in use: set max_instances=3, or "
        r"scaling\.max_copies=15$",
    ),
    "a roll of the only copy": (
        {"copies": 1, "rollout": Rollout()},
        r"^a rolling update replaces at most half of the copies at once: 1 of 1 is more: set copies=2, or leave "
        r"rollout out$",
    ),
    "a batch of more than half": (
        {"copies": 4, "rollout": Rollout(batch_copies=3)},
        r"3 of 4 is more: set rollout\.batch_copies=2, or copies=6",
    ),
    "a batch of more than half of what a night leaves": (
        {
            "copies": 2,
            "scaling": Scaling(max_copies=4, schedules=[NIGHT]),
            "rollout": Rollout(),
            "instance_scaling": TWO,
        },
        r"1 of 1 is more: set min_copies=2 in its schedules, or leave rollout out$",
    ),
    "a batch of less than a twentieth": (
        {
            "copies": 2,
            "scaling": Scaling(max_copies=24),
            "rollout": Rollout(batch_copies=1),
            "instance_scaling": InstanceScaling(max_instances=4),
        },
        r"^a rolling update replaces at least 5 % of the copies at once: 1 of 24 is less; no batch size is "
        r"valid for 2 to 24 copies: "
        r"set rollout\.batch_copies=2 and copies=4, or rollout\.batch_copies=1 and scaling\.max_copies=20, or leave",
    ),
    "a floor above the ceiling": (
        {"copies": 9, "scaling": Scaling(max_copies=4)},
        r"^copies=9 is the floor of the scaling and is above its ceiling, scaling\.max_copies=4: set copies=4 or less",
    ),
    "a ceiling that does not fit": (
        {"copies": 2, "scaling": Scaling(max_copies=40)},
        r"^at the ceiling of the scaling 40 copies need 40 accelerators, but ml\.p4d\.24xlarge has 8: "
        r"set scaling\.max_copies=8, or instance_scaling=InstanceScaling\(max_instances=5\)$",
    ),
    "nothing that wakes": (
        {"scaling": Scaling(to_zero=True, wake_on_request=False)},
        r"no alarm or schedule would ever add a copy again: set wake_on_request=True, or add a schedule "
        r"with min_copies=1$",
    ),
    "two targets": (
        {"scaling": Scaling(concurrent_requests_per_copy=4.0, invocations_per_copy=60.0)},
        r"takes either concurrent_requests_per_copy= or invocations_per_copy=, not both",
    ),
    "a schedule above what is proven": (
        {"scaling": Scaling(max_copies=4, schedules=[Schedule(name="day", at="rate(1 day)", min_copies=5)])},
        r"schedules\['day'\]: min_copies=5 is above max_copies=4",
    ),
    "a schedule above what fits": (
        {
            "copies": 1,
            "scaling": Scaling(schedules=[Schedule(name="day", at="rate(1 day)", min_copies=1, max_copies=9)]),
        },
        r"^scaling\.schedules\['day'\] goes up to 9 copies, but only 8 fit the maximum number of instances: "
        r"set max_copies=8 or less",
    ),
    "a schedule of the sixth component above what fits": (
        {
            "components": [
                *(Component(**ONE_CARD, copies=1, name=f"c{index}") for index in range(5)),
                Component(**ONE_CARD, copies=1, name="last", scaling=Scaling(schedules=[NINE])),
            ],
        },
        r"^last: scaling\.schedules\['day'\] goes up to 9 copies, but they do not fit the maximum number of instances: "
        r"set a lower max_copies, or more instances",
    ),
    "a schedule to zero without to_zero": (
        {"scaling": Scaling(schedules=[Schedule(name="off", at="rate(1 day)", min_copies=0)])},
        r"schedules\['off'\]: min_copies=0 needs scaling\.to_zero=True",
    ),
    # cdk-preflight 1.9.1, rules pf-appautoscaling-schedule-*: the texts of the service.
    "a minute that no hour has": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="cron(99 8 * * ? *)", min_copies=1)])},
        r"Invalid CRON expression: 99 is not a cron field with values between 0 and 59",
    ),
    "both days of cron": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="cron(0 8 * * * *)", min_copies=1)])},
        r"exactly one of day of month and day of week must be \?",
    ),
    "a rate of 0": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="rate(0 hours)", min_copies=1)])},
        r"Invalid schedule frequency: rate\(0 hours\) is less than 1 minute",
    ),
    "a month that no year has": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="at(2027-13-01T08:00:00)", min_copies=1)])},
        r"Invalid schedule at DateTime expression: .*month must be in 1..12",
    ),
    "a day that no year has": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="cron(0 8 31 2 ? *)", min_copies=1)])},
        r"at='cron\(0 8 31 2 \? \*\)': .* has no time after .* at which it runs: correct its day, month and year",
    ),
    "five fields of cron": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="cron(0 8 * * *)", min_copies=1)])},
        r"at='cron\(0 8 \* \* \*\)': cron needs six fields",
    ),
    "a time zone that is none": (
        {"scaling": Scaling(schedules=[Schedule(name="day", at="rate(1 day)", min_copies=1, timezone="CEST")])},
        r"timezone='CEST' is not known: use an IANA name such as Europe/Berlin",
    ),
    "more instances than the ceiling": (
        {"copies": 1, "instances": 3, "instance_scaling": TWO},
        r"^instances=3 is above instance_scaling\.max_instances=2: "
        r"set max_instances=3 or more, or instances=2 or less$",
    ),
    "fewer instances than the floor": (
        {"copies": 1, "instance_scaling": InstanceScaling(max_instances=3, min_instances=2)},
        r"^instances=1 is below instance_scaling\.min_instances=2",
    ),
    "isolation with weights of the Hub": (
        {"network_isolation": True},
        r"^network_isolation=True: .* would be fetched from the Hub, which isolation blocks",
    ),
    "a key on a family with NVMe storage": (
        {"security": Security(kms_key="mrk-" + "0" * 32)},
        r"^security\.kms_key=: ml\.p4d\.24xlarge has local NVMe storage, which is encrypted by hardware",
    ),
    "a topic in another region": (
        {
            "region": "us-east-1",
            "monitoring": Monitoring(alarms=Alarms(), topic="arn:aws:sns:us-west-2:123456789012:pager"),
        },
        r"^monitoring\.topic='arn:.*' is in us-west-2, the deployment in us-east-1: use a resource in us-east-1$",
    ),
    "a topic without alarms": (
        {"monitoring": Monitoring(topic="arn:aws:sns:us-west-2:123456789012:pager")},
        r"^monitoring\.topic= has no alarms to send: set alarms=Alarms\(\)$",
    ),
    "pools and another routing": (
        {"fallback_instance_types": ["ml.p4de.24xlarge"], "routing": PrefixAwareRouting()},
        r"^fallback_instance_types= needs routing='least-outstanding-requests'",
    ),
    "a pool that does not hold the copies": (
        {"copies": 8, "tensor_parallel": None, "fallback_instance_types": ["ml.g5.12xlarge"]},
        r"^on ml\.g5\.12xlarge: 8 copies need 16 accelerators, but ml\.g5\.12xlarge has 4: ",
    ),
    "both kinds of traffic": (
        {"traffic": Traffic(users=1, requests_per_second=1.0, input_tokens=1, output_tokens=1)},
        r"^traffic= needs either users= or requests_per_second=, not both$",
    ),
    "an objective that cannot be read": (
        {"traffic": Traffic(users=1, input_tokens=1, output_tokens=9, objective="ttft=1,latency_p90=0")},
        r"^traffic\.objective 'ttft=1,latency_p90=0': 'ttft=1' is not one of latency, ttft, tpot with .*"
        r"'latency_p90=0': the seconds must be a number above 0; for example ttft_p90=0\.5,latency_p90=15$",
    ),
    "a time that an answer of one token does not have": (
        {"traffic": Traffic(users=1, input_tokens=1, output_tokens=1, objective="tpot_p50=0.1")},
        r"^traffic\.objective=tpot_p50=0\.1: an answer of one token has no time per further token: leave it out$",
    ),
    "adapters on TGI": (
        {"engine": "tgi", "adapters": [Adapter(name="sql", weights="s3://a/b/", rank=8)]},
        r"^adapters=: tgi-3\.3\.6 cannot serve adapters: use engine='lmi' or 'vllm'$",
    ),
    "adapters of a model that no engine with adapters serves": (
        {
            "model": "google/flan-t5-xl",
            "engine": "tgi",
            "adapters": [Adapter(name="sql", weights="s3://a/b/", rank=8)],
        },
        r"^adapters=: google/flan-t5-xl is not a dense decoder, and .*: leave them out$",
    ),
    "adapters of experts": (
        {"model": "mixtral-8x7b", "adapters": [Adapter(name="sql", weights="s3://a/b/", rank=8)]},
        r"is not a dense decoder, and the memory of its adapters is not known",
    ),
    "an adapter with the name of a component": (
        {"adapters": [Adapter(name="chat", weights="s3://a/b/", rank=8)]},
        r"^adapter 'chat' has the name of a component",
    ),
    "adapters whose outputs would be one": (
        {
            "instance_type": "ml.p4d.24xlarge",
            "components": [
                Component(
                    name="chat",
                    model="llama-3.1-8b",
                    copies=1,
                    adapters=[Adapter(name="code-sql", weights="s3://a/b/", rank=8)],
                ),
                Component(
                    name="code", model="llama-3.1-8b", copies=1, adapters=[Adapter(name="sql", weights=S3, rank=8)]
                ),
            ],
        },
        r"^the stack outputs of adapters 'code-sql' and 'sql' would have the same name: rename one$",
    ),
    "a boundary of a role that exists": (
        {
            "security": Security(
                execution_role="arn:aws:iam::123456789012:role/serving",
                permissions_boundary="arn:aws:iam::123456789012:policy/endpoints",
            )
        },
        r"^security\.permissions_boundary= applies to a role that the stack creates, "
        r"but security\.execution_role= names an existing role",
    ),
    "a role of another account": (
        {"account": "210987654321", "security": Security(execution_role="arn:aws:iam::123456789012:role/serving")},
        r"is in account 123456789012, the deployment in 210987654321: use a role of account 210987654321$",
    ),
    "a role that is none": (
        {"security": Security(execution_role="serving")},
        r"execution_role='serving': give the ARN of an IAM role",
    ),
    "tags of AWS": (
        {"security": Security(tags={"aws:team": "llm"})},
        r"^security\.tags\['aws:team'\]: AWS reserves names that begin with aws:, so rename it$",
    ),
    "a token in a tag": (
        {"security": Security(tags={"team": "hf_" + "NotARealTokenButLong"})},
        r"^security\.tags\['team'\] would put a token into the template",
    ),
    "days that CloudWatch does not keep": (
        {"monitoring": Monitoring(log_retention_days=8)},  # type: ignore[arg-type]
        r"^monitoring\.log_retention_days=8: give 1, 3, 5",
    ),
    "a subnet that is none": (
        {"security": Security(vpc=Vpc(subnets=["subnet-x"], security_groups=["sg-0123456789abcdef0"]))},
        r"^security\.vpc\.subnets\.0='subnet-x': give the id of a subnet, subnet-0123456789abcdef0$",
    ),
}


@pytest.mark.parametrize(("wishes", "sentence"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_is_refused_with_the_fix(wishes: dict[str, Any], sentence: str) -> None:
    engine = {} if wishes.keys() & {"engine", "adapters", "components"} else {"engine": "tgi-1.1.0"}

    assert re.search(sentence, problem_of(deployment(**engine, **wishes)))


@pytest.mark.parametrize(
    ("wishes", "fix"),
    [
        ({"copies": 8, "rollout": Rollout()}, {"instance_scaling": TWO}),
        ({"copies": 8, "rollout": Rollout()}, {"copies": 7}),
        ({"copies": 2, "scaling": Scaling(max_copies=40)}, {"scaling": Scaling(max_copies=8)}),
        ({"copies": 2, "scaling": Scaling(max_copies=40)}, {"instance_scaling": InstanceScaling(max_instances=5)}),
        ({"copies": 4, "rollout": Rollout(batch_copies=3)}, {"rollout": Rollout(batch_copies=2)}),
        ({"copies": 4, "rollout": Rollout(batch_copies=3)}, {"copies": 6, "instance_scaling": TWO}),
    ],
)
def test_the_fix_that_is_named_fits(wishes: dict[str, Any], fix: dict[str, Any]) -> None:
    problem_of(deployment(engine="tgi-1.1.0", **wishes))

    plan(deployment(engine="tgi-1.1.0", **{**wishes, **fix}))


def test_all_faults_of_all_options_are_told_at_once() -> None:
    faults = problems_of(
        deployment(
            copies=5,
            scaling=Scaling(max_copies=4),
            traffic=Traffic(input_tokens=1, output_tokens=1),
            monitoring=Monitoring(topic="arn:aws:sns:us-west-2:123456789012:pager"),
            security=Security(kms_key="mrk-" + "0" * 32, tags={"aws:a": "b"}),
            instances=3,
            instance_scaling=TWO,
        )
    )

    assert len(faults) == 6


def test_what_is_not_asked_for_is_not_there() -> None:
    planned = plan(deployment(engine="tgi-1.1.0"))
    (component,) = planned.components

    assert (planned.min_instances, planned.instances, planned.max_instances) == (1, 1, 1)
    assert (component.fewest_copies, component.copies, component.most_copies) == (8, 8, 8)
    assert component.scaling is component.rollout is component.placement is planned.instance_scaling is None


def test_copies_that_nobody_wished_leave_room_for_the_roll_that_somebody_did() -> None:
    alone = plan(deployment(engine="tgi-1.1.0", rollout=Rollout()))
    scaled = plan(deployment(engine="tgi-1.1.0", copies=2, scaling=Scaling(), rollout=Rollout(), instance_scaling=TWO))

    assert alone.components[0].copies == 7
    assert scaled.components[0].most_copies == 15


def test_a_component_that_goes_to_zero_starts_with_one_copy_and_lets_its_instances_go() -> None:
    planned = plan(deployment(engine="tgi-1.1.0", scaling=Scaling(to_zero=True), instance_scaling=TWO))
    (component,) = planned.components

    assert (component.fewest_copies, component.copies, component.most_copies) == (0, 1, 16)
    assert planned.min_instances == 0
    assert component.scaling
    assert component.scaling.wakes


def test_the_default_target_is_three_quarters_of_the_requests_that_the_cache_holds() -> None:
    traffic = Traffic(users=100, input_tokens=1000, output_tokens=50)
    full, declared = (
        plan(deployment(engine="tgi-1.1.0", max_total_tokens=4096, scaling=Scaling(), traffic=wished)).components[0]
        for wished in (None, traffic)
    )

    assert full.kv_cache_tokens == declared.kv_cache_tokens == 18_736
    assert full.scaling
    assert full.scaling.target == 18_736 // 4096 * 3 // 4
    assert declared.scaling
    assert declared.scaling.target == 18_736 // 1050 * 3 // 4


def test_adapters_take_memory_from_the_cache() -> None:
    adapters = [Adapter(name="sql", weights="s3://a/b/", rank=16), Adapter(name="law", weights="s3://a/c/", rank=9)]
    without, with_them = (
        plan(deployment(model="llama-3.1-8b", tensor_parallel=1, adapters=wished)).components[0]
        for wished in ((), adapters)
    )
    # Published for rank 16 on every linear layer of Llama 3.1 8B: 41,943,040 trainable parameters.
    taken = 2 * 41_943_040 * 2

    assert with_them.memory.adapters == taken
    assert 0 <= without.kv_cache_tokens - with_them.kv_cache_tokens - taken / 131_072 <= 16
    assert with_them.environment["SM_VLLM_MAX_LORA_RANK"] == "16"
    assert with_them.environment["SM_VLLM_MAX_LORAS"] == "2"


ACCELERATORS = {"ml.p4d.24xlarge": 8, "ml.g5.12xlarge": 4}

parts = st.lists(
    st.fixed_dictionaries(
        {"model": st.sampled_from(["llama-2-7b", "mistral-7b"])},
        optional={
            "copies": st.integers(1, 6),
            "tensor_parallel": st.sampled_from([1, 2, 4]),
            "scaling": st.builds(
                Scaling,
                max_copies=st.none() | st.integers(1, 12),
                to_zero=st.booleans(),
                schedules=st.sampled_from([(), (NIGHT,)]),
            ),
            "rollout": st.builds(Rollout, batch_copies=st.none() | st.integers(1, 4)),
        },
    ),
    min_size=1,
    max_size=2,
)


@examples(150)
@given(
    instance=st.sampled_from(list(ACCELERATORS)),
    instances=st.integers(1, 2),
    more=st.none() | st.integers(0, 2),
    parts=parts,
)
def test_whatever_is_accepted_fits_at_its_ceiling_with_every_roll_beside_it(
    instance: str, instances: int, more: int | None, parts: list[dict[str, Any]]
) -> None:
    wished = Deployment(
        name="chat",
        instance_type=instance,
        instances=instances,
        instance_scaling=None if more is None else InstanceScaling(max_instances=instances + more),
        components=[
            Component(name=f"part-{index}", cpus=0.25, memory_mib=128, max_total_tokens=2048, **part)
            for index, part in enumerate(parts)
        ],
    )
    try:
        planned = plan(wished)
    except SizingError:
        return

    assert planned.min_instances <= planned.instances <= planned.max_instances
    sizes: list[int] = []
    for component in planned.components:
        assert component.fewest_copies <= component.copies <= component.most_copies
        batch = component.rollout.batch_copies if component.rollout else 0
        if batch:
            assert component.most_copies <= 20 * batch
            assert component.copies >= 2 * batch
            assert all(at.min_copies >= 2 * batch for at in (component.scaling.schedules if component.scaling else ()))
        sizes += [component.accelerators] * (component.most_copies + batch)
    assert packs(sizes, ACCELERATORS[instance], planned.max_instances)


def packs(sizes: list[int], room: int, bins: int) -> bool:
    """Brute force over how many copies of each size lie on each instance, against the bare accelerators."""
    counts = {size: sizes.count(size) for size in sorted(set(sizes), reverse=True)}
    states = {tuple([room] * bins)}
    for size, count in counts.items():
        found = set()
        for state in states:
            for taken in product(*(range(free // size + 1) for free in state)):
                if sum(taken) == count:
                    left = (free - size * used for free, used in zip(state, taken, strict=True))
                    found.add(tuple(sorted(left)))
        states = found
    return bool(states)
