"""Entries of `deployments.py` are broken: every other stack is listed, deployed and destroyed, and so are their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.end_to_end.conftest import Account, Ran

pytestmark = pytest.mark.end_to_end


class Project:
    """A folder with a `deployments.py`, and the CDK CLI on this project's app.py in that folder."""

    def __init__(self, account: Account, folder: Path) -> None:
        self._account, self._folder = account, folder
        self._app = f"cd {folder} && {sys.executable} {ROOT / 'app.py'}"

    def declare(self, *entries: str) -> None:
        listed = f"DEPLOYMENTS = [{', '.join(entries)}]"
        (self._folder / "deployments.py").write_text(f"from replicas import Component, Deployment\n\n{listed}\n")

    def cdk(self, command: str, *arguments: str) -> Ran:
        output = ("--output", str(self._folder / "cdk.out"))
        return self._account.cdk(command, *arguments, *output, app=self._app)

    def deploy(self, *arguments: str) -> Ran:
        return self.cdk("deploy", *arguments, "--require-approval", "never")


@pytest.fixture
def project(account: Account, tmp_path: Path) -> Project:
    return Project(account, tmp_path)


def entry(name: str, copies: int = 1, **more: str) -> str:
    wishes = "".join(f", {key}={value!r}" for key, value in more.items())
    component = f"Component(model='NousResearch/Llama-2-7b-chat-hf', engine='tgi-1.1.0', copies={copies})"
    return f"Deployment(name={name!r}, instance_type='ml.p4d.24xlarge', components=[{component}]{wishes})"


def status_of(account: Account, stack: str) -> str:
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    return next((str(entry["StackStatus"]) for entry in stacks if entry["StackName"] == stack), "gone")


TOO_MANY, TOO_MANY_SAID = entry("good", copies=9), "9 copies need 9 accelerators"
COLOURED, COLOURED_SAID = entry("plain", colour="red"), "Deployment has no field 'colour'"
DIRECTLY = ("--ignore-errors", "--force", "--method", "direct")
NAMES = ["good", "other", "plain"]


def test_a_broken_entry_stops_no_other_stack_and_is_never_deployed(account: Account, project: Project) -> None:
    # Given three stacks that serve
    project.declare(*(entry(name) for name in NAMES))
    deployed = project.deploy("--all")
    assert deployed.code == 0, deployed.output
    before = account.things()

    # when the plan of one entry is refused, and Python refuses an argument of another, then all stacks are listed
    project.declare(TOO_MANY, entry("other"), COLOURED)
    listed = project.cdk("ls")
    assert listed.code == 0, listed.output
    assert [line for line in listed.output.splitlines() if line in NAMES] == NAMES

    # and only their own fail
    assert project.deploy("other").code == 0
    synthesised = project.cdk("synth", "--quiet")
    assert synthesised.code == 1
    assert TOO_MANY_SAID in synthesised.output
    assert COLOURED_SAID in synthesised.output

    # then the refusal is told, and no option deploys the template
    for name, reason, *options in (
        ("good", TOO_MANY_SAID),
        ("good", TOO_MANY_SAID, "--ignore-errors"),
        ("good", TOO_MANY_SAID, *DIRECTLY),
        ("plain", COLOURED_SAID, *DIRECTLY),
    ):
        refused = project.deploy(name, *options)
        assert refused.code == 1, (options, refused.output)
        assert reason in refused.output
    assert {status_of(account, name) for name in NAMES} <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert account.things() == before

    # when the other stack and then their own are destroyed, then nothing is left
    assert project.cdk("destroy", "other", "--force").code == 0
    assert [status_of(account, name) for name in NAMES] == ["CREATE_COMPLETE", "gone", "CREATE_COMPLETE"]
    assert project.cdk("destroy", "good", "plain", "--force").code == 0
    assert account.things() == {}
