"""The ceiling of copies, zero, rolls and pools: against an independent packer, and in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.cli.tables.check import report_lines
from replicas.endpoint.packing import Packing
from replicas.endpoint.packing.packer import Packer
from replicas.rules import Message, check
from tests.examples import examples
from tests.rules.base import (
    HUGGINGFACE_VLLM,
    MODEL,
    NAME_OF_LLAMA,
    TGI,
    Template,
    claims_of,
    component,
    container_of,
    good,
    only_problem,
    only_warning,
    properties_of,
    rules,
    scaled,
    target,
    variant_of,
    wake,
)
from tests.rules.test_capacity import G5_HARD, Claim, on, packs

SMALL = (0.25, 128)
"""CPUs and MiB of a copy that needs accelerators alone."""


def scheduled(**bounds: int) -> dict[str, Any]:
    """A scheduled action that sets bounds every day."""
    return {"ScheduledActionName": "day", "Schedule": "cron(0 8 * * ? *)", "ScalableTargetAction": bounds}


def found(template: Template, rule: str) -> list[Message]:
    """All findings of a rule, problems and warnings."""
    report = check(template)
    return [finding for finding in (*report.problems, *report.warnings) if finding.rule == rule]


# The ceiling


@examples(60)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=2),
    st.integers(1, 3),
)
def test_the_ceiling_is_judged_as_trying_everything_does(parts: list[tuple[int, int, int]], instances: int) -> None:
    """Each part: copies at the start, accelerators, and how many more at the ceiling."""
    starts: list[tuple[int, Claim]] = [(copies, (accelerators, *SMALL)) for copies, accelerators, _ in parts]
    tops: list[tuple[int, Claim]] = [(copies + more, (gpus, *SMALL)) for copies, gpus, more in parts]
    if sum(copies for copies, _ in tops) > 7:
        return
    template = on("ml.g5.12xlarge", instances, *starts)
    for name, (copies, _), (most, _) in zip("AB", starts, tops, strict=False):
        arn = {"Fn::GetAtt": [name, "InferenceComponentArn"]}
        scaling = target(copies, most, {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]})
        template["Resources"][f"Target{name}"] = scaling
    fits = packs(tops, instances, G5_HARD)

    findings = found(template, "ceiling-over-committed")

    if not packs(starts, instances, G5_HARD):
        assert rules(check(template)) == ["over-committed"]
        return
    assert bool(findings) == (not fits)
    alone = [
        packs([*starts[:index], tops[index], *starts[index + 1 :]], instances, G5_HARD) for index in range(len(parts))
    ]
    assert [finding.certain for finding in findings] == ([] if fits else [True] * alone.count(False) or [False])
    for finding in findings:
        assert_a_fix_mends(template, finding)


def assert_a_fix_mends(template: Template, finding: Message) -> None:
    """The first number of the fix, written into the template, ends the finding."""
    lowered = re.search(r"MaxCapacity=(\d+) of (\w)", finding.fix)
    more = re.search(r"InitialInstanceCount=(\d+)", finding.fix)
    if lowered:
        properties_of(template, f"Target{lowered[2]}")["MaxCapacity"] = int(lowered[1])
    elif more:
        variant_of(template)["InitialInstanceCount"] = int(more[1])
    else:
        raise AssertionError(finding.fix)
    assert not [again for again in found(template, finding.rule) if again.what == finding.what]


def test_over_committed_at_the_ceiling_in_words() -> None:
    template = scaled(most=12, instances={"MinInstanceCount": 1, "MaxInstanceCount": 1})

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("ceiling-over-committed", "Endpoint")
    assert problem.what == (
        "at MaxCapacity of Llama 12 copies reserve 12 accelerators, but ml.p4d.24xlarge can give 8 accelerators; "
        "12 copies reserve 108 CPUs, but ml.p4d.24xlarge can give 96 CPUs"
    )
    assert problem.fix == "set MaxCapacity=8 of Llama, or MaxInstanceCount=2"


def test_a_ceiling_that_claims_more_than_was_ever_seen_is_a_warning() -> None:
    template = scaled(most=8)
    claims_of(template)["NumberOfCpuCoresRequired"] = 11

    warning = only_warning(template)

    assert warning.rule == "ceiling-over-claimed"
    assert "88 CPUs" in warning.what


def test_a_ceiling_that_instances_follow_is_fine() -> None:
    assert check(scaled(most=16, instances={"MinInstanceCount": 1, "MaxInstanceCount": 2})).problems == ()


@pytest.mark.parametrize(
    "resource_id",
    [
        {"Fn::Join": ["", ["inference-component/", NAME_OF_LLAMA]]},
        {"Fn::Join": ["/", ["inference-component", NAME_OF_LLAMA]]},
        {"Fn::Sub": ["inference-component/${Name}", {"Name": NAME_OF_LLAMA}]},
        {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": "Llama"}]}]},
        "inference-component/llama",
        {"Fn::Sub": "inference-component/llama"},
    ],
)
def test_a_target_finds_its_component(resource_id: Any) -> None:
    template = scaled(most=9)
    properties_of(template, "Llama")["InferenceComponentName"] = "llama"
    properties_of(template, "Target")["ResourceId"] = resource_id
    template["Resources"]["Target"]["DependsOn"] = ["Llama"]

    assert only_problem(template).rule == "ceiling-over-committed"


def test_a_target_of_another_component_is_none_of_ours() -> None:
    template = scaled(most=99)
    properties_of(template, "Target")["ResourceId"] = "inference-component/elsewhere"

    assert check(template).problems == ()


def test_a_scheduled_ceiling_counts() -> None:
    template = scaled(most=8)
    properties_of(template, "Target")["ScheduledActions"] = [scheduled(MaxCapacity=9)]

    assert only_problem(template).rule == "ceiling-over-committed"


def test_a_ceiling_that_a_parameter_gives_is_left_open() -> None:
    template = scaled(most={"Ref": "Most"})
    template["Parameters"] = {"Most": {"Type": "Number"}}

    report = check(template)

    assert (report.problems, report.warnings) == ((), ())
    assert ["MaxCapacity" in point.what for point in report.unresolved] == [True]
    assert rules(check(template, parameters={"Most": "9"})) == ["ceiling-over-committed"]


# Ranges


def test_a_floor_above_the_ceiling() -> None:
    assert only_problem(scaled(copies=4, least=4, most=2)).rule == "capacity-range"


def test_a_capacity_below_zero() -> None:
    assert only_problem(scaled(copies=4, least=-1, most=4)).what == "MinCapacity=-1 is below 0"

    template = scaled(copies=4, least=1, most=4)
    properties_of(template, "Target")["ScheduledActions"] = [scheduled(MinCapacity=-2)]
    problem = only_problem(template)
    assert (problem.rule, problem.logical_id) == ("capacity-negative", "Target")
    assert problem.what == "MinCapacity=-2 of the scheduled action day is below 0"


@pytest.mark.parametrize(("copies", "named"), [(1, "MinCapacity=2"), (5, "MaxCapacity=4")])
def test_copies_outside_their_range(copies: int, named: str) -> None:
    warning = only_warning(scaled(copies=copies, least=2, most=4))

    assert (warning.rule, warning.fix) == ("copies-outside-range", "set CopyCount=2, the floor")
    assert named in warning.what


@pytest.mark.parametrize(
    ("name", "value"),
    [("ScalableDimension", "sagemaker:variant:DesiredInstanceCount"), ("ServiceNamespace", "ecs")],
)
def test_a_target_in_the_wrong_dimension(name: str, value: str) -> None:
    template = scaled()
    properties_of(template, "Target")[name] = value

    problem = only_problem(template)

    assert problem.rule == "target-mismatch"
    assert f"{name}={value}" in problem.what


# Zero

ZERO = {"MinInstanceCount": 0, "MaxInstanceCount": 1}


def test_zero_with_its_alarm_is_fine() -> None:
    report = check(wake(scaled(least=0, instances=ZERO)))

    assert (report.problems, report.warnings, report.unresolved) == ((), (), ())


def broken(way: str) -> Template:
    """Zero copies whose wake is broken in one way."""
    template = wake(scaled(least=0, instances=ZERO))
    if way == "no alarm":
        del template["Resources"]["NoCapacity"]
    elif way == "another metric":
        properties_of(template, "NoCapacity")["MetricName"] = "Invocations"
    elif way == "another component":
        properties_of(template, "NoCapacity")["Dimensions"][0]["Value"] = "elsewhere"
    elif way == "no action":
        properties_of(template, "NoCapacity")["AlarmActions"] = ["arn:aws:sns:us-east-1:123456789012:topic"]
    elif way == "target tracking":
        wake_policy = properties_of(template, "Wake")
        del wake_policy["StepScalingPolicyConfiguration"]
        wake_policy.update(
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 5,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerInferenceComponentInvocationsPerCopy"
                },
            },
        )
    else:
        properties_of(template, "Wake")["ScalingTargetId"] = {"Ref": "Other"}
        template["Resources"]["Other"] = target(1, 2, "elsewhere")
    return template


@pytest.mark.parametrize(
    "way", ["no alarm", "another metric", "another component", "no action", "target tracking", "another target"]
)
def test_zero_that_nothing_wakes(way: str) -> None:
    problem = only_problem(broken(way))

    assert (problem.rule, problem.logical_id) == ("zero-without-wake", "Target")


@pytest.mark.parametrize(
    ("alarm", "policy"),
    [
        ({"Namespace": "AWS/Sagemaker"}, {}),
        ({"Namespace": "/aws/sagemaker/InferenceComponents"}, {}),
        ({"ActionsEnabled": False}, {}),
        ({"ActionsEnabled": "false"}, {}),
        ({}, {"StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": -1}]}),
        ({}, {"StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 0}]}),
        ({}, {"AdjustmentType": "PercentChangeInCapacity"}),
    ],
)
def test_an_alarm_or_a_policy_that_adds_no_copy_to_zero(alarm: Template, policy: Template) -> None:
    """The metric is in AWS/SageMaker (SageMaker developer guide, monitoring-cloudwatch); namespaces are case-sensitive.
    ActionsEnabled: whether actions are executed (CloudWatch API reference, PutMetricAlarm). 100 % of 0 copies is 0.
    """
    template = wake(scaled(least=0, instances=ZERO))
    properties_of(template, "NoCapacity").update(alarm)
    properties_of(template, "Wake")["StepScalingPolicyConfiguration"].update(policy)

    assert "zero-without-wake" in rules(check(template))


@pytest.mark.parametrize(
    "policy",
    [
        {"AdjustmentType": "ExactCapacity"},
        {"AdjustmentType": "PercentChangeInCapacity", "MinAdjustmentMagnitude": 1},
        {"StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": {"Ref": "Step"}}]},
    ],
)
def test_a_policy_that_adds_a_copy_to_zero(policy: Template) -> None:
    """Application Auto Scaling API reference, StepScalingPolicyConfiguration: the least change is in copies."""
    template = wake(scaled(least=0, instances=ZERO))
    template["Parameters"] = {"Step": {"Type": "Number"}}
    properties_of(template, "Wake")["StepScalingPolicyConfiguration"].update(policy)

    assert "zero-without-wake" not in rules(check(template))


def test_zero_by_a_schedule_that_ends_it_is_a_warning() -> None:
    template = scaled(least=1, instances=ZERO)
    actions = [
        {**scheduled(MinCapacity=0, MaxCapacity=0), "ScheduledActionName": "evening"},
        scheduled(MinCapacity=1),
    ]
    properties_of(template, "Target")["ScheduledActions"] = actions

    assert only_warning(template).rule == "zero-without-wake"


@pytest.mark.parametrize("instances", [None, {"MinInstanceCount": 1, "MaxInstanceCount": 1}, {"MaxInstanceCount": 1}])
def test_zero_copies_on_instances_that_stay(instances: Template | None) -> None:
    warning = only_warning(wake(scaled(least=0, instances=instances)))

    assert (warning.rule, warning.logical_id) == ("zero-keeps-instances", "Config")


def test_zero_instances_where_they_were_refused() -> None:
    template = wake(scaled(least=0, instances=ZERO))

    refused = [finding.rule for finding in check(template, region="eu-west-3").warnings]

    assert "zero-instances-refused" in refused
    assert not check(template, region="us-east-1").warnings


# Rolls


def rolling(copies: int, value: Any, kind: str = "COPY_COUNT", **scaling: Any) -> Template:
    """`good()` with a number of copies, and a rolling update with this batch."""
    template = good()
    properties = properties_of(template, "Llama")
    properties["RuntimeConfig"]["CopyCount"] = copies
    properties["DeploymentConfig"] = {"RollingUpdatePolicy": {"MaximumBatchSize": {"Type": kind, "Value": value}}}
    if scaling:
        variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", **scaling}
    return template


def test_a_roll_without_room_says_what_it_needs() -> None:
    warning = only_warning(rolling(8, 1, MinInstanceCount=1, MaxInstanceCount=1))

    assert (warning.rule, warning.logical_id) == ("roll-without-room", "Llama")
    assert warning.what == "a rolling update of 1 copy needs 1 free accelerator; 8 of 8 are in use"
    assert warning.fix == "set MaxInstanceCount=2, or CopyCount=7 of Llama"


def test_a_roll_at_the_ceiling_needs_room_too() -> None:
    template = rolling(4, 1)
    template["Resources"]["Target"] = target(4, 8)

    warning = only_warning(template)

    assert warning.what == "a rolling update of 1 copy needs 1 free accelerator; 8 of 8 are in use at MaxCapacity=8"
    assert warning.fix == "set ManagedInstanceScaling with MaxInstanceCount=2, or MaxCapacity=7 of Llama"


@examples(40)
@given(st.integers(2, 8), st.integers(1, 4), st.integers(1, 3))
def test_a_roll_has_room_where_the_copies_and_a_batch_fit(copies: int, batch: int, instances: int) -> None:
    template = rolling(copies, batch, MinInstanceCount=1, MaxInstanceCount=instances)
    claims_of(template).update(NumberOfCpuCoresRequired=1, MinMemoryRequiredInMb=1024)

    findings = found(template, "roll-without-room")

    assert bool(findings) == (copies + batch > 8 * instances)
    for finding in findings:
        for number, name in ((r"MaxInstanceCount=(\d+)", "instances"), (r"CopyCount=(\d+)", "copies")):
            given = re.search(number, finding.fix)
            assert given, finding.fix
            wanted = {"copies": copies, "instances": instances, name: int(given[1])}
            again = rolling(wanted["copies"], batch, MinInstanceCount=1, MaxInstanceCount=wanted["instances"])
            claims_of(again).update(NumberOfCpuCoresRequired=1, MinMemoryRequiredInMb=1024)
            assert not found(again, "roll-without-room")


@pytest.mark.parametrize("copies", range(2, 31))
@pytest.mark.parametrize("batch", [1, 2, 5, 16])
def test_a_batch_is_5_to_50_percent(copies: int, batch: int) -> None:
    template = rolling(copies, batch, MinInstanceCount=1, MaxInstanceCount=9)

    findings = found(template, "batch-size")

    assert bool(findings) == (not 5 <= 100 * batch / copies <= 50)
    for finding in findings:
        value = re.search(r"Value=(\d+)", finding.fix)
        assert value
        assert not found(rolling(copies, int(value[1])), "batch-size")


@pytest.mark.parametrize(("percent", "taken"), [(4, False), (5, True), (50, True), (51, False), ("50", True)])
def test_a_batch_in_percent(percent: Any, taken: bool) -> None:
    assert bool(found(rolling(4, percent, "CAPACITY_PERCENT"), "batch-size")) != taken


@pytest.mark.parametrize(("batch", "certain"), [(1, False), (2, True), (5, True)])
def test_a_batch_of_the_only_copy_is_a_doubt_and_a_larger_one_is_refused(batch: int, certain: bool) -> None:
    (finding,) = found(rolling(1, batch), "batch-size")

    assert finding.certain == certain


# Pools


def pooled(copies: int, *types: str, specified: tuple[str, ...] | None = None, instances: int = 1) -> Template:
    """A variant of instance pools, and a component with a specification (1 accelerator) for each type."""
    template = good()
    variant = variant_of(template)
    del variant["InstanceType"]
    variant["InitialInstanceCount"] = instances
    variant["InstancePools"] = [{"InstanceType": name, "Priority": at + 1} for at, name in enumerate(types)]
    variant["RoutingConfig"] = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    properties = component(copies=copies, cpus=2, memory=1024)["Properties"]
    specification = properties.pop("Specification")
    wanted = types if specified is None else specified
    properties["Specifications"] = [{**specification, "InstanceType": name} for name in wanted]
    template["Resources"]["Llama"]["Properties"] = properties
    return template


def test_pools_that_each_hold_all_copies_are_fine() -> None:
    report = check(pooled(4, "ml.g5.12xlarge", "ml.g6.12xlarge"))

    assert (report.problems, report.warnings, report.unresolved) == ((), (), ())


def test_the_report_names_the_pools_and_the_ceiling() -> None:
    template = pooled(4, "ml.g6.48xlarge", "ml.g5.48xlarge")
    template["Resources"]["Target"] = target(4, 8)

    report = check(template)

    (endpoint,) = report.endpoints
    assert endpoint.instance_pools == ("ml.g6.48xlarge", "ml.g5.48xlarge")
    assert endpoint.components[0].max_copies == 8
    assert (
        report_lines(report)[0]
        == "Endpoint: 1 x ml.g6.48xlarge or ml.g5.48xlarge; Llama up to 8 copies; hosted in 13 regions"
    )


def test_a_pool_without_a_specification() -> None:
    types = ("ml.g5.12xlarge", "ml.g5.48xlarge")
    problem = only_problem(pooled(4, *types, "ml.g6.12xlarge", specified=types))

    assert (problem.rule, problem.logical_id) == ("pool-without-specification", "Llama")
    assert "ml.g6.12xlarge" in problem.what


def test_a_pool_too_small_for_all_copies_is_a_warning() -> None:
    warning = only_warning(pooled(8, "ml.g6.48xlarge", "ml.g5.12xlarge"))

    assert (warning.rule, warning.what) == (
        "pool-too-small",
        "8 copies reserve 8 accelerators, but ml.g5.12xlarge can give 4 accelerators",
    )


def test_a_pool_that_holds_no_copy_is_a_problem() -> None:
    template = pooled(1, "ml.g5.12xlarge", "ml.g5.xlarge")
    for specification in properties_of(template, "Llama")["Specifications"]:
        specification["ComputeResourceRequirements"]["NumberOfAcceleratorDevicesRequired"] = 4
    container_of(template)["Environment"] = {}

    problem = only_problem(template)

    assert problem.rule == "over-committed"
    assert "one ml.g5.xlarge can give 1 accelerators" in problem.what


def test_the_degree_is_judged_for_each_pool() -> None:
    template = pooled(1, "ml.g5.12xlarge", "ml.g6.12xlarge")
    second = properties_of(template, "Llama")["Specifications"][1]
    second["ComputeResourceRequirements"]["NumberOfAcceleratorDevicesRequired"] = 2

    assert only_problem(template).rule == "tensor-parallel-mismatch"


def test_the_ceiling_is_judged_for_each_pool() -> None:
    template = pooled(4, "ml.g5.12xlarge", "ml.g6.48xlarge")
    template["Resources"]["Target"] = target(4, 8)

    warning = only_warning(template)

    assert warning.rule == "ceiling-over-committed"
    assert "ml.g5.12xlarge" in warning.what


# Adapters


def adapted(base: Any = NAME_OF_LLAMA, url: Any = "s3://bucket/adapter/", **more: Any) -> Template:
    """`good()` with an engine that serves adapters, and an adapter."""
    template = good()
    container_of(template).update(
        Image=HUGGINGFACE_VLLM,
        Environment={
            "SM_VLLM_MODEL": MODEL,
            "SM_VLLM_ENABLE_LORA": "true",
            "SM_VLLM_MAX_LORA_RANK": "16",
            "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
            "HF_ENABLE_LMCACHE": "0",
        },
    )
    specification = {"BaseInferenceComponentName": base, "Container": {"ArtifactUrl": url}, **more}
    endpoint = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
    template["Resources"]["Adapter"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {"EndpointName": endpoint, "Specification": specification},
    }
    return template


@pytest.mark.parametrize("url", ["s3://bucket/adapter/", "s3://bucket/adapter.tar.gz", {"Ref": "AWS::StackName"}])
def test_a_sound_adapter_is_fine(url: Any) -> None:
    report = check(adapted(url=url))

    assert (report.problems, report.warnings) == ((), ())


def test_the_prefix_of_an_adapter_ends_with_a_slash() -> None:
    problem = only_problem(adapted(url="s3://bucket/adapter"))

    assert (problem.rule, problem.fix) == ("adapter-prefix", "set ArtifactUrl=s3://bucket/adapter/")


def test_the_base_of_an_adapter_is_no_model_resource() -> None:
    assert only_problem(adapted({"Fn::GetAtt": ["Model", "ModelName"]})).rule == "adapter-base"


def test_an_adapter_that_is_its_own_base_depends_on_itself() -> None:
    own_name = {"Fn::Select": [1, {"Fn::Split": ["/", {"Fn::GetAtt": ["Adapter", "InferenceComponentArn"]}]}]}

    assert rules(check(adapted(own_name))) == ["adapter-base", "template-refused"]


def test_an_adapter_claims_nothing() -> None:
    problem = only_problem(adapted(ComputeResourceRequirements={"MinMemoryRequiredInMb": 128}))

    assert problem.rule == "adapter-claims"


# Weights and limits


@pytest.mark.parametrize("isolated", ["Model", "Config"])
@pytest.mark.parametrize("variable", ["HF_MODEL_ID", "SM_VLLM_MODEL", "OPTION_MODEL_ID"])
def test_isolation_cuts_weights_of_the_hub_off(isolated: str, variable: str) -> None:
    template = good()
    properties_of(template, isolated)["EnableNetworkIsolation"] = True
    container_of(template)["Image"] = "1.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    container_of(template)["Environment"] = {"SM_NUM_GPUS": "1", variable: "org/model"}

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("isolated-from-weights", "Model")
    container_of(template)["Environment"][variable] = "/opt/ml/model"
    assert check(template).problems == ()


@pytest.mark.parametrize(
    ("image", "fails"),
    [(TGI, True), ("1.dkr.ecr.a.amazonaws.com/huggingface-pytorch-tgi-inference:2.0.1-tgi1.1.0-gpu", False)],
)
def test_the_longest_input_is_told_once(image: str, fails: bool) -> None:
    template = good()
    container_of(template)["Image"] = image
    container_of(template)["Environment"] |= {"MAX_INPUT_LENGTH": "1", "MAX_INPUT_TOKENS": "1"}

    assert rules(check(template)) == (["input-limit-twice"] if fails else [])


# Where a plan was stricter than a check


def test_a_batch_of_one_of_forty_copies_is_refused() -> None:
    (problem,) = found(rolling(40, 1), "batch-size")

    assert (problem.certain, problem.what) == (True, "a batch of 1 of 40 copies")
    assert problem.fix == "set Value=2 to 20 for COPY_COUNT, or use CAPACITY_PERCENT with 5 to 50"


def test_a_batch_is_held_against_the_ceiling() -> None:
    template = rolling(4, 1, MinInstanceCount=1, MaxInstanceCount=9)
    template["Resources"]["Target"] = target(4, 40)

    (finding,) = found(template, "batch-size")

    assert (finding.certain, finding.what) == (True, "a batch of 1 of 40 copies at MaxCapacity")
    assert finding.fix == "set Value=2 for COPY_COUNT, or use CAPACITY_PERCENT with 5 to 50"


def test_a_batch_is_held_against_the_fewest_copies_of_a_schedule() -> None:
    template = rolling(8, 2, MinInstanceCount=1, MaxInstanceCount=9)
    template["Resources"]["Target"] = target(8, 8)
    properties_of(template, "Target")["ScheduledActions"] = [scheduled(MinCapacity=2)]

    (finding,) = found(template, "batch-size")

    assert finding.what == "a batch of 2 of 2 copies by a schedule"


def test_rolls_of_several_components_need_room_at_once() -> None:
    """Given 6 copies on 8 accelerators, when a change rolls both components by 2, there is room for one roll alone."""
    template = on("ml.p4d.24xlarge", 1, (4, (1, 1, 1024)), (2, (1, 1, 1024)))
    for name, batch in (("A", 2), ("B", 1)):
        size = {"Type": "COPY_COUNT", "Value": batch}
        properties_of(template, name)["DeploymentConfig"] = {"RollingUpdatePolicy": {"MaximumBatchSize": size}}

    (finding,) = found(template, "roll-without-room")

    assert finding.what == "a rolling update of 3 copies needs 3 free accelerators; 6 of 8 are in use"
    del properties_of(template, "B")["DeploymentConfig"]
    assert not found(template, "roll-without-room")


def test_a_schedule_whose_floor_lies_above_the_ceiling_is_refused() -> None:
    template = scaled(most=4)
    properties_of(template, "Target")["ScheduledActions"] = [scheduled(MinCapacity=5)]

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("capacity-range", "Target")
    assert problem.what == "after the scheduled action day, MinCapacity=5 is above MaxCapacity=4"


def test_fewer_instances_at_the_start_than_ever_is_refused() -> None:
    template = good()
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 2, "MaxInstanceCount": 3}

    problem = only_problem(template)

    assert (problem.rule, problem.what) == ("scaling-range", "InitialInstanceCount=1 is less than MinInstanceCount=2")


def of_components(count: int) -> Template:
    """Components of one copy on one accelerator that fill their instances, each scaled to two copies."""
    template = good()
    variant_of(template)["InitialInstanceCount"] = count // 8
    del template["Resources"]["Llama"]
    for index in range(count):
        template["Resources"][f"C{index}"] = component(copies=1, cpus=1, memory=4096 + index)
        name = {"Fn::GetAtt": [f"C{index}", "InferenceComponentName"]}
        template["Resources"][f"T{index}"] = target(1, 2, of=name)
    return template


def test_a_component_more_is_one_search_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given components that cannot reach their ceilings, the searches grow with them and not with their square."""
    searches: list[int] = []
    searched = Packer.place

    def counted(packer: Packer, instances: int) -> Packing:
        searches[-1] += 1
        return searched(packer, instances)

    monkeypatch.setattr(Packer, "place", counted)
    for components in (16, 32):
        searches.append(0)
        problems = found(of_components(components), "ceiling-over-committed")
        assert len(problems) == components
        assert all("MaxCapacity" in problem.fix for problem in problems)

    assert searches[1] - searches[0] <= 2 * 16
