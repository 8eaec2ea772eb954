"""Every fault of the embedded AWS against every command: one message that names the thing and the next step, the right
exit code, nothing lost and nothing left. What a command never meets does not change a word of what it says.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from replicas.aws.session import Aws
from replicas.teardown.inventory import inventory_of_stack
from replicas.teardown.teardown import tear_down
from tests.commands import TGI, Outcome, Run
from tests.embedded import create_stack, settled

Outputs = dict[str, dict[str, str]]
Told = dict[str, tuple[int, str, str]]
Ask = Callable[..., Outcome]
COMMANDS = ("chat", "benchmark", "status", "teardown", "doctor", "bills", "preflight")

NO_INSTANCE, NEVER_STARTED, GOING = "qwen3-30b-a3b", "mistral-7b", "flan-t5-xxl"
STRUCK = {
    FaultKind.INSUFFICIENT_CAPACITY: NO_INSTANCE,
    FaultKind.COPY_NEVER_STARTS: NEVER_STARTED,
    FaultKind.SLOW_DELETION: GOING,
}
"""Faults that have done what they do before a command is run, and to which deployment. The others strike calls."""
REFUSALS = (FaultKind.THROTTLING, FaultKind.EXPIRED_CREDENTIALS, FaultKind.ACCESS_DENIED)


@dataclass(frozen=True)
class Says:
    """How a command ends, and words of its message."""

    code: int
    words: tuple[str, ...]


def no(*words: str) -> Says:
    return Says(1, words)


def yes(*words: str) -> Says:
    return Says(0, words)


UNAFFECTED = yes()
"""As it says without the fault, word for word."""

THROTTLED = "was throttled several times: wait and run the command again"
EXPIRED = "credentials have expired"
RENEW = "renew them (aws sso login, or new keys) and run the command again"
DENIED = "is not authorized to perform: {0} because no identity-based policy allows the {0} action"
FAILED = "it is CREATE_FAILED"

CALLS = {  # the first call of each, by which it finds out that nothing goes
    "chat": "DescribeStacks",
    "benchmark": "DescribeStacks",
    "status": "DescribeStacks",
    "teardown": "DescribeStacks",
    "doctor": "GetCallerIdentity",
    "bills": "ListEndpoints",
    "preflight": "GetCallerIdentity",
}
SERVICES = {"DescribeStacks": "cloudformation", "GetCallerIdentity": "sts", "ListEndpoints": "sagemaker"}


def every(said: dict[str, Says]) -> dict[str, Says]:
    """All commands; those that are not named are unaffected."""
    return {command: said.get(command, UNAFFECTED) for command in COMMANDS}


EXPECTED: dict[FaultKind, dict[str, Says]] = {
    FaultKind.THROTTLING: {command: no(f"{call} {THROTTLED}") for command, call in CALLS.items()},
    FaultKind.EXPIRED_CREDENTIALS: {
        command: no(EXPIRED, f"({call}: Expired", RENEW) for command, call in CALLS.items()
    },
    FaultKind.ACCESS_DENIED: {
        command: no(f"{call} is not allowed", DENIED.format(f"{SERVICES[call]}:{call}"))
        for command, call in CALLS.items()
    },
    FaultKind.BROKEN_STREAM: every(
        {
            "chat": no("the answer was cut off: the connection to the model container broke", "send the request again"),
            "benchmark": no(
                "requests: stream was cut off", "no request was answered: look at `replicas status llama-2-13b`"
            ),
        }
    ),
    FaultKind.MODEL_ERROR: every(
        {
            command: no(
                "container refused the request (HTTP 500)", "its log group is /aws/sagemaker/InferenceComponents/"
            )
            for command in ("chat", "benchmark")
        }
    ),
    FaultKind.NOT_READY: every(
        {
            "chat": no("the model is not ready yet; no answer after 0 s: raise --wait, or look at `replicas status`"),
            "benchmark": no("no request of the warm-up was answered: the model is not ready yet"),
        }
    ),
    FaultKind.DEPENDENCY_ERROR: every(
        {
            command: no("SageMaker had an internal error (HTTP 530)", "Send the request again later")
            for command in ("chat", "benchmark")
        }
    ),
    FaultKind.INSUFFICIENT_CAPACITY: every(
        {
            "chat": no(FAILED, f"`replicas status {NO_INSTANCE}` shows why"),
            "benchmark": no(FAILED, f"`replicas teardown {NO_INSTANCE}` removes its remaining resources"),
            "status": no("InsufficientInstanceCapacity", f"run `replicas teardown {NO_INSTANCE}`"),
            "teardown": yes("endpoint", "endpoint configuration", "model", FAILED),
            "preflight": no(f"stack {NO_INSTANCE}", FAILED, f"replicas teardown {NO_INSTANCE}"),
        }
    ),
    FaultKind.COPY_NEVER_STARTS: every(
        {
            "chat": no(FAILED, f"`replicas status {NEVER_STARTED}` shows why"),
            "benchmark": no(FAILED, f"`replicas teardown {NEVER_STARTED}` removes its remaining resources"),
            "status": no("did not pass the ping health check", f"run `replicas teardown {NEVER_STARTED}`"),
            "teardown": yes("inference component", "endpoint configuration", "model", FAILED),
            "bills": yes("ml.g6.12xlarge"),  # an endpoint without a copy bills as any other
            "preflight": no(f"stack {NEVER_STARTED}", FAILED, f"replicas teardown {NEVER_STARTED}"),
        }
    ),
    FaultKind.SLOW_DELETION: every(
        {
            "chat": no("is being deleted: deploy it again"),
            "benchmark": no("runs 0 copies: it cannot be measured yet", f"`replicas status {GOING}` shows more"),
            "status": no(
                "0 of 2",
                f"component {GOING} is being deleted, but not by its stack: change the component in "
                f"the template and run "
                f"`cdk deploy {GOING}`",
            ),
            "teardown": no(
                "timed out while waiting for", "raise --timeout, or run the command again later", "still exists"
            ),
            "bills": yes("ml.g5.12xlarge"),
            "preflight": yes(),
        }
    ),
}


def test_no_cell_is_forgotten() -> None:
    cells = {(kind, command) for kind, row in EXPECTED.items() for command in row}
    assert cells == set(itertools.product(FaultKind, COMMANDS))


@pytest.fixture(scope="module")
def told() -> Told:
    """What each command said where nothing was wrong: asked once, when first needed."""
    return {}


@pytest.fixture(scope="module")
def in_trouble(_endpoints: Outputs, running_aws: EmbeddedAws, assembly: Path) -> Iterator[None]:
    """A deployment without an instance, one whose copies do not start, one that is long in going. All go in the end."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in client_environment(running_aws.url).items():
            patch.setenv(variable, value)
        patch.setattr("replicas.teardown.teardown._FIRST_PAUSE_SECONDS", 0.02)
        for kind in (FaultKind.INSUFFICIENT_CAPACITY, FaultKind.COPY_NEVER_STARTS):
            name = STRUCK[kind]
            running_aws.faults.add(Fault(kind))
            body = (assembly / f"{name}.template.json").read_text()
            boto3.client("cloudformation").create_stack(
                StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"], DisableRollback=True
            )
            assert settled(name)["StackStatus"] == "CREATE_FAILED"
            running_aws.faults.clear()
        component = create_stack(assembly, GOING)["InferenceComponentName"]
        running_aws.faults.add(Fault(FaultKind.SLOW_DELETION, component, seconds=1e9))
        boto3.client("sagemaker").delete_inference_component(InferenceComponentName=component)
        running_aws.faults.clear()
        yield
        hosting = running_aws.gateway.service("sagemaker", "us-west-2").hosting  # type: ignore[attr-defined]
        hosting.components[component].due = 0.0
        for name in STRUCK.values():
            aws = Aws("us-west-2")
            done = tear_down(aws, inventory_of_stack(aws, name), timeout_seconds=30, tell=lambda _: None)
            assert done.left == []
            assert settled(name) == {}
            assert inventory_of_stack(aws, name).things == (), "nothing is left"


@pytest.fixture
def ask(
    run: Run, assembly: Path, tmp_path: Path, quick_retries: None, present_tools: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ask]:
    monkeypatch.setattr("replicas.teardown.teardown._FIRST_PAUSE_SECONDS", 0.05)
    small = ("--users", "1", "--duration", "1", "--input-tokens", "20", "--output-tokens", "5", "--warmup", "1")
    folder = tmp_path / "results"

    def asked(command: str, name: str, *, kind: FaultKind | None = None) -> Outcome:
        deleting = {GOING: ("--yes", "--timeout", "1")}.get(name, ("--yes",) if kind in REFUSALS else ("--dry-run",))
        return run(
            command,
            *{
                "chat": (name, "Hi", "--wait", "0"),
                "benchmark": (name, *small, "--out", str(folder)),
                "status": (name,),
                "teardown": (name, *deleting),
                "doctor": (name,),
                "bills": (),
                "preflight": (name, "--template", str(assembly / f"{name}.template.json")),
            }[command],
        )

    yield asked
    if folder.exists():  # measured, if only failures: then whole
        assert (folder / "result.json").is_file()
        assert (folder / "index.html").is_file()


@pytest.mark.parametrize(("kind", "command"), list(itertools.product(FaultKind, COMMANDS)))
def test_a_fault_against_a_command(
    ask: Ask, endpoints: Outputs, embedded: EmbeddedAws, in_trouble: None, told: Told, kind: FaultKind, command: str
) -> None:
    expected, name = EXPECTED[kind][command], STRUCK.get(kind, TGI)
    usual = None
    if expected is UNAFFECTED and name == TGI:
        if command not in told:
            outcome = ask(command, TGI)
            told[command] = (outcome.code, outcome.out, outcome.err)
        usual = told[command]
    if name == TGI:
        embedded.faults.add(Fault(kind))
    outcome = ask(command, name, kind=kind)
    pending = embedded.faults.pending()
    embedded.faults.clear()

    assert outcome.code == expected.code, outcome.said
    for words in expected.words:
        assert words in outcome.said
    if usual:
        assert (outcome.code, outcome.out, outcome.err) == usual
    if name == TGI:
        assert len(pending) == 1
        assert ask("status", TGI).code == 0, "the deployment is as it was"
