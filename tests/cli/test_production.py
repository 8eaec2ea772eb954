"""Commands against the example that uses every option: adapters, pools, scaling to zero, rolls, what goes with them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from replicas.aws.deployed import deployed_by, find_deployed
from replicas.aws.session import Aws
from replicas.benchmark.subject import find_subject
from replicas.deployment.file import load_catalogue
from replicas.errors import OperationError
from replicas.status.status import ComponentStatus, Probe, Scaling, Status, with_probes, with_problems
from tests.commands import Outcome, Run
from tests.conftest import ROOT
from tests.embedded import create_stack, settled, stage_manifests
from tests.teardown.test_teardown import everything

NAME = "production"
TYPE = "ml.g6e.12xlarge"


@pytest.fixture(scope="module")
def _production(running_aws: EmbeddedAws, production_assembly: Path) -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(running_aws.url).items():
            patch.setenv(variable, value)
        boto3.DEFAULT_SESSION = None
        (deployment,) = load_catalogue(ROOT / "docs" / "examples" / "production.py")
        stage_manifests(deployment, boto3.client("s3"))
        yield create_stack(production_assembly, NAME)
        boto3.client("cloudformation").delete_stack(StackName=NAME)
        settled(NAME)


@pytest.fixture
def production(embedded: EmbeddedAws, _production: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The outputs of the stack."""
    for module, pause in (("status.probe", 0.05), ("teardown.teardown", 0.02)):
        monkeypatch.setattr(f"replicas.{module}._FIRST_PAUSE_SECONDS", pause)
    monkeypatch.setattr("replicas.teardown.teardown._LONGEST_PAUSE_SECONDS", 0.1)
    return _production


def once(run: Run, holds: Callable[[Outcome], bool], *arguments: str) -> Outcome:
    """What a command says as soon as something holds: scaling and rolls take their time."""
    deadline = time.monotonic() + 180
    while not holds(outcome := run(*arguments)):
        assert time.monotonic() < deadline, outcome.said
        time.sleep(0.05)
    return outcome


def described(name: str) -> dict[str, Any]:
    found: dict[str, Any] = boto3.client("sagemaker").describe_inference_component(InferenceComponentName=name)
    return found


def specifications(name: str, **changes: Any) -> list[dict[str, Any]]:
    """The live specifications of a component as an update takes them, with changes to each."""
    return [
        {**{key: value for key, value in one.items() if key != "Container"}, **changes}
        for one in described(name)["Specifications"]
    ]


def rolled(name: str, found: list[dict[str, Any]], **more: Any) -> None:
    boto3.client("sagemaker").update_inference_component(InferenceComponentName=name, Specifications=found, **more)
    while described(name)["InferenceComponentStatus"] != "InService":
        time.sleep(0.02)


def test_a_fresh_deployment_is_as_its_template_asks_for_while_one_component_sleeps(
    run: Run, production: dict[str, str]
) -> None:
    settles = "as in the template"
    outcome = once(run, lambda seen: "asleep" in seen.out and seen.out.rstrip().endswith(settles), "status", NAME)
    assert outcome.code == 0, outcome.out
    lines = outcome.out.splitlines()
    chat, adapter = next(index for index, line in enumerate(lines) if line.startswith("chat ")), "  + sql"
    assert f"2 of 2 (2 on {TYPE})" in lines[chat]
    assert "s3://123456789012-models/llama-3.1-8b-instruct/" in lines[chat]
    assert lines[chat + 1].startswith(adapter)
    assert "of chat" in lines[chat + 1]
    assert "chat: office at cron(0 8 ? * MON-FRI *) Europe/Berlin: 3 to 5 copies" in outcome.said
    assert f"1 x {TYPE} (pools: {TYPE}, then ml.g6e.24xlarge), scaling 0 to 2: 13.12 USD an hour" in outcome.said

    document = run("status", NAME, "--json").json
    assert [(part["label"], part["base"]) for part in document["components"]] == [
        ("chat", None),
        ("sql", "chat"),
        ("code", None),
    ]
    assert document["drift"] == []


def test_a_specification_of_one_type_that_was_changed_by_hand_is_a_silent_rollback_for_all_we_know(
    run: Run, production: dict[str, str]
) -> None:
    name = production["InferenceComponentNameChat"]
    before = specifications(name)
    changed = specifications(name)
    changed[1]["ComputeResourceRequirements"] = {
        **changed[1]["ComputeResourceRequirements"],
        "MinMemoryRequiredInMb": 512,
    }
    rolled(name, changed)
    outcome = run("status", NAME)
    rolled(name, before)
    assert outcome.code == 1
    assert "component chat: the running version differs from the template, after a silent rollback" in outcome.said
    assert (
        "Specifications[1].ComputeResourceRequirements.MinMemoryRequiredInMb is 512, the template has" in outcome.said
    )
    assert run("status", NAME).code == 0


def test_an_adapter_with_other_weights_is_drift(run: Run, production: dict[str, str]) -> None:
    sagemaker, name = boto3.client("sagemaker"), production["AdapterNameChatSql"]
    specification = described(name)["Specification"]
    for url, code in (("s3://elsewhere/sql/", 1), (specification["Container"]["ArtifactUrl"], 0)):
        sagemaker.update_inference_component(
            InferenceComponentName=name, Specification={**specification, "Container": {"ArtifactUrl": url}}
        )
        while described(name)["InferenceComponentStatus"] != "InService":
            time.sleep(0.02)
        outcome = run("status", NAME)
        assert outcome.code == code, outcome.said
        assert ("adapter sql: the running version differs from the template" in outcome.said) == bool(code)


def test_a_roll_that_went_back_says_how_it_rolled_and_why_it_failed(
    run: Run, production: dict[str, str], embedded: EmbeddedAws
) -> None:
    name = production["InferenceComponentNameChat"]
    alarm = next(alarm["AlarmName"] for alarm in boto3.client("cloudwatch").describe_alarms()["MetricAlarms"])
    policy = {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "COPY_COUNT", "Value": 1},
            "WaitIntervalInSeconds": 120,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    embedded.faults.add(Fault(FaultKind.COPY_NEVER_STARTS, name))
    rolled(
        name,
        specifications(name, StartupParameters={"ContainerStartupHealthCheckTimeoutInSeconds": 60}),
        DeploymentConfig=policy,
    )
    embedded.faults.clear()
    outcome = run("status", NAME)
    assert outcome.code == 1
    assert "component chat serves, but its last update failed and was rolled back: The container" in outcome.said
    assert (
        "chat: last rolling update 1 at a time, each watched for 120 s, rolled back if one of 1 alarms "
        "is in state ALARM" in outcome.said
    )
    assert "the container ended with exit code 1" in outcome.said

    rolled(name, specifications(name), DeploymentConfig=policy)
    assert run("status", NAME).code == 0


def test_a_model_that_is_gone_under_its_component_is_named(run: Run, production: dict[str, str]) -> None:
    sagemaker = boto3.client("sagemaker")
    (one, _) = described(production["InferenceComponentNameCode"])["Specifications"]
    model = sagemaker.describe_model(ModelName=one["ModelName"])
    sagemaker.delete_model(ModelName=one["ModelName"])
    outcome = run("status", NAME)
    chat = run("chat", NAME, "hello", "--component", "code")
    sagemaker.create_model(
        **{key: model[key] for key in model if key not in ("CreationTime", "ModelArn", "ResponseMetadata")}
    )
    assert outcome.code == 1
    assert f"Model {one['ModelName']} no longer exists" in outcome.said
    assert chat.code == 1
    assert "Could not find model" in chat.err


# ---- adapters


@pytest.mark.parametrize("wanted", ["sql", "chat-sql", "AdapterNameChatSql"])
def test_an_adapter_is_asked_as_its_base_is_and_by_its_own_name(
    run: Run, production: dict[str, str], wanted: str
) -> None:
    name = production["AdapterNameChatSql"]
    outcome = run("chat", NAME, "hello", "--component", production.get(wanted, wanted), "--json")
    assert outcome.code == 0, outcome.said
    assert outcome.json["component"] == name
    assert outcome.json["output_tokens"] > 0
    counted = boto3.client("cloudwatch").list_metrics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": "InferenceComponentName", "Value": name}],
    )
    assert counted["Metrics"], "the adapter's requests are its own"


def test_a_benchmark_of_an_adapter_knows_the_copies_of_its_base(production: dict[str, str]) -> None:
    aws = Aws("us-west-2")
    deployed = find_deployed(aws, NAME)
    adapter, base = (find_subject(aws, deployed, deployed.component(name)) for name in ("sql", "chat"))
    assert adapter.component == production["AdapterNameChatSql"]
    assert (adapter.copies, adapter.instance_type, adapter.instances) == (2, TYPE, 1)
    assert replace(adapter, component=base.component) == base


def test_of_several_components_one_is_chosen_and_adapters_are_offered(run: Run, production: dict[str, str]) -> None:
    outcome = run("chat", NAME, "hello")
    assert (outcome.code, "choose one with --component (chat, code, sql)" in outcome.said) == (1, True)


@pytest.mark.parametrize(
    ("keys", "labels"),
    [
        (["InferenceComponentName", "AdapterNameSql"], {"sql"}),
        (["InferenceComponentNameChat", "AdapterNameChatSql"], {"sql", "chat-sql"}),
        (["InferenceComponentName", "InferenceComponentNameChat", "AdapterNameChatSql"], {"sql", "chat-sql"}),
        (["InferenceComponentName", "InferenceComponentNameChat", "AdapterNameChatsql"], {"chatsql"}),
        (["InferenceComponentNameChat", "InferenceComponentNameChatLong", "AdapterNameChatLongSql"], {"sql"}),
    ],
)
def test_an_adapter_is_found_by_its_own_name_whatever_its_base_is_called(keys: list[str], labels: set[str]) -> None:
    outputs = [{"OutputKey": key, "OutputValue": f"name-of-{key}"} for key in [*keys, "EndpointName"]]
    stack = {"StackId": "id", "StackStatus": "CREATE_COMPLETE", "Outputs": outputs}
    deployed = deployed_by(Aws("us-west-2"), "d", stack)
    for label in labels:
        assert deployed.component(label).name == f"name-of-{keys[-1]}"
    with pytest.raises(OperationError, match="no component 'nobody'"):
        deployed.component("nobody")


# ---- probes


def test_a_probe_asks_everything_but_what_sleeps(run: Run, production: dict[str, str]) -> None:
    once(run, lambda outcome: "asleep" in outcome.out, "status", NAME)
    outcome = run("status", NAME, "--probe", "--json")
    assert outcome.code == 0, outcome.said
    found = {probe["label"]: (probe["answered"], probe["asleep"]) for probe in outcome.json["probes"]}
    assert found == {"chat": (True, False), "sql": (True, False), "code": (False, True)}
    assert described(production["InferenceComponentNameCode"])["RuntimeConfig"]["DesiredCopyCount"] == 0
    assert (
        "probe of code: not probed: it has zero copies, and a request would start one"
        in run("status", NAME, "--probe").said
    )


def test_what_is_in_service_and_does_not_answer_is_a_problem(
    run: Run, production: dict[str, str], embedded: EmbeddedAws
) -> None:
    embedded.faults.add(Fault(FaultKind.MODEL_ERROR, production["InferenceComponentNameChat"]))
    outcome = run("status", NAME, "--probe")
    assert outcome.code == 1
    assert "problem: chat does not answer: the model's container refused the request" in outcome.said
    assert "problem: sql does not answer: its base component does not answer" in outcome.said


def test_what_is_not_ready_is_waited_for_visibly_and_not_for_ever(
    run: Run, production: dict[str, str], embedded: EmbeddedAws
) -> None:
    embedded.faults.add(Fault(FaultKind.NOT_READY, production["InferenceComponentNameChat"], times=2))
    patient = run("status", NAME, "--probe", "--wait", "180")
    assert patient.code == 0, patient.said
    assert "chat: the model is not ready yet: waiting, " in patient.err
    embedded.faults.add(Fault(FaultKind.NOT_READY, production["InferenceComponentNameChat"]))
    impatient = run("status", NAME, "--probe", "--wait", "0.2")
    assert impatient.code == 1
    assert "chat does not answer: the model is not ready yet; wait longer with --wait" in impatient.said


# ---- judgements


@pytest.mark.parametrize(
    ("scaling", "problem"),
    [
        (Scaling(0, 2, (), None), None),
        (Scaling(1, 2, (), None), "no scaling allows 0 copies"),
        (None, "no scaling allows 0 copies"),
    ],
)
def test_zero_copies_are_no_fault_exactly_where_the_floor_is_zero(scaling: Scaling | None, problem: str | None) -> None:
    asleep = ComponentStatus(
        label="code",
        name="code",
        status="InService",
        desired=0,
        running=0,
        model=None,
        image=None,
        placement=None,
        failure=None,
        log_lines=(),
        scaling=scaling,
    )
    found = with_problems(Status("d", "us-west-2", None, "e", "InService", components=(asleep,)), []).problems
    assert [problem in sentence for sentence in found] == ([True] if problem else [])


def test_a_probe_that_was_answered_is_no_problem() -> None:
    status = Status("d", "us-west-2", None, "e", "InService")
    probes = [Probe("a", True, 0.1, None), Probe("b", False, 0, "it sleeps", asleep=True), Probe("c", False, 1, "why")]
    assert with_probes(status, probes).problems == ("c does not answer: why",)


# ---- the end


def test_a_teardown_takes_everything_that_came_with_it(run: Run, production: dict[str, str]) -> None:
    """The last test of this file: what is deployed for all of them is gone afterwards."""
    cloudwatch = boto3.client("cloudwatch")
    shown = run("teardown", NAME, "--dry-run", "--json").json["things"]
    kinds = [thing["kind"] for thing in shown]
    assert kinds.count("adapter component") == 1
    assert kinds.count("inference component") == kinds.count("log group") == kinds.count("scalable target") == 2
    assert (kinds.count("scaling policy"), kinds.count("dashboard"), kinds.count("model")) == (3, 1, 4)
    alarms = [thing["name"] for thing in shown if thing["kind"] == "alarm"]
    components = {thing["name"] for thing in shown if thing["kind"] == "inference component"}
    watching = {
        alarm["AlarmName"]
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if components & {dimension["Value"] for dimension in alarm.get("Dimensions", ())}
    }
    assert watching == set(alarms)
    assert sum(name.startswith("TargetTracking-") for name in alarms) == 4

    torn = run("teardown", NAME, "--yes")
    assert torn.code == 0, torn.said
    left = json.dumps({kind: sorted(names) for kind, names in everything().items()})
    for thing in shown:
        assert thing["name"] not in left, thing
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    assert settled(NAME) == {}
