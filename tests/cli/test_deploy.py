"""`replicas deploy` before and beside the CDK CLI: questions, refusals, prices, and progress of its components."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replicas import Component, Deployment, plan
from replicas.cli import deploy as command
from replicas.cli import progress
from replicas.cli.tables.deploy import price_lines
from replicas.delivery import Delivered, Proposal, Step
from replicas.deployment.options import InstanceScaling, Scaling
from replicas.preflight import Checked, Preflight, State
from replicas.status import Status
from replicas.status.status import Instances, StackStatus
from tests.commands import Run

NAME = "llama-2-13b"
ARTICLE = Deployment(
    name=NAME,
    instance_type="ml.p4d.24xlarge",
    components=[Component(model="NousResearch/Llama-2-13b-chat-hf", copies=8)],
)
READY = Checked("proof", State.OK, "the copies fit")
FAULT = Checked("quota", State.FAULT, "0 of ml.p4d.24xlarge", "ask for more")


class Session:
    """The region of a session, without AWS."""

    region = "us-west-2"


def status(stack: str, usd_per_hour: float | None = 25.25) -> Status:
    group = Instances("all", "ml.p4d.24xlarge", (), {}, 1, 1, None, usd_per_hour)
    return Status(NAME, "us-west-2", StackStatus(NAME, stack, ()), "endpoint", "InService", instances=(group,))


def proposal(*checks: Checked, existing: Status | None = None, deployment: Deployment = ARTICLE) -> Proposal:
    checked = Preflight(NAME, "us-west-2", Path("cdk.out/x.template.json"), checks or (READY,))
    aws: Any = Session()
    return Proposal(plan(deployment), checked, existing, aws)


@pytest.fixture
def ask(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command with a given proposal and a given end; the deploys that it started are in `started`."""
    started: list[str] = []

    def ran(*arguments: str, proposed: Proposal, delivered: Delivered | None = None, answer: bool | None = None) -> Any:
        def deliver(given: Proposal, **_: Any) -> Delivered:
            started.append(given.name)
            assert delivered is not None
            return delivered

        monkeypatch.setattr("replicas.delivery.proposal.propose", lambda *_, **__: proposed)
        monkeypatch.setattr("replicas.delivery.delivery.deliver", deliver)
        monkeypatch.setattr(command.typer, "confirm", lambda *_, **__: answer)
        if answer is not None:
            monkeypatch.setattr(command.sys, "stdin", type("Terminal", (), {"isatty": staticmethod(lambda: True)})())
        outcome = run("deploy", NAME, "--region", "us-west-2", *arguments)
        return outcome, started

    return ran


def test_without_a_terminal_it_shows_what_it_would_deploy_and_deploys_nothing(ask: Any) -> None:
    outcome, started = ask(proposed=proposal())
    assert (outcome.code, started) == (2, [])
    assert "ml.p4d.24xlarge" in outcome.said
    assert (
        f"nothing was deployed, because there is no terminal for the confirmation: run replicas deploy {NAME} --yes"
        in outcome.said
    )


def test_an_unknown_name_is_refused_by_its_name_with_or_without_a_terminal(run: Run) -> None:
    outcome = run("deploy", "llama-2-31b", "--region", "us-west-2")
    assert outcome.code == 1
    assert "deployments.py has no deployment 'llama-2-31b'; near: llama-2-13b" in outcome.said
    assert "terminal" not in outcome.said


def test_a_deployment_that_does_not_fit_is_refused_before_it_is_synthesised(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deployments.py").write_text(
        "from replicas import Component, Deployment\n"
        "DEPLOYMENTS = [Deployment(name='big', instance_type='ml.g5.xlarge', "
        "components=[Component(model='NousResearch/Llama-2-70b-chat-hf')])]\n"
    )
    monkeypatch.chdir(tmp_path)
    outcome = run("deploy", "big", "--yes", "--region", "us-west-2")
    assert outcome.code == 1
    assert "big does not fit:" in outcome.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("cdk.out")] == []


def test_a_fault_of_the_checks_deploys_nothing_even_with_yes(ask: Any) -> None:
    outcome, started = ask("--yes", proposed=proposal(READY, FAULT))
    assert (outcome.code, started) == (1, [])
    assert "fix: ask for more" in outcome.said
    assert f"{NAME} was not deployed: fix the checks that are marked `fault` above" in outcome.said


def test_a_deploy_that_was_interrupted_says_how_to_go_on(ask: Any) -> None:
    under_way = Delivered(status("CREATE_IN_PROGRESS"), was_interrupted=True)
    outcome, started = ask("--yes", proposed=proposal(), delivered=under_way)
    assert (outcome.code, started) == (130, [NAME])
    assert f"interrupted: CloudFormation continues the update of {NAME}" in outcome.said
    assert f"next: follow the update with replicas status {NAME} --watch --region us-west-2" in outcome.said

    outcome, _ = ask("--yes", proposed=proposal(), delivered=Delivered(None, was_interrupted=True))
    assert outcome.code == 130
    assert "interrupted: nothing was deployed" in outcome.said


def test_a_deploy_that_failed_says_why_and_its_message_commands_nothing(ask: Any) -> None:
    failed = Delivered(status("ROLLBACK_COMPLETE"), "no capacity ::error::forged \x1b[2J")
    outcome, _ = ask("--yes", proposed=proposal(), delivered=failed)
    assert outcome.code == 1
    assert r"the deployment failed: no capacity \::error::forged \x1b[2J" in outcome.said
    assert "maining resources with replicas status" in outcome.said


def test_a_deploy_that_succeeded_ends_with_the_command_to_chat(ask: Any) -> None:
    done = Delivered(status("CREATE_COMPLETE"), commands=(f'replicas chat {NAME} "What is a GPU?"',))
    outcome, _ = ask("--yes", proposed=proposal(), delivered=done)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-1] == f'next: replicas chat {NAME} "What is a GPU?"'


def test_the_price_stands_beside_that_of_what_runs_now() -> None:
    """25.25 USD an hour for one ml.p4d.24xlarge in us-west-2 (replicas/catalogue/data), 730 hours a month."""
    assert list(price_lines(proposal())) == [
        f"runs now as {NAME}: nothing, 0.00 USD an hour",
        "after the deployment: 25.25 USD an hour, 18,433.44 USD a month with initial copies (us-west-2, indicative)",
        "difference: +25.25 USD an hour, +18,433.44 USD a month",
    ]
    unknown = list(price_lines(proposal(existing=status("CREATE_COMPLETE", None))))
    assert unknown[0] == f"runs now as {NAME}: an unknown price"
    assert len(unknown) == 2
    scaling = Component(
        model="NousResearch/Llama-2-13b-chat-hf",
        copies=8,
        scaling=Scaling(max_copies=16, concurrent_requests_per_copy=4),
    )
    scaled = list(
        price_lines(
            proposal(
                deployment=replace(ARTICLE, components=[scaling], instance_scaling=InstanceScaling(max_instances=2))
            )
        )
    )
    assert "  with its scaling: from 25.25 to 50.50 USD an hour" in scaled


def test_a_log_gets_a_line_for_each_change_of_a_component(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.steps() as update:
        update([Step("endpoint", "Creating"), Step("llama", "waiting", 0, 8)])
        update([Step("endpoint", "InService"), Step("llama", "Creating", 0, 8)])
        update([Step("endpoint", "InService"), Step("llama", "Creating", 3, 8)])
        update([Step("endpoint", "InService"), Step("llama", "InService", 8, 8)])
    assert capsys.readouterr().err.splitlines() == [
        "endpoint: Creating",
        "llama: 0 of 8 copies, waiting",
        "endpoint: InService",
        "llama: 0 of 8 copies, Creating",
        "llama: 3 of 8 copies, Creating",
        "llama: 8 of 8 copies, InService",
    ]
