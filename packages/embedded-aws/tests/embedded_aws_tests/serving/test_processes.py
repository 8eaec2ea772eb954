"""A command as the serving engine: one process for each copy, which starts, answers, logs and ends with the copy."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from embedded_aws.serving.processes import ProcessEngine
from embedded_aws_tests.support import TRUST, component_by_hand, endpoint_by_hand, in_service
from replicas.errors import ServingError

SCRIPT = Path(__file__).with_name("small_engine.py")
COMMAND = f"{shlex.quote(sys.executable)} {shlex.quote(str(SCRIPT))} {{port}}"
IMAGE = "763104351884.dkr.ecr.us-west-2.amazonaws.com/echo:1"


def started(command: str) -> Iterator[EmbeddedAws]:
    boto3.DEFAULT_SESSION = None
    with EmbeddedAws(time_scale=20_000, engine=ProcessEngine(command)) as aws, pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(aws.url).items():
            patch.setenv(variable, value)
        role = boto3.client("iam").create_role(RoleName="echo", AssumeRolePolicyDocument=json.dumps(TRUST))
        endpoint_by_hand(boto3.client("sagemaker"), role["Role"]["Arn"], InstanceType="ml.g5.12xlarge")
        yield aws


@pytest.fixture
def aws() -> Iterator[EmbeddedAws]:
    yield from started(COMMAND)


@pytest.fixture
def broken() -> Iterator[EmbeddedAws]:
    yield from started(f"{COMMAND} end")


def deploy(copies: int = 1) -> Any:
    sagemaker = boto3.client("sagemaker")
    variables = {"MODEL": "small", "MARK": "!"}
    component_by_hand(sagemaker, "echo", copies, Container={"Image": IMAGE, "Environment": variables})
    return sagemaker


def ask(body: str) -> Any:
    runtime = boto3.client("sagemaker-runtime")
    return runtime.invoke_endpoint(EndpointName="e", InferenceComponentName="echo", Body=body)


def lines() -> list[str]:
    logs = boto3.client("logs")
    try:
        events = logs.filter_log_events(logGroupName="/aws/sagemaker/InferenceComponents/echo")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in events]


def until(holds: Callable[[], Any]) -> Any:
    """Wait for what happens in another process."""
    for _ in range(1_500):
        if value := holds():
            return value
        time.sleep(0.02)
    raise AssertionError("it does not happen")


def processes() -> list[int]:
    return [int(line.split()[1]) for line in lines() if line.startswith("process ")]


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_copy_is_a_process_that_answers_logs_and_ends_with_its_copy(aws: EmbeddedAws) -> None:
    sagemaker = deploy(copies=2)
    in_service(sagemaker, "echo")
    assert ask("hello")["Body"].read() == b"hello!", "the process has the variables of the container"
    with pytest.raises(ClientError) as refused:
        ask("refuse")
    assert refused.value.response["OriginalStatusCode"] == 400
    assert refused.value.response["OriginalMessage"] == '{"error": "no"}'
    both = until(lambda: processes() if len(processes()) == 2 else None)
    assert until(lambda: "/invocations: hello" in lines())
    sagemaker.update_inference_component_runtime_config(
        InferenceComponentName="echo", DesiredRuntimeConfig={"CopyCount": 1}
    )
    in_service(sagemaker, "echo")
    until(lambda: sorted(map(runs, both)) == [False, True])
    sagemaker.delete_inference_component(InferenceComponentName="echo")
    until(lambda: not any(map(runs, both)))


def test_a_stream_of_a_process_comes_as_an_event_stream(aws: EmbeddedAws) -> None:
    in_service(deploy(), "echo")
    runtime = boto3.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint_with_response_stream(
        EndpointName="e", InferenceComponentName="echo", Body=b"stream"
    )
    assert answer["ContentType"] == "text/event-stream"
    assert b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"]) == b"data: one\n\ndata: two\n\n"


def test_processes_end_with_the_embedded_aws() -> None:
    serving = started(COMMAND)
    next(serving)
    in_service(deploy(), "echo")
    (process,) = until(processes)
    next(serving, None)
    assert not runs(process)


def test_a_process_that_ends_fails_its_component_with_the_health_check(broken: EmbeddedAws) -> None:
    sagemaker = deploy()
    described = until(lambda: _failed(sagemaker))
    assert "did not pass the ping health check" in described["FailureReason"]
    assert until(lambda: "Error: the container ended with exit code 3" in lines())


def _failed(sagemaker: Any) -> Any:
    described = sagemaker.describe_inference_component(InferenceComponentName="echo")
    return described if described["InferenceComponentStatus"] == "Failed" else None


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        ("", "does not name a program"),
        ("/nowhere/vllm serve --port {port}", "does not name a program: give its path"),
        (f"{shlex.quote(sys.executable)} serve", "has no {port}: add it where the engine takes its port"),
        ("vllm 'serve", "cannot be split into words: No closing quotation"),
    ],
)
def test_a_command_that_cannot_serve_is_refused(command: str, refusal: str) -> None:
    with pytest.raises(ServingError) as refused:
        ProcessEngine(command)
    assert refusal in str(refused.value)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (["--engine", "a:B", "--engine-command", "x {port}"], "--engine and --engine-command exclude each other"),
        (["--engine-command", "/nowhere/vllm {port}"], "'/nowhere/vllm {port}' does not name a program: give its path"),
    ],
)
def test_the_command_line_refuses_it_before_anything_runs(
    options: list[str], refusal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = [sys.executable, "-m", "embedded_aws", "start", "--port=0", "--skip-bootstrap", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})
    assert done.returncode in (1, 2)
    assert refusal in " ".join(done.stderr.split())
