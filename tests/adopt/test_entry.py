"""The entry of a live endpoint: each setting as the option that makes it again, and what no option says."""

from __future__ import annotations

from typing import Any

import pytest

from replicas import DataCapture, Deployment, InstanceScaling, Placement, Scaling, Schedule, Security, Vpc, plan
from replicas.adopt.entry import Entry, entry_of
from replicas.adopt.records import LiveEndpoint, LiveScaling
from replicas.adopt.source import source_of
from replicas.errors import OperationError
from tests.adopt.by_hand import TGI, VARIABLES
from tests.adopt.live import ROLE, adapter, component, endpoint

VLLM = "763104351884.dkr.ecr.us-west-2.amazonaws.com/huggingface-vllm-inference:"


def entry(live: LiveEndpoint, **more: Any) -> Entry:
    return entry_of(live, "llama", **{"models": {}, "token_secret": None, **more})


def deployment(live: LiveEndpoint, **more: Any) -> Deployment:
    return entry(live, **more).deployment


def unsaid(live: LiveEndpoint, **more: Any) -> list[str]:
    return [f"{one.resource}: {one.what}" for one in entry(live, **more).unexpressed]


def test_the_articles_endpoint_becomes_its_row_and_the_plan_has_the_same_variables() -> None:
    written = entry(endpoint())

    (part,) = written.deployment.components
    assert (part.model, part.engine, part.copies) == ("NousResearch/Llama-2-13b-chat-hf", "tgi-1.1.0", 8)
    assert (part.tensor_parallel, part.cpus, part.memory_mib) == (1, 10, 102400)
    assert (part.max_input_tokens, part.max_total_tokens) == (2048, 4096)
    assert part.environment == {"MAX_BATCH_TOTAL_TOKENS": "16384"}
    assert written.deployment.security == Security(execution_role=ROLE)
    assert written.unexpressed == ()
    assert written.names == {"llama": "llama-by-hand"}
    assert dict(plan(written.deployment).components[0].environment) == VARIABLES


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        pytest.param(
            {"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 3}},
            {"instance_scaling": InstanceScaling(max_instances=3)},
            id="instances that scale",
        ),
        pytest.param(
            {
                "ManagedInstanceScaling": {
                    "Status": "ENABLED",
                    "MinInstanceCount": 0,
                    "MaxInstanceCount": 2,
                    "ScaleInPolicy": {"Strategy": "IDLE_RELEASE", "CooldownInMinutes": 30},
                }
            },
            {
                "instance_scaling": InstanceScaling(
                    max_instances=2, min_instances=0, scale_in="idle-release", scale_in_cooldown_minutes=30
                )
            },
            id="a policy of scale-in",
        ),
        pytest.param({"ManagedInstanceScaling": {"Status": "DISABLED"}}, {"instance_scaling": None}, id="disabled"),
        pytest.param({"VariantName": "main"}, {"variant_name": "main"}, id="a variant's name"),
        pytest.param({"RoutingConfig": {"RoutingStrategy": "RANDOM"}}, {"routing": "random"}, id="random"),
        pytest.param({"RoutingConfig": {}}, {"routing": "random"}, id="SageMaker's default"),
    ],
)
def test_settings_of_the_variant_become_options(variant: dict[str, Any], expected: dict[str, Any]) -> None:
    written = deployment(endpoint(variant=variant))

    assert {name: getattr(written, name) for name in expected} == expected


def test_pools_become_types_in_the_order_of_their_priority() -> None:
    pools = [{"InstanceType": "ml.p4de.24xlarge", "Priority": 2}, {"InstanceType": "ml.p4d.24xlarge", "Priority": 1}]

    written = deployment(endpoint(variant={"InstancePools": pools}))

    assert (written.instance_type, list(written.fallback_instance_types)) == ("ml.p4d.24xlarge", ["ml.p4de.24xlarge"])


def test_security_and_metrics_of_the_configuration_become_options() -> None:
    network = {"Subnets": ["subnet-0a1b2c3d4e5f60718"], "SecurityGroupIds": ["sg-0a1b2c3d4e5f60718"]}
    metrics = {"EnableEnhancedMetrics": True, "MetricPublishFrequencyInSeconds": 30}
    capture = {"EnableCapture": True, "InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://captured/chat"}
    live = endpoint(
        component(tags={"team": "search"}, model={"VpcConfig": network}),
        configuration={
            "VpcConfig": network,
            "MetricsConfig": metrics,
            "EnableNetworkIsolation": True,
            "DataCaptureConfig": capture,
        },
        tags={"team": "search"},
    )

    written = deployment(live)

    assert written.security.vpc == Vpc(subnets=network["Subnets"], security_groups=network["SecurityGroupIds"])
    assert written.security.tags == {"team": "search"}
    assert written.monitoring.enhanced_metrics_seconds == 30
    assert written.network_isolation
    assert written.data_capture == DataCapture(destination="s3://captured/chat/", percent=10)


def target(least: int, most: int) -> dict[str, Any]:
    return {"MinCapacity": least, "MaxCapacity": most, "ResourceId": "inference-component/llama-by-hand"}


TRACKING = {
    "PolicyName": "tracking",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 5.0,
        "ScaleOutCooldown": 30,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"
        },
    },
}
WAKING = {"PolicyName": "waking", "PolicyType": "StepScaling"}
NIGHT = {
    "ScheduledActionName": "night",
    "Schedule": "cron(0 20 ? * MON-FRI *)",
    "Timezone": "Europe/Berlin",
    "ScalableTargetAction": {"MinCapacity": 1, "MaxCapacity": 2},
}


@pytest.mark.parametrize(
    ("scaling", "copies", "expected"),
    [
        pytest.param(
            LiveScaling(target=target(2, 6), policies=(TRACKING,), schedules=(NIGHT,)),
            2,
            Scaling(
                max_copies=6,
                concurrent_requests_per_copy=5.0,
                scale_out_cooldown_seconds=30,
                scale_in_cooldown_seconds=300,
                schedules=(
                    Schedule(
                        name="night",
                        at="cron(0 20 ? * MON-FRI *)",
                        timezone="Europe/Berlin",
                        min_copies=1,
                        max_copies=2,
                    ),
                ),
            ),
            id="from two copies, with a night",
        ),
        pytest.param(
            LiveScaling(target=target(0, 4), policies=(TRACKING, WAKING), schedules=()),
            1,
            Scaling(
                max_copies=4,
                to_zero=True,
                concurrent_requests_per_copy=5.0,
                scale_out_cooldown_seconds=30,
                scale_in_cooldown_seconds=300,
            ),
            id="to zero, woken by requests",
        ),
    ],
)
def test_autoscaling_becomes_the_scaling_of_the_component(scaling: LiveScaling, copies: int, expected: Scaling) -> None:
    (part,) = deployment(endpoint(component(copies=5, scaling=scaling))).components

    assert (part.copies, part.scaling) == (copies, expected)


def test_a_policy_that_follows_another_metric_is_named() -> None:
    custom = {"PolicyName": "own", "PolicyType": "TargetTrackingScaling"}
    scaling = LiveScaling(target=target(1, 4), policies=(custom,), schedules=())

    assert unsaid(endpoint(component(scaling=scaling))) == [
        "component llama-by-hand: its scaling policy own tracks a metric that an entry cannot name",
        "component llama-by-hand: its scaling tracks no metric that an entry can name: the plan chooses metric and "
        "target",
    ]


def test_several_components_are_named_by_what_is_theirs() -> None:
    chat, search = component("llama-chat", copies=4), component("search", copies=4)

    written = entry(endpoint(chat, search))

    assert [part.name for part in written.deployment.components] == ["chat", "search"]
    assert written.names == {"chat": "llama-chat", "search": "search"}
    assert plan(written.deployment).accelerators_used == 8


def test_an_adapter_is_one_of_its_base_with_the_rank_of_the_engine() -> None:
    tag = "0.30.0"
    image = published("vllm-0.30.0")
    variables = dict(planned_variables())
    base = component(variables=variables, container={"Image": image}, copies=1)
    live = endpoint(base, adapters=(adapter("llama-sql", base.name, "s3://adapters/sql/"),))

    (part,) = deployment(live).components

    assert tag in part.engine
    (made,) = part.adapters
    assert (made.name, made.weights, made.rank) == ("sql", "s3://adapters/sql/", 32)


def published(engine: str) -> str:
    from replicas.engines import find_engine

    image = find_engine(engine).image
    assert image is not None
    return f"{image.accounts['us-west-2']}.dkr.ecr.us-west-2.amazonaws.com/{image.repository}:{image.tag}"


def planned_variables() -> dict[str, str]:
    """Variables of a container that serves one adapter, as an engine reads them."""
    from replicas import Adapter, Component

    deployed = Deployment(
        name="llama",
        instance_type="ml.p4d.24xlarge",
        components=[
            Component(
                model="NousResearch/Meta-Llama-3.1-8B-Instruct",
                engine="vllm-0.30.0",
                copies=1,
                tensor_parallel=1,
                adapters=[Adapter(name="sql", weights="s3://adapters/sql/", rank=32)],
            )
        ],
    )
    return dict(plan(deployed).components[0].environment)


def test_placement_and_cache_become_options() -> None:
    scheduling = {"PlacementStrategy": "BINPACK", "AvailabilityZoneBalance": {"MaxImbalance": 2}}
    live = endpoint(component(SchedulingConfig=scheduling, DataCacheConfig={"EnableCaching": True}))

    (part,) = deployment(live).components

    assert (part.placement, part.data_cache) == (Placement(strategy="binpack", max_zone_imbalance=2), True)


def test_no_secret_is_written_and_each_is_named() -> None:
    token, key = "hf_" + "a" * 34, "sk-123"
    variables = {**VARIABLES, "HUGGING_FACE_HUB_TOKEN": token, "OPENAI_API_KEY": key}
    live = endpoint(component(variables=variables))

    assert unsaid(live) == [
        "component llama-by-hand: the token in HUGGING_FACE_HUB_TOKEN is not written to the entry: name the "
        "secret that contains it with --token-secret",
        "component llama-by-hand: the value of OPENAI_API_KEY looks like a secret and is not written to the entry",
    ]
    with_secret = entry(live, token_secret="hf")  # noqa: S106 (the name of a secret)
    assert with_secret.deployment.components[0].token_secret == "hf"  # noqa: S105
    assert token not in source_of(with_secret.deployment)
    assert key not in source_of(with_secret.deployment)


def test_tags_that_not_all_resources_have_are_named() -> None:
    live = endpoint(component(tags={"team": "search", "stage": "prod"}), tags={"team": "search"})

    assert deployment(live).security.tags == {"team": "search"}
    assert unsaid(live) == [
        "component llama-by-hand: other resources do not have its tags stage=prod: a deployment removes these tags"
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param(
            {"container": {"Image": "123456789012.dkr.ecr.us-west-2.amazonaws.com/ours:1"}},
            "runs ours:1, but an entry supports only images of .*: take over the other components with --component",
            id="another engine",
        ),
        pytest.param(
            {"container": {"Image": TGI.replace("2.0.1-tgi1.1.0", "latest")}},
            "whose tag does not contain the version of TGI",
            id="no version",
        ),
        pytest.param(
            {"variables": {**VARIABLES, "HF_MODEL_ID": "ours/llama"}},
            "serves ours/llama: .*: use --model llama-by-hand=PATH to name its config.json",
            id="a model that is not in the table",
        ),
        pytest.param(
            {
                "variables": {**VARIABLES, "HF_MODEL_ID": "/opt/ml/model"},
                "container": {
                    "ModelDataSource": {
                        "S3DataSource": {
                            "S3Uri": "s3://models/llama/",
                            "S3DataType": "S3Prefix",
                            "CompressionType": "None",
                        }
                    }
                },
            },
            "serves weights from s3://models/llama/, and AWS does not state the model: "
            "name it with --model llama-by-hand=MODEL",
            id="weights in S3",
        ),
        pytest.param(
            {"container": {"ModelDataUrl": "s3://models/llama.tar.gz"}},
            "reads s3://models/llama.tar.gz as an archive or a single object, but a component needs uncompressed",
            id="an archive",
        ),
    ],
)
def test_a_container_that_no_component_describes_is_refused_with_a_way(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(OperationError, match=f"^component llama-by-hand .*{message}"):
        entry(endpoint(component(**changed)))


def test_the_model_of_weights_in_s3_is_named_by_an_option() -> None:
    source = {"S3Uri": "s3://models/llama/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    live = endpoint(
        component(
            variables={**VARIABLES, "HF_MODEL_ID": "/opt/ml/model"},
            container={"ModelDataSource": {"S3DataSource": source}},
        )
    )

    (part,) = deployment(live, models={"llama-by-hand": "llama-2-13b"}).components

    assert (part.model, part.weights) == ("NousResearch/Llama-2-13b-chat-hf", "s3://models/llama/")


def test_all_faults_are_told_at_once() -> None:
    first = component("first", container={"Image": "ours:1"})
    second = component("second", variables={**VARIABLES, "HF_MODEL_ID": "ours/llama"})
    message = r"(?s)--model third: no component of this name is taken over.*component first.*component sec"

    with pytest.raises(OperationError, match=message):
        entry(endpoint(first, second), models={"third": "llama-2-13b"})
