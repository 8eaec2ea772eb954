"""`replicas deploy` in a terminal and in a pipeline, with the real CDK CLI, on the embedded AWS."""

from __future__ import annotations

import time

import pytest

from tests.end_to_end.conftest import Account
from tests.terminal import REPLICAS, Terminal

pytestmark = pytest.mark.slow

NAME = "llama-2-13b"


@pytest.fixture(scope="module")
def pace() -> tuple[float, float]:
    """Slow enough that a deploy is seen while it is under way."""
    return 150, 50


@pytest.fixture
def terminal(account: Account) -> Terminal:
    """The deploy of the article's row, in a terminal of 100 columns."""
    return Terminal(str(REPLICAS), "deploy", NAME, columns=100, environment=account.environment)


def stack_status(account: Account, name: str = NAME) -> str | None:
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    return next((str(stack["StackStatus"]) for stack in stacks if stack["StackName"] == name), None)


def test_a_deploy_shows_the_price_asks_follows_each_component_and_ends_with_the_command_to_chat(
    account: Account, terminal: Terminal
) -> None:
    terminal.wait_for(f"Deploy {NAME} to us-west-2? [y/N]:")
    assert stack_status(account) is None
    terminal.type("y\n")
    terminal.wait_for("of 8 copies, Creating")
    screen = terminal.end()
    assert screen.code == 0, screen.text
    for shown in (
        "runs now as llama-2-13b: nothing, 0.00 USD an hour",
        "after the deploy: 25.25 USD an hour, 18,433.44 USD a month at its start (us-west-2, indicative)",
        "difference: +25.25 USD an hour, +18,433.44 USD a month",
        "8 of 8 copies, InService",
        "probe of llama-2-13b: answered after",
        f'next: replicas chat {NAME} "What is a GPU?" --region us-west-2',
    ):
        assert shown in screen.text, shown
    assert stack_status(account) == "CREATE_COMPLETE"

    # when nothing has changed, then a pipeline sees the price of today, and no difference
    again = account.replicas("deploy", NAME, "--yes")
    assert again.code == 0, again.output
    assert "runs now as llama-2-13b: 25.25 USD an hour" in again.output
    assert "difference: +0.00 USD an hour" in again.output

    assert account.cdk("destroy", NAME, "--force").code == 0


def test_an_interrupt_leaves_the_stack_to_cloudformation_and_says_how_to_go_on(
    account: Account, terminal: Terminal
) -> None:
    terminal.wait_for("[y/N]:")
    terminal.type("y\n")
    terminal.wait_for("copies, Creating")
    terminal.type("\x03")
    screen = terminal.end()
    assert screen.code == 130
    assert f"interrupted: CloudFormation goes on with {NAME}" in screen.text
    assert f"next: replicas status {NAME} --watch --region us-west-2 shows it" in screen.text
    deadline = time.monotonic() + 60
    while stack_status(account) == "CREATE_IN_PROGRESS":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert stack_status(account) == "CREATE_COMPLETE"
    assert account.cdk("destroy", NAME, "--force").code == 0


def test_a_deploy_that_fails_says_why_and_what_is_left(account: Account) -> None:
    account.fault("copy-never-starts")
    failed = account.replicas("deploy", NAME, "--yes")
    account.no_faults()
    assert failed.code == 1
    assert "the deploy failed: " in failed.output
    assert "did not pass the ping health check" in failed.output
    assert f"next: replicas status {NAME} --region us-west-2 shows what is left" in failed.output
    assert account.cdk("destroy", NAME, "--force").code == 0
