"""`replicas chat` on endpoints of both engines, with everything that can go wrong."""

from __future__ import annotations

import io
import re

import boto3
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from tests.commands import TGI, VLLM, Run
from tests.embedded import Deploy, scalable

Outputs = dict[str, dict[str, str]]


@pytest.mark.parametrize("name", [TGI, VLLM])
def test_a_message_is_answered(run: Run, endpoints: Outputs, name: str) -> None:
    outcome = run("chat", name, "What is a GPU?", "--max-new-tokens", "12")
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("This answer comes from a stand-in for ")
    assert outcome.err == ""


@pytest.mark.parametrize("name", [TGI, VLLM])
def test_a_conversation_remembers_what_was_said(
    run: Run, endpoints: Outputs, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prompt grows by what was said: the engine counts more tokens at the second turn."""
    bodies: list[bytes] = []
    import botocore.client

    call = botocore.client.BaseClient._make_api_call

    def recorded(self: object, operation: str, parameters: dict[str, object]) -> object:
        if operation.startswith("InvokeEndpoint"):
            bodies.append(parameters["Body"])  # type: ignore[arg-type]
        return call(self, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    outcome = run("chat", name, "--system", "Be brief.", "--max-new-tokens", "5", stdin="first\n\nsecond\n")
    assert outcome.code == 0, outcome.err
    assert outcome.out.count("This answer comes from a") == 2
    assert len(bodies) == 2
    assert b"first" in bodies[1]
    assert b"This answer comes from a" in bodies[1]
    assert all(b"Be brief." in body for body in bodies)


def test_json_says_how_long_it_took(run: Run, endpoints: Outputs) -> None:
    document = run("chat", TGI, "Hi", "--max-new-tokens", "7", "--json").json
    assert document["output_tokens"] == 7
    assert 0 < document["ttft_seconds"] <= document["seconds"]
    assert document["model"] == "NousResearch/Llama-2-13b-chat-hf"


def test_any_endpoint_can_be_asked_by_its_own_name(run: Run, endpoints: Outputs) -> None:
    outputs = endpoints[VLLM]
    arguments = ["--endpoint", outputs["EndpointName"], "--component", outputs["InferenceComponentName"]]
    assert run("chat", "Hi", *arguments).code == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FaultKind.MODEL_ERROR, "the model's container refused the request (HTTP 500)"),
        (FaultKind.DEPENDENCY_ERROR, "SageMaker had an internal error (HTTP 530)"),
        (FaultKind.BROKEN_STREAM, "the answer was cut off"),
    ],
)
def test_a_turn_that_fails_says_why_and_costs_nothing_else(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, kind: FaultKind, words: str
) -> None:
    component = endpoints[TGI]["InferenceComponentName"]
    embedded.faults.add(Fault(kind, component, times=1))
    alone = run("chat", TGI, "Hi")
    assert (alone.code, words in alone.err) == (1, True), alone.err
    embedded.faults.add(Fault(kind, component, times=1))
    talk = run("chat", TGI, "--max-new-tokens", "6", stdin="Hi\nAgain\n")
    assert words in talk.err
    assert talk.code == 1
    assert talk.out.endswith("This answer comes from a stand\n")


@pytest.mark.parametrize(
    ("kind", "on", "words"),
    [
        (FaultKind.THROTTLING, "sagemaker:InvokeEndpoint*", "was throttled"),
        (FaultKind.EXPIRED_CREDENTIALS, "*", "credentials have expired"),
        (FaultKind.ACCESS_DENIED, "cloudformation:*", "DescribeStacks is not allowed"),
        (FaultKind.ACCESS_DENIED, "sagemaker:*", "is not allowed"),
    ],
)
def test_what_aws_refuses_is_one_message(
    run: Run, endpoints: Outputs, embedded: EmbeddedAws, kind: FaultKind, on: str, words: str
) -> None:
    embedded.faults.add(Fault(kind, on))
    outcome = run("chat", TGI, "Hi")
    assert (outcome.code, outcome.out) == (1, "")
    assert words in outcome.err


def test_a_prompt_that_is_too_long_is_refused_in_the_engines_words(run: Run, endpoints: Outputs) -> None:
    assert "`inputs` must have less than 2048 tokens" in run("chat", TGI, "word " * 3000).err
    assert "maximum context length" in run("chat", VLLM, "word " * 40_000).err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nobody", "Hi"], 1, "no stack 'nobody' in us-west-2; deployed there: "),
        (["llama-2-13", "Hi"], 1, "near: llama-2-13b"),
        (["--endpoint", "nobody", "Hi"], 1, "no endpoint 'nobody' in us-west-2"),
        ([TGI, "Hi", "--component", "x"], 1, "llama-2-13b has no component 'x'; it has: llama-2-13b"),
        ([TGI, "Hi", "--chat-template", "/none"], 1, "--chat-template /none cannot be read"),
        ([VLLM, "Hi", "--chat-template", "/none"], 2, "this engine applies the model's own template"),
        ([TGI, " "], 2, "MESSAGE is empty"),
        ([TGI, "--json"], 2, "--json requires a MESSAGE"),
        ([TGI, "Hi", "--region", "us-east-1"], 1, "no stack of this project is deployed there"),
        ([], 1, "give either the NAME of a deployment"),
    ],
)
def test_wrong_input_is_one_message(run: Run, endpoints: Outputs, arguments: list[str], code: int, words: str) -> None:
    outcome = run("chat", *arguments)
    assert outcome.code == code
    assert words in outcome.said


def test_without_a_region_it_says_how_to_set_one(run: Run, endpoints: Outputs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    assert "no region is set: use --region us-west-2" in run("chat", TGI, "Hi").err


def test_where_aws_does_not_answer_it_says_so(run: Run, embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert "AWS does not answer" in run("chat", TGI, "Hi").err


def test_a_component_at_zero_copies_is_told_from_a_wrong_name(run: Run, deploy: Deploy) -> None:
    outputs = deploy("mistral-7b")
    name = outputs["InferenceComponentName"]
    sagemaker = boto3.client("sagemaker")

    def scale(copies: int) -> None:
        sagemaker.update_inference_component_runtime_config(
            InferenceComponentName=name, DesiredRuntimeConfig={"CopyCount": copies}
        )

    # Nothing would ever start a copy: waiting is pointless
    scale(0)
    _wait_for_copies(name, 0)
    asleep = run("chat", "mistral-7b", "Hi", "--wait", "180")
    assert asleep.code == 1
    assert "has no copies, and no scaling policy starts one" in asleep.err
    assert "--desired-runtime-config CopyCount=1" in asleep.err

    # A target can wake it: it waits, visibly, and not for ever
    with scalable(name, 0, 2):
        bounded = run("chat", "mistral-7b", "Hi", "--wait", "2")
        assert bounded.code == 1
        assert re.search(r"this request starts a copy: waiting, \d of 2 s", bounded.err)
        assert "raise --wait" in bounded.err

        # A copy comes: it answers
        scale(1)
        woken = run("chat", "mistral-7b", "Hi", "--wait", "180")
        assert woken.code == 0, woken.err


def test_not_ready_is_waited_out(run: Run, endpoints: Outputs, embedded: EmbeddedAws) -> None:
    embedded.faults.add(Fault(FaultKind.NOT_READY, endpoints[TGI]["InferenceComponentName"], times=1))
    outcome = run("chat", TGI, "Hi", "--wait", "180")
    assert outcome.code == 0
    assert "the model is not ready yet: waiting" in outcome.err


def test_a_terminal_shows_tokens_as_they_come(run: Run, endpoints: Outputs, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[str] = []

    class Terminal(io.StringIO):
        def write(self, text: str) -> int:
            flushed.append(text)
            return super().write(text)

    monkeypatch.setattr("sys.stdout", Terminal())
    run("chat", TGI, "Hi", "--max-new-tokens", "5")
    assert [text for text in flushed if text.strip()] == ["This", " answer", " comes", " from", " a"]


def _wait_for_copies(name: str, copies: int) -> None:
    sagemaker = boto3.client("sagemaker")
    while True:
        described = sagemaker.describe_inference_component(InferenceComponentName=name)
        settled = described["InferenceComponentStatus"] == "InService"
        if settled and described["RuntimeConfig"]["CurrentCopyCount"] == copies:
            return
