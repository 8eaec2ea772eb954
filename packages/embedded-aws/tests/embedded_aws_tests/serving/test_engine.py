"""Any engine that meets the protocol runs in the copies: here one that knows nothing of models or time."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EventStreamError

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from embedded_aws.serving import engine as engines
from embedded_aws.serving.engine import NoEngine, ServingEngine, engine_named, installed_engine
from embedded_aws_tests.support import TRUST, component_by_hand, endpoint_by_hand, in_service
from replicas.errors import ServingError

TARGET = {"EndpointName": "e", "InferenceComponentName": "echo"}


@dataclass
class Reply:
    status: int
    parts: AsyncGenerator[Sequence[bytes]]
    media_type: str = "text/plain"
    is_stream: bool = False
    tokens: int | None = None


async def _parts(*parts: bytes) -> AsyncGenerator[Sequence[bytes]]:
    for part in parts:
        yield [part]


@dataclass
class Echo:
    """Answers with the body that it gets: whole, in events of a byte each, or as a refusal."""

    outstanding: int = 0
    paths: list[str] = field(default_factory=list)

    async def invoke(self, body: bytes, path: str) -> Reply:
        self.paths.append(path)
        match body[:1]:
            case b"!":
                return Reply(409, _parts(body))
            case b">":
                return Reply(200, _parts(*(bytes([byte]) for byte in body)), is_stream=True)
        return Reply(200, _parts(body))

    async def shutdown(self) -> None: ...


@dataclass
class EchoEngine:
    """Runs an echo in every copy, and keeps what it was told of the containers."""

    told: list[dict[str, Any]] = field(default_factory=list)
    started: list[float] = field(default_factory=list)

    def container(self, **container: Any) -> EchoEngine:
        self.told.append(container)
        return self

    def start(self, speed: float) -> Echo:
        self.started.append(speed)
        return Echo()

    def benchmark(self, **load: Any) -> Any:
        raise ServingError("an echo has no speed")


@pytest.fixture(scope="module")
def engine() -> EchoEngine:
    return EchoEngine()


@pytest.fixture(scope="module")
def aws(engine: EchoEngine) -> Iterator[EmbeddedAws]:
    boto3.DEFAULT_SESSION = None
    with EmbeddedAws(time_scale=20_000, speed=7, engine=engine) as aws, pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(aws.url).items():
            patch.setenv(variable, value)
        _deploy()
        yield aws


def _deploy() -> None:
    role = boto3.client("iam").create_role(RoleName="echo", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    sagemaker = boto3.client("sagemaker")
    endpoint_by_hand(sagemaker, role, InstanceType="ml.g5.2xlarge")
    image = "763104351884.dkr.ecr.us-west-2.amazonaws.com/echo:1"
    component_by_hand(sagemaker, "echo", 1, Container={"Image": image, "Environment": {"LOUD": "yes"}})
    in_service(sagemaker, "echo")


def stream(body: str) -> Iterator[bytes]:
    answer = boto3.client("sagemaker-runtime").invoke_endpoint_with_response_stream(**TARGET, Body=body)
    with contextlib.closing(answer["Body"]) as events:
        for event in events:
            yield event["PayloadPart"]["Bytes"]


def test_an_engine_is_told_the_container_and_starts_it_once_for_a_copy(aws: EmbeddedAws, engine: EchoEngine) -> None:
    for _ in range(3):
        answer = boto3.client("sagemaker-runtime").invoke_endpoint(**TARGET, Body="hello")
        assert (answer["ContentType"], answer["Body"].read()) == ("text/plain", b"hello")
    assert engine.started == [7]
    told = engine.told[0]
    assert told.pop("copy").startswith("copy")
    assert told == {
        "image": "763104351884.dkr.ecr.us-west-2.amazonaws.com/echo:1",
        "environment": {"LOUD": "yes"},
        "instance_type": "ml.g5.2xlarge",
        "accelerators": 1,
        "repository": None,
    }


def test_what_a_container_refuses_is_a_model_error_with_its_status_and_its_body(aws: EmbeddedAws) -> None:
    with pytest.raises(ClientError) as refused:
        boto3.client("sagemaker-runtime").invoke_endpoint(**TARGET, Body="!no")
    assert refused.value.response["Error"]["Code"] == "ModelError"
    assert refused.value.response["OriginalStatusCode"] == 409
    assert refused.value.response["OriginalMessage"] == "!no"


def test_a_stream_comes_in_events_where_the_operation_streams_and_whole_where_it_does_not(aws: EmbeddedAws) -> None:
    assert list(stream(">abc")) == [b">", b"a", b"b", b"c"]
    assert list(stream("abc")) == [b"abc"], "a container that does not stream answers in one part"
    answer = boto3.client("sagemaker-runtime").invoke_endpoint(**TARGET, Body=">abc")
    assert answer["Body"].read() == b">abc"


def test_a_stream_of_unknown_length_breaks_after_its_first_event(aws: EmbeddedAws) -> None:
    aws.faults.add(Fault(FaultKind.BROKEN_STREAM, "echo", times=1))
    came = []
    with pytest.raises(EventStreamError, match="the connection to the model container broke"):  # noqa: PT012
        for part in stream(">abc"):
            came.append(part)
    assert came == [b">"]


def test_without_an_engine_invocations_say_so() -> None:
    with pytest.raises(ServingError, match=r"image x:1 cannot run: this embedded AWS has no serving engine"):
        NoEngine().container(image="x:1", environment={}, copy="c", instance_type="", accelerators=1, repository=None)


def test_an_engine_is_made_by_its_name() -> None:
    assert isinstance(engine_named(f"{__name__}:EchoEngine"), EchoEngine)


@pytest.mark.parametrize("reference", ["nowhere:Engine", f"{__name__}:Nothing", "no name"])
def test_a_name_without_an_engine_is_refused(reference: str) -> None:
    with pytest.raises(ServingError, match=f"the serving engine '{reference}' cannot be loaded"):
        engine_named(reference)


def installed(monkeypatch: pytest.MonkeyPatch, *references: str) -> ServingEngine:
    points = [EntryPoint(name=f"e{index}", value=value, group="") for index, value in enumerate(references)]
    asked: list[str] = []
    monkeypatch.setattr(engines, "entry_points", lambda group: asked.append(group) or points)
    found = installed_engine()
    assert asked == ["embedded_aws.serving"]
    return found


def test_the_engine_of_the_installed_distributions_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(installed(monkeypatch), NoEngine)
    assert isinstance(installed(monkeypatch, f"{__name__}:EchoEngine"), EchoEngine)
    with pytest.raises(ServingError, match="several serving engines are installed: name one of a:A, b:B"):
        installed(monkeypatch, "a:A", "b:B")
