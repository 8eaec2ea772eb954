"""References that a plan leaves to the props of a construct, without any construct."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from replicas import FROM_PROPS, Adapter, Component, Deployment, EndpointPlan, Rollout, Security, SizingError, Vpc, plan
from replicas.planning.provided import Place, Provided, ProvidedComponent, unprovided, with_provided

TOKEN = "${Token[TOKEN.48]}"  # noqa: S105 (a reference of the CDK)
NUMBER = -1.8881545897087788e289
"""What `CfnParameter.value_as_number` returns (aws-cdk-lib 2.275)."""
GATED = "meta-llama/Llama-3.1-8B-Instruct"


def planned(
    *, instance_type: str = "ml.g6e.12xlarge", security: Security | None = None, **changes: Any
) -> EndpointPlan:
    component = Component(**{"name": "a", "model": "Qwen/Qwen3-8B", "copies": 1, **changes})
    security = security or Security()
    return plan(Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=[component], security=security))


def problems(plan: EndpointPlan, of_endpoint: dict[str, Any] | None = None, **component: Any) -> list[str]:
    given = {"a": ProvidedComponent(**component)} if component else {}
    return with_provided(plan, Provided(components=given, **(of_endpoint or {})))[1]


def test_weights_from_props_are_planned_as_weights_in_s3() -> None:
    from_props, literal = planned(weights=FROM_PROPS), planned(weights="s3://models/qwen/")

    (expected,) = literal.components
    assert replace(from_props.components[0], weights="s3://models/qwen/", engine=expected.engine) == expected


def test_a_gated_model_is_planned_with_a_secret_from_props() -> None:
    assert planned(model=GATED, token_secret=FROM_PROPS).components
    with pytest.raises(SizingError, match="is gated"):
        planned(model=GATED)


def test_references_take_the_place_of_what_the_plan_leaves_open() -> None:
    plan_ = planned(weights=FROM_PROPS, adapters=[Adapter(name="sql", weights=FROM_PROPS, rank=16)], engine="vllm")
    given = ProvidedComponent(
        weights=Place(f"s3://{TOKEN}/qwen/", None),
        adapters={"sql": Place(f"s3://{TOKEN}/sql/", "210987654321")},
        environment={"TABLE": TOKEN},
    )
    vpc = Vpc(subnets=[TOKEN], security_groups=[TOKEN])

    bound, faults = with_provided(plan_, Provided(components={"a": given}, vpc=vpc, tags={"team": TOKEN}))

    (component,) = bound.components
    assert faults == []
    assert component.weights == f"s3://{TOKEN}/qwen/"
    assert [(adapter.weights, adapter.weights_account) for adapter in component.adapters] == [
        (f"s3://{TOKEN}/sql/", "210987654321")
    ]
    assert component.environment == {**plan_.components[0].environment, "TABLE": TOKEN}
    assert (bound.security.vpc, bound.security.tags) == (vpc, {"team": TOKEN})


def test_every_open_reference_is_missed_at_once() -> None:
    adapters = [Adapter(name="sql", weights=FROM_PROPS, rank=16)]

    weights, adapter = unprovided(planned(weights=FROM_PROPS, adapters=adapters, engine="vllm"))
    (secret,) = unprovided(planned(model=GATED, token_secret=FROM_PROPS))

    assert weights == "components['a']: the plan has weights=FROM_PROPS, but weights= is missing"
    assert "the adapter 'sql' has weights=FROM_PROPS, but adapters={'sql': ...} is missing" in adapter
    assert "the plan has token_secret=FROM_PROPS, but token_secret= is missing" in secret


PLACE = Place("s3://bucket/prefix/", None)
SECRET = {"token_secret": "name"}


@pytest.mark.parametrize(
    ("plan_with", "given", "sentence"),
    [
        (
            {},
            {"weights": PLACE},
            r"weights= is in S3, but the plan loads the weights " r"from the Hub: set weights=FROM_PROPS",
        ),
        (
            {"weights": "s3://b/x/"},
            {"weights": PLACE},
            r"weights=: the plan already names " r"s3://b/x/: set weights=FROM_PROPS",
        ),
        ({"weights": "s3://b/x/"}, SECRET, r"token_secret= is not needed, because the weights come from S3"),
        ({"token_secret": "mine"}, SECRET, r"token_secret=: the plan already names 'mine'"),
        (
            {},
            {"adapters": {"sql": PLACE}},
            r"adapters\['sql'\]: the plan has no adapter of " r"this name; its adapters: none",
        ),
        (
            {"engine": "vllm", "adapters": [Adapter(name="sql", weights="s3://b/x/", rank=8)]},
            {"adapters": {"sql": PLACE}},
            r"adapters\['sql'\]: the plan already names s3://b/x/: set weights=FROM_PROPS in its Adapter",
        ),
    ],
)
def test_a_reference_that_the_plan_does_not_count_on_is_refused(
    plan_with: dict[str, Any], given: dict[str, Any], sentence: str
) -> None:
    (problem,) = problems(planned(**plan_with), **given)

    assert problem.startswith("components['a']: ")
    assert re.search(sentence, problem)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("SM_VLLM_MODEL", TOKEN, r"contradicts the plan, which sets 'Qwen/Qwen3-8B'"),
        ("SM_VLLM_MODEL", "Qwen/Qwen3-32B", r"contradicts the plan"),
        ("SM_VLLM_MAX_MODEL_LEN", TOKEN, r"contradicts the plan"),
        ("SM_VLLM_DTYPE", TOKEN, r"may change the memory of a copy, .*to a literal in environment="),
        ("SM_VLLM_DTYPE", "float32", r"may change the memory of a copy, .*environment= of the Component"),
        ("SM_VLLM_QUANTIZATION", TOKEN, r": an option sets this variable: use quantization= instead"),
        ("SM_VLLM_A_FLAG_OF_TOMORROW", TOKEN, r"may change the memory of a copy"),
        ("HF_HUB_OFFLINE", TOKEN, r"decides whether a copy starts, but a CDK token hides the value: use a literal"),
        ("HF_HUB_OFFLINE", "1", r"HF_HUB_OFFLINE"),
        ("HF_TOKEN", TOKEN, r"would put a token into the template: store it in a secret and set token_secret="),
        ("DB_PASSWORD", "swordfish", r"would put a secret into the template"),
        ("a-b", TOKEN, r"a name may contain letters, digits and underscores"),
    ],
)
def test_a_variable_that_the_proof_depends_on_is_refused_by_its_name(key: str, value: str, sentence: str) -> None:
    found = problems(planned(engine="vllm"), environment={key: value})

    assert found
    assert all(key in problem for problem in found)
    assert any(re.search(sentence, problem) for problem in found)


@pytest.mark.parametrize(
    "environment",
    [
        {"TABLE": TOKEN},
        {"LOG_LEVEL": "debug"},
        {"DB_PASSWORD": TOKEN},
        {"HF_HUB_OFFLINE": "0"},
        {"SM_VLLM_MAX_NUM_SEQS": "256"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_a_variable_that_changes_nothing_of_the_proof_is_taken(environment: dict[str, str]) -> None:
    """`DB_PASSWORD` with a token is a dynamic reference to a secret; 256 is what the plan sets by itself."""
    assert problems(planned(engine="vllm"), environment=environment) == []


VPC = Vpc(subnets=["subnet-0123456789abcdef0"], security_groups=["sg-0123456789abcdef0"])
EXISTING = "arn:aws:iam::123456789012:role/serving"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
KEY = "arn:aws:kms:us-west-2:123456789012:key/0123"


@pytest.mark.parametrize(
    ("security", "given", "sentence"),
    [
        ({"vpc": VPC}, {"vpc": VPC}, "vpc= and security.vpc of the plan are both given"),
        ({"permissions_boundary": BOUNDARY}, {"has_boundary": True}, "permissions_boundary= and security.permissions"),
        (
            {"permissions_boundary": BOUNDARY},
            {"has_role": True},
            "a permissions boundary applies to a role that the construct creates",
        ),
        (
            {"execution_role": EXISTING},
            {"has_role": True},
            "role= and security.execution_role of the plan",
        ),
        (
            {"execution_role": EXISTING},
            {"has_boundary": True},
            "a permissions boundary applies to a role that the construct creates",
        ),
        ({}, {"encryption_key": KEY}, "encryption_key=: ml.g6e.12xlarge has local NVMe storage, which is encrypted"),
        ({}, {"reads_with_key": True}, "weights_key= decrypts nothing, because no weights are in S3"),
        ({}, {"notifies": True}, "alarm_actions= has no alarms: set monitoring=Monitoring(alarms=Alarms())"),
        ({"tags": {"team": "x"}}, {"tags": {"team": "y"}}, "tags['team']='y' contradicts security.tags['team']='x'"),
        ({}, {"tags": {"aws:x": "y"}}, "tags['aws:x']: AWS reserves names that begin with aws:, so rename it"),
        (
            {},
            {"components": {"b": ProvidedComponent()}},
            "components['b']: the plan has no component of this name; its components: a",
        ),
    ],
)
def test_what_contradicts_the_plan_is_refused(security: dict[str, Any], given: dict[str, Any], sentence: str) -> None:
    _, found = with_provided(planned(security=Security(**security)), Provided(**given))

    assert len(found) == 1
    assert found[0].startswith(sentence)


def test_actions_of_alarms_need_alarms_or_a_roll_that_watches_them() -> None:
    rolls = planned(copies=2, rollout=Rollout())
    does_not_roll_back = planned(copies=2, rollout=Rollout(roll_back=False))

    assert with_provided(rolls, Provided(notifies=True))[1] == []
    assert with_provided(does_not_roll_back, Provided(notifies=True))[1] != []


def test_all_faults_are_reported_at_once() -> None:
    given = ProvidedComponent(weights=PLACE, environment={"HF_TOKEN": TOKEN, "SM_VLLM_DTYPE": TOKEN})

    _, found = with_provided(planned(), Provided(components={"a": given}, encryption_key=KEY, notifies=True))

    assert len(found) == 5


@pytest.mark.parametrize(
    ("component", "security", "sentence"),
    [
        ({"copies": NUMBER}, {}, r"copies=a number: the value is a CDK token.*a literal"),
        ({"cpus": NUMBER}, {}, r"cpus=a number: the value is a CDK token.*a literal"),
        (
            {"weights": f"s3://{TOKEN}/x/"},
            {},
            r"weights=.*: set weights=FROM_PROPS here, and pass weights= of ComponentOptions",
        ),
        ({"token_secret": TOKEN}, {}, r"token_secret=FROM_PROPS here, and pass token_secret= of ComponentOptions"),
        (
            {"adapters": [Adapter(name="sql", weights=f"s3://{TOKEN}/x/", rank=8)]},
            {},
            r"weights=FROM_PROPS here, and pass adapters= of ComponentOptions",
        ),
        ({"environment": {"HF_HUB_OFFLINE": TOKEN}}, {}, r"HF_HUB_OFFLINE.*a CDK token hides the value: use a literal"),
        ({}, {"kms_key": TOKEN}, r"security\.kms_key=.*: pass encryption_key= to MultiReplicaEndpoint"),
        ({}, {"weights_kms_key": TOKEN}, r"weights_key= to MultiReplicaEndpoint"),
        ({}, {"permissions_boundary": TOKEN}, r"permissions_boundary= to MultiReplicaEndpoint"),
        ({}, {"vpc": Vpc(subnets=[TOKEN], security_groups=[TOKEN])}, r"vpc= and vpc_subnets=(.|\n)*security_groups="),
    ],
)
def test_a_token_in_a_deployment_is_refused_with_the_prop_that_takes_it(
    component: dict[str, Any], security: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SizingError, match=sentence):
        planned(security=Security(**security), **component)


def test_a_region_that_is_a_token_is_left_to_the_stack() -> None:
    deployment = Deployment(
        name="chat", instance_type="ml.g6e.12xlarge", region=TOKEN, components=[Component(model="Qwen/Qwen3-8B")]
    )

    with pytest.raises(SizingError, match=r"region=.*remove region= to use the value of the stack"):
        plan(deployment)
