"""Serve a model with the real engine in the embedded AWS, and compare its answers with the answers of the stand-in.

The model is a two-layer Llama with random weights. The requests of `conversations`, `replicas chat` and a short
`replicas benchmark` go through SageMaker Runtime, as on AWS. Adapters are loaded directly at the engine.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx2
from botocore.exceptions import ClientError

from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from embedded_aws.serving.processes import ProcessEngine
from replicas.engines import find_engine
from scripts.oracle import answers
from scripts.oracle.asking import ROOT
from scripts.oracle.comparing import Answer, differences
from scripts.oracle.conversations import BY_VERSION, CONTEXT, MODEL, NOT_SIMULATED, conversations

ENGINE = "vllm"
_TARGET = {"EndpointName": "oracle", "InferenceComponentName": MODEL}
_STARTED_WITHIN_SECONDS = 600.0
_LOG_GROUP = f"/aws/sagemaker/InferenceComponents/{MODEL}"


def compare(python: Path) -> str:
    """Serve the tiny model, and print the differences between the engine and the stand-in.

    Raises:
        SystemExit: an answer differs, or a command fails.

    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([python, "-m", "scripts.oracle.engine.tiny", folder], cwd=ROOT, check=True, capture_output=True)
        with served(python, folder):
            problems = list(_answers(python))
            problems += _adapters(folder / "adapter")
            for command in _COMMANDS:
                problems += _command(command)
    if problems:
        raise SystemExit("\n".join(problems))
    compared = len(list(conversations())) - len({*BY_VERSION, *NOT_SIMULATED})
    return f"the engine and the stand-in answer {compared} requests alike; adapters, a chat and a benchmark work"


@contextmanager
def served(python: Path, folder: Path) -> Iterator[None]:
    """Deploy the model on an embedded AWS. The environment of this process points to it inside the context."""
    command = shlex.join([str(python.absolute()), "-m", "scripts.oracle.engine.container", "--port", "{port}"])
    with EmbeddedAws(time_scale=600, engine=ProcessEngine(command)) as aws:
        os.environ |= {**client_environment(aws.url), "PYTHONPATH": str(ROOT)}
        sagemaker = boto3.client("sagemaker")
        _deploy(sagemaker, _variables(folder / "model"))
        _await_component(sagemaker)
        yield


def _variables(model: Path) -> dict[str, str]:
    return {
        "SM_VLLM_MODEL": str(model),
        "SM_VLLM_SERVED_MODEL_NAME": MODEL,
        "SM_VLLM_MAX_MODEL_LEN": str(CONTEXT),
        "SM_VLLM_MAX_NUM_SEQS": "16",
        "SM_VLLM_MAX_NUM_BATCHED_TOKENS": str(CONTEXT),
        "SM_VLLM_ENFORCE_EAGER": "true",
        "SM_VLLM_ENABLE_LORA": "true",
        "SM_VLLM_MAX_LORAS": "1",
        "SM_VLLM_MAX_LORA_RANK": "8",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "HF_HUB_OFFLINE": "1",
    }


def _deploy(sagemaker: Any, variables: Mapping[str, str]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = boto3.client("iam").create_role(RoleName="oracle", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InstanceType": "ml.g5.2xlarge"}
    sagemaker.create_endpoint_config(EndpointConfigName="oracle", ExecutionRoleArn=role, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="oracle", EndpointConfigName="oracle")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="oracle", WaiterConfig={"Delay": 1})
    image = find_engine(ENGINE).image
    assert image  # noqa: S101 (the default version has one)
    host = f"763104351884.dkr.ecr.{os.environ['AWS_REGION']}.amazonaws.com"
    sagemaker.create_inference_component(
        InferenceComponentName=MODEL,
        EndpointName="oracle",
        VariantName="AllTraffic",
        Specification={
            "Container": {"Image": f"{host}/{image.repository}:{image.tag}", "Environment": dict(variables)},
            "ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024},
        },
        RuntimeConfig={"CopyCount": 1},
    )


def _await_component(sagemaker: Any) -> None:
    end = time.monotonic() + _STARTED_WITHIN_SECONDS
    while (status := sagemaker.describe_inference_component(InferenceComponentName=MODEL)) and time.monotonic() < end:
        if status["InferenceComponentStatus"] != "Creating":
            break
        time.sleep(0.5)
    if status["InferenceComponentStatus"] != "InService":
        events = boto3.client("logs").filter_log_events(logGroupName=_LOG_GROUP)["events"]
        lines = "\n".join(event["message"] for event in events[-20:])
        raise SystemExit(f"the engine does not start: {status.get('FailureReason', status)}\n{lines}")


def _answers(python: Path) -> Iterator[str]:
    """Write the engine's answers, and yield how the answers of the stand-in differ."""
    real = {conversation.name: _real(conversation.body) for conversation in conversations()}
    engine = subprocess.run(
        [python, "-c", "from importlib.metadata import version; print('vllm-cpu', version('vllm-cpu'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    answers.write(engine.stdout.strip(), real)
    for conversation in conversations():
        if conversation.name not in {*BY_VERSION, *NOT_SIMULATED}:
            for difference in differences(real[conversation.name], answers.of_stand_in(conversation.body)):
                yield f"{conversation.name}: {difference}"


def _real(body: bytes) -> Answer:
    runtime = boto3.client("sagemaker-runtime")
    try:
        answer = runtime.invoke_endpoint(**_TARGET, Body=body, ContentType="application/json")
    except ClientError as refused:
        error: dict[str, Any] = {**refused.response}
        return Answer(error["OriginalStatusCode"], "application/json", error["OriginalMessage"])
    return Answer(200, answer["ContentType"], answer["Body"].read().decode())


def _adapters(folder: Path) -> Iterator[str]:
    """Load an adapter as SageMaker's container contract requires, send a request, unload it; yield the failures."""
    port = _port()
    steps: tuple[tuple[str, str, dict[str, Any] | None, int], ...] = (
        ("POST", "/adapters", {"name": "small", "src": str(folder)}, 200),
        ("POST", "/v1/chat/completions", {"model": "small", "max_tokens": 2, "messages": _HELLO}, 200),
        ("DELETE", "/adapters/small", None, 200),
        ("POST", "/v1/chat/completions", {"model": "small", "max_tokens": 2, "messages": _HELLO}, 404),
    )
    for method, path, document, expected in steps:
        response = httpx2.request(method, f"http://127.0.0.1:{port}{path}", json=document, timeout=60, trust_env=False)
        if response.status_code != expected:
            yield f"adapters: {method} {path} {document}: {response.status_code} {response.text[:300]}"


_HELLO = [{"role": "user", "content": "Hello"}]


def _port() -> int:
    """Return the port of the engine's process, read from its log."""
    events = boto3.client("logs").filter_log_events(logGroupName=_LOG_GROUP)["events"]
    for event in events:
        if match := re.search(r"Uvicorn running on \S+:(\d+)|server .*?on http\S+?:(\d+)", event["message"]):
            return int(match[1] or match[2])
    raise SystemExit("the log of the copy does not name the port of the engine")


_COMMANDS = (
    f"replicas chat --endpoint oracle --component {MODEL} --max-new-tokens 8 Hello",
    f"replicas benchmark --endpoint oracle --component {MODEL} --users 1,2 --duration 5 --input-tokens 32 "
    "--output-tokens 8 --warmup 1",
)


def _command(command: str) -> Iterator[str]:
    program, *arguments = shlex.split(command)
    path = Path(sys.executable).parent / program
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([path, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    print(f"$ {command}\n{done.stdout}", file=sys.stderr)
    if done.returncode:
        yield f"{command}: exit code {done.returncode}: {done.stderr.strip()}"
