"""The example with every option, from its deployment to its end: it scales, rolls, goes back, sleeps, wakes."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from replicas.deployment.file import load_catalogue
from tests.conftest import ROOT
from tests.documents import validated
from tests.embedded import stage_manifests
from tests.end_to_end.conftest import Account
from tests.end_to_end.test_cdk import NOTHING

pytestmark = pytest.mark.end_to_end

NAME = "production"
EXAMPLE = ROOT / "docs" / "examples" / "production.py"
AFTER = "vllm-0.28.0"

Synthesise = Callable[..., Path]


@pytest.fixture(scope="module")
def pace() -> tuple[float, float]:
    """A minute of AWS is 0.3 s; copies answer slowly enough for requests to be in flight together."""
    return 200, 4


@pytest.fixture
def example(context: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Synthesise:
    """The assembly of the example, whose first component scales at the load of a few users, or has another engine."""
    import app

    def synthesised(engine: str | None = None) -> Path:
        folder = tmp_path / (engine or "as-it-is")
        folder.mkdir(exist_ok=True)
        text = EXAMPLE.read_text().replace(" max_copies=5,", " max_copies=5, concurrent_requests_per_copy=8,", 1)
        assert text != EXAMPLE.read_text()
        if engine:
            text = text.replace(" copies=2,", f" copies=2, engine={engine!r},", 1)
            assert engine in text
        (folder / "deployments.py").write_text(text)
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            app.main(context={**context, "aws:cdk:enable-path-metadata": True}, outdir=str(folder / "cdk.out"))
        return folder / "cdk.out"

    return synthesised


def status(account: Account, *more: str) -> dict[str, Any]:
    """What `replicas status` tells, with its exit code."""
    ran = account.replicas("status", NAME, "--json", *more)
    document: dict[str, Any] = validated(json.loads(ran.output[ran.output.index("{") :]))
    return {**document, "code": ran.code, "parts": {part["label"]: part for part in document["components"]}}


def eventually(account: Account, component: str, holds: Callable[[int], bool], seconds: float = 180) -> dict[str, Any]:
    """Wait until a number of copies of a component runs; what `replicas status` tells then."""
    deadline, sagemaker = time.monotonic() + seconds, account.client("sagemaker")
    while not holds(
        copies := sagemaker.describe_inference_component(InferenceComponentName=component)["RuntimeConfig"][
            "CurrentCopyCount"
        ]
    ):
        assert time.monotonic() < deadline, copies
        time.sleep(0.1)
    return status(account)


def await_answers(result: Path, seconds: float = 180) -> None:
    """Wait until a benchmark has written its first answered request to its folder."""
    deadline = time.monotonic() + seconds
    while not any(file.stat().st_size for file in result.glob("requests-*.jsonl")):
        assert time.monotonic() < deadline, list(result.iterdir())
        time.sleep(0.1)


@contextlib.contextmanager
def requests(account: Account, component: str) -> Iterator[None]:
    """While this lasts, two users ask again and again, whatever becomes of it."""
    over = threading.Event()
    client = account.client("sagemaker-runtime")
    (endpoint,) = account.client("sagemaker").list_endpoints()["Endpoints"]

    def ask_on() -> None:
        while not over.wait(0.02):
            with contextlib.suppress(ClientError):
                client.invoke_endpoint(
                    EndpointName=endpoint["EndpointName"],
                    InferenceComponentName=component,
                    ContentType="application/json",
                    Body=b'{"prompt": "Hello", "max_tokens": 1}',
                )["Body"].read()

    threads = [threading.Thread(target=ask_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def image_of(account: Account) -> str:
    """What the chat component serves."""
    return str(status(account)["parts"]["chat"]["image"])


def test_the_life_of_the_example_with_everything(account: Account, example: Synthesise, tmp_path: Path) -> None:
    # Given an account with what the example names
    (deployment,) = load_catalogue(EXAMPLE)
    stage_manifests(deployment, account.client("s3"))
    account.client("sns").create_topic(Name="on-call")
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    account.client("iam").create_policy(PolicyName="endpoints", PolicyDocument=json.dumps(allow))

    # when it is deployed, then everything is as its template asks for, and answers
    as_it_is = example()
    deployed = account.deploy(NAME, app=as_it_is)
    assert deployed.code == 0, deployed.output
    fresh = status(account, "--probe")
    assert (fresh["code"], fresh["drift"]) == (0, []), fresh["problems"]
    assert {probe["label"] for probe in fresh["probes"] if probe["answered"]} >= {"chat", "sql"}
    chat = fresh["parts"]["chat"]
    assert (chat["running"], chat["scaling"]["least"], chat["scaling"]["most"]) == (2, 2, 5)

    # when more ask than two copies are meant for, then it scales out and says so, and in again when they are gone
    answers = ("--input-tokens", "100", "--output-tokens", "200", "--no-stream")
    load = ("--component", "chat", "--users", "20", "--duration", "3600", "--warmup", "0", *answers)
    result = tmp_path / "result"
    with account.until_interrupted("benchmark", NAME, *load, "--out", str(result)):
        busy = eventually(account, chat["name"], lambda copies: copies > 2)
        await_answers(result)
    assert busy["parts"]["chat"]["running"] > 2
    assert "Setting desired copy count to" in busy["parts"]["chat"]["scaling"]["last_activity"]
    calm = eventually(account, chat["name"], lambda copies: copies == 2)
    assert calm["parts"]["chat"]["running"] == 2

    # when the engine changes, then it rolls in batches, and the new one serves
    rolled = account.deploy(NAME, app=example(AFTER))
    assert rolled.code == 0, rolled.output
    new = status(account)
    assert (new["code"], new["drift"]) == (0, []), new["problems"]
    assert new["parts"]["chat"]["last_roll"].startswith("1 at a time, each watched for 120 s")
    image = new["parts"]["chat"]["image"]
    assert image != chat["image"]
    assert AFTER.removeprefix("vllm-") in image

    # when a new version answers with errors, then an alarm takes it back
    account.fault("model-error", chat["name"])
    with requests(account, chat["name"]):
        failed = account.deploy(NAME, app=as_it_is)
    account.no_faults()
    assert failed.code == 1
    assert "The update was rolled back because of alarms in state ALARM" in failed.output
    back = status(account)
    assert (back["code"], back["stack"]["status"]) == (1, "UPDATE_ROLLBACK_COMPLETE")
    assert any("its last update failed and was rolled back" in problem for problem in back["problems"])
    assert image_of(account) == image

    # when a new version never starts, then it goes back too
    account.fault("copy-never-starts", chat["name"])
    failed = account.deploy(NAME, app=as_it_is)
    account.no_faults()
    assert failed.code == 1
    assert "did not pass the ping health check" in failed.output
    assert image_of(account) == image

    # when nobody asks for code, then it sleeps; one request wakes it, and the command waits for it
    asleep = eventually(account, fresh["parts"]["code"]["name"], lambda copies: copies == 0)
    assert asleep["parts"]["code"]["running"] == 0
    assert not any("code" in problem for problem in asleep["problems"])
    woken = account.replicas("chat", NAME, "Write a loop", "--component", "code", "--wait", "180")
    assert woken.code == 0, woken.output
    assert "the component has zero copies, and this request starts a copy: waiting" in woken.output

    # when it is destroyed, then nothing is left
    destroyed = account.cdk("destroy", NAME, "--force", app=as_it_is)
    assert destroyed.code == 0, destroyed.output
    assert account.things() == NOTHING
