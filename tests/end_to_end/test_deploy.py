"""`replicas deploy` in a terminal and in a pipeline, with the real CDK CLI, on the embedded AWS."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.conftest import Account
from tests.terminal import REPLICAS, Screen, Terminal

pytestmark = pytest.mark.end_to_end

NAME = "article"
ENTRY = (
    "Deployment(name='article', instance_type='ml.p4d.24xlarge', components=["
    "Component(model='NousResearch/Llama-2-13b-chat-hf', engine='tgi-1.1.0', copies=8)])"
)


@pytest.fixture(scope="module")
def pace() -> tuple[float, float]:
    """Slow enough that a deploy is seen while it is under way: eight copies start in 16 s."""
    return 75, 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with the app of this one, and one deployment."""
    (tmp_path / "deployments.py").write_text(f"from replicas import Component, Deployment\n\nDEPLOYMENTS = [{ENTRY}]\n")
    (tmp_path / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} {ROOT / 'app.py'}"}))
    return tmp_path


def terminal(account: Account, folder: Path) -> Terminal:
    command = (str(REPLICAS), "deploy", NAME)
    return Terminal(*command, columns=100, folder=folder, environment=account.environment)


def in_a_pipeline(account: Account, folder: Path) -> tuple[int, str]:
    command = [REPLICAS, "deploy", NAME, "--yes"]
    environment = account.environment
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


def stack_status(account: Account) -> str | None:
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    return next((str(stack["StackStatus"]) for stack in stacks if stack["StackName"] == NAME), None)


def settled(account: Account) -> str | None:
    deadline = time.monotonic() + 300
    while "IN_PROGRESS" in (status := stack_status(account) or ""):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return status or None


def removed(account: Account) -> None:
    account.client("cloudformation").delete_stack(StackName=NAME)
    assert settled(account) is None


def test_a_deploy_shows_the_price_asks_follows_each_component_and_ends_with_the_command_to_chat(
    account: Account, folder: Path
) -> None:
    deploying = terminal(account, folder)
    deploying.wait_for(f"Deploy {NAME} to us-west-2? [y/N]:")
    assert stack_status(account) is None
    deploying.type("y\n")
    deploying.wait_for("of 8 copies, Creating")
    screen: Screen = deploying.end()
    assert screen.code == 0, screen.text
    for shown in (
        "runs now as article: nothing, 0.00 USD an hour",
        "after the deployment: 25.25 USD an hour, 18,433.44 USD a month with initial copies (us-west-2, indicative)",
        "difference: +25.25 USD an hour, +18,433.44 USD a month",
        "8 of 8 copies, InService",
        "probe of article: answered after",
        f'next: replicas chat {NAME} "What is a GPU?" --region us-west-2',
    ):
        assert shown in screen.text, shown
    assert stack_status(account) == "CREATE_COMPLETE"

    # when nothing has changed, then a pipeline sees the price of today, and no difference
    code, output = in_a_pipeline(account, folder)
    assert code == 0, output
    assert "runs now as article: 25.25 USD an hour" in output
    assert "difference: +0.00 USD an hour" in output
    removed(account)


def test_an_interrupt_leaves_the_stack_to_cloudformation_and_says_how_to_go_on(account: Account, folder: Path) -> None:
    deploying = terminal(account, folder)
    deploying.wait_for("[y/N]:")
    deploying.type("y\n")
    deploying.wait_for("copies, Creating")
    deploying.type("\x03")
    screen = deploying.end()
    assert screen.code == 130
    assert f"interrupted: CloudFormation continues the update of {NAME}" in screen.text
    assert f"next: follow the update with replicas status {NAME} --watch --region us-west-2" in screen.text
    assert settled(account) == "CREATE_COMPLETE"
    removed(account)


def test_a_deploy_that_fails_says_why_and_what_is_left(account: Account, folder: Path) -> None:
    account.fault("copy-never-starts")
    code, output = in_a_pipeline(account, folder)
    account.no_faults()
    assert code == 1
    assert "the deployment failed: " in output
    assert "did not pass the ping health check" in output
    assert f"next: list the remaining resources with replicas status {NAME} --region us-west-2" in output
    removed(account)
