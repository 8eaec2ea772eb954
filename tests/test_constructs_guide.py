"""docs/constructs.md: every program is typed, synthesises, and makes what the page says."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mypy import api

from scripts.guide import programs
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "constructs.md").read_text()
PROGRAMS = programs()

Template = dict[str, Any]


def templates(folder: Path) -> Iterator[Template]:
    for path in sorted(folder.rglob("*.template.json")):
        yield json.loads(path.read_bytes())


def run(name: str) -> list[Template]:
    """Templates of a program of the page. Functions that are tests are called."""
    namespace: dict[str, Any] = {"__name__": name}
    exec(compile(PROGRAMS[name], f"{name}.py", "exec"), namespace)  # noqa: S102 (our own page)
    for key, value in namespace.items():
        if key.startswith("test_"):
            value()
    return list(templates(Path(namespace["app"].outdir))) if "app" in namespace else []


def kinds(template: Template) -> Counter[str]:
    return Counter(body["Type"].removeprefix("AWS::") for body in template["Resources"].values())


def of_kind(template: Template, kind: str) -> list[Template]:
    return [body["Properties"] for body in template["Resources"].values() if body["Type"] == f"AWS::{kind}"]


@pytest.fixture
def template(request: pytest.FixtureRequest) -> Template:
    """The one template of a program."""
    (found,) = run(request.param)
    return found


def test_every_program_of_the_page_has_a_name() -> None:
    assert PAGE.count("```python") == len(PROGRAMS) == 9


def test_every_program_of_the_page_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    files = [tmp_path / f"{name}_program.py" for name in PROGRAMS]
    for file, program in zip(files, PROGRAMS.values(), strict=True):
        file.write_text(program)

    out, err, code = api.run(["--config-file", str(ROOT / "pyproject.toml"), "--strict", *map(str, files)])

    assert code == 0, f"{out}{err}"


def test_the_first_endpoint_takes_at_most_fifteen_lines() -> None:
    assert len([line for line in PROGRAMS["first"].splitlines() if line]) <= 15


@pytest.mark.parametrize("template", ["first"], indirect=True)
def test_the_first_endpoint(template: Template) -> None:
    (component,) = of_kind(template, "SageMaker::InferenceComponent")
    assert component["RuntimeConfig"] == {"CopyCount": 4}
    assert list(template["Outputs"]) == ["EndpointName"]


@pytest.mark.parametrize("template", ["network"], indirect=True)
def test_a_vpc_and_a_key(template: Template) -> None:
    (model,) = of_kind(template, "SageMaker::Model")
    assert len(model["VpcConfig"]["Subnets"]) == 2
    (configuration,) = of_kind(template, "SageMaker::EndpointConfig")
    assert {"Key": "team", "Value": "search"} in configuration["Tags"]
    (group,) = [group for group in of_kind(template, "EC2::SecurityGroup") if "SecurityGroupEgress" in group]
    assert [(rule["CidrIp"], rule["FromPort"]) for rule in group["SecurityGroupEgress"]] == [("0.0.0.0/0", 443)]
    (key,) = [key for key, body in template["Resources"].items() if body["Type"] == "AWS::KMS::Key"]
    (decrypt,) = [
        statement
        for role in of_kind(template, "IAM::Role")
        for policy in role.get("Policies", ())
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "kms:Decrypt"
    ]
    assert decrypt["Resource"] == {"Fn::GetAtt": [key, "Arn"]}


@pytest.mark.parametrize("template", ["weights"], indirect=True)
def test_weights_in_a_bucket_of_the_app(template: Template) -> None:
    assert kinds(template)["SageMaker::InferenceComponent"] == 3
    text = json.dumps(template)
    for prefix in ("qwen3-8b/", "adapters/sql/", "adapters/law/"):
        assert f"/{prefix}*" in text
    (role,) = of_kind(template, "IAM::Role")
    actions = [statement["Action"] for statement in role["Policies"][0]["PolicyDocument"]["Statement"]]
    assert "kms:Decrypt" in actions


@pytest.mark.parametrize("template", ["scaling"], indirect=True)
def test_scaling(template: Template) -> None:
    (target,) = of_kind(template, "ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["ScheduledActions"][0]["Schedule"] == "cron(0 8 ? * MON-FRI *)"
    assert kinds(template)["ApplicationAutoScaling::ScalingPolicy"] == 2


@pytest.mark.parametrize("template", ["alarms"], indirect=True)
def test_alarms_to_a_topic(template: Template) -> None:
    alarms = {alarm["MetricName"]: alarm for alarm in of_kind(template, "CloudWatch::Alarm")}
    assert alarms["ModelLatency"]["Threshold"] == 20_000_000
    assert alarms["ModelLatency"]["EvaluationPeriods"] == 5
    assert alarms["GPUReservation"]["Threshold"] == 95
    topic = [{"Ref": key} for key, body in template["Resources"].items() if body["Type"] == "AWS::SNS::Topic"]
    for name in ("Invocation5XXErrors", "ModelLatency"):
        for state in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            assert alarms[name][state] == topic
    assert "Slowest" in json.dumps(of_kind(template, "CloudWatch::Dashboard"))


@pytest.mark.parametrize("template", ["grants"], indirect=True)
def test_grants_to_a_function(template: Template) -> None:
    text = json.dumps(of_kind(template, "IAM::Policy"))
    assert "sagemaker:InvokeEndpointWithResponseStream" in text
    assert "arn:aws:sagemaker:us-west-2:123456789012:endpoint/search" in text
    (method,) = of_kind(template, "ApiGateway::Method")
    assert list(method["Integration"]["RequestParameters"]) == [
        "integration.request.header.X-Amzn-SageMaker-Inference-Component"
    ]


def test_several_regions() -> None:
    found = run("regions")

    assert [kinds(template)["SageMaker::Endpoint"] for template in found] == [1, 1]
    assert list(found[0]["Resources"]) == list(found[1]["Resources"])


def test_stages_and_pipelines() -> None:
    found = run("pipeline")

    assert sum(kinds(template)["SageMaker::Endpoint"] for template in found) == 2
    assert sum(kinds(template)["CodePipeline::Pipeline"] for template in found) == 1


def test_tests_of_an_app() -> None:
    assert len(re.findall(r"^def test_", PROGRAMS["tests"], re.MULTILINE)) == 3
    run("tests")
