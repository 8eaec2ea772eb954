"""One region and one profile for the CDK CLI and for `replicas`. The CLI itself is the oracle."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from replicas.aws.app_regions import AppRegion, app_regions
from replicas.aws.billing import Bill, Bills
from replicas.aws.region import REGION_VARIABLES, choose_region
from replicas.aws.session import Aws
from replicas.cli.tables.teardown import bills_lines
from replicas.errors import OperationError
from tests.conftest import ROOT

CONFIG = """
[default]
region = ap-south-1
[profile one]
region = eu-west-1
[profile two]
region = eu-west-2
[profile bare]
output = json
"""
CREDENTIALS = """
[two]
region = eu-west-3
"""
ENVIRONMENTS: dict[str, Mapping[str, str]] = {
    "AWS_REGION alone": {"AWS_REGION": "us-west-1"},
    "AWS_REGION before AWS_DEFAULT_REGION": {"AWS_REGION": "us-west-1", "AWS_DEFAULT_REGION": "us-west-2"},
    "AMAZON_REGION before AWS_DEFAULT_REGION": {"AMAZON_REGION": "us-west-1", "AWS_DEFAULT_REGION": "us-west-2"},
    "AWS_DEFAULT_REGION before the profile": {"AWS_DEFAULT_REGION": "us-west-2", "AWS_PROFILE": "one"},
    "the profile": {"AWS_PROFILE": "one"},
    "AWS_PROFILE before AWS_DEFAULT_PROFILE": {"AWS_PROFILE": "one", "AWS_DEFAULT_PROFILE": "two"},
    "the credentials file before the config file": {"AWS_DEFAULT_PROFILE": "two"},
    "the default profile for one without a region": {"AWS_PROFILE": "bare"},
    "an empty variable is none": {"AWS_REGION": "", "AWS_PROFILE": "one"},
    "nothing set": {},
}
TAKEN = dict(
    zip(
        ENVIRONMENTS,
        [
            "us-west-1",
            "us-west-1",
            "us-west-1",
            "us-west-2",
            "eu-west-1",
            "eu-west-1",
            "eu-west-3",
            "ap-south-1",
            "eu-west-1",
            "ap-south-1",
        ],
        strict=True,
    )
)


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("config", CONFIG), ("credentials", CREDENTIALS)):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for variable in (*REGION_VARIABLES, "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_command_takes_the_first_region_in_the_order_of_the_cdk_cli(
    configured: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable, value in ENVIRONMENTS[name].items():
        monkeypatch.setenv(variable, value)
    assert Aws().region == TAKEN[name]
    choice = choose_region()
    assert choice
    assert choice.taken.region == TAKEN[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_cdk_cli_takes_the_same_region(configured: Path, name: str) -> None:
    """The CLI hands the region that it takes to the app as CDK_DEFAULT_REGION."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_") or key.endswith("_FILE")}
    environment = {
        **kept,
        **ENVIRONMENTS[name],
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "PATH": f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}",
    }
    command = ["cdk", "ls", "--no-notices", "--app", f'echo "$CDK_DEFAULT_REGION" > {configured}/taken; exit 1']
    subprocess.run(command, cwd=configured, env=environment, capture_output=True, check=False, timeout=120)
    assert (configured / "taken").read_text().strip() == TAKEN[name]


def test_sources_that_differ_are_told(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    choice = choose_region()
    assert choice
    assert choice.note == (
        "region us-west-1 is taken from AWS_REGION; AWS_DEFAULT_REGION has us-west-2, profile default has ap-south-1"
    )


def test_sources_that_agree_are_not_told(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "ap-south-1")
    choice = choose_region()
    assert choice
    assert choice.note is None


ENTRY = (
    "from replicas import Component, Deployment\n"
    'DEPLOYMENTS = [Deployment(name="chat", instance_type="ml.g5.xlarge", region="eu-north-1", '
    'components=[Component(model="llama-2-7b")]), Deployment(name="bad", colour=1, region="eu-south-1")]\n'
)


def test_a_deployment_is_looked_for_in_the_region_that_its_entry_names(configured: Path) -> None:
    (configured / "deployments.py").write_text(ENTRY)
    for name, region in {"chat": "eu-north-1", "bad": "eu-south-1", "other": "ap-south-1"}.items():
        choice = choose_region(name=name)
        assert choice
        assert choice.taken.region == region
    choice = choose_region(name="chat")
    assert choice
    assert choice.note == "region eu-north-1 is taken from deployments.py; profile default has ap-south-1"


def test_the_option_is_taken_without_a_word(configured: Path) -> None:
    (configured / "deployments.py").write_text(ENTRY)
    choice = choose_region("us-east-2", "chat")
    assert choice
    assert (choice.taken.region, choice.note) == ("us-east-2", None)


def test_a_deployments_file_that_cannot_be_read_names_no_region(configured: Path) -> None:
    (configured / "deployments.py").write_text("DEPLOYMENTS = [")
    choice = choose_region(name="chat")
    assert choice
    assert choice.taken.region == "ap-south-1"
    assert app_regions() == []


def test_no_region_anywhere_is_refused(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    assert choose_region() is None
    with pytest.raises(OperationError, match="no region is set"):
        Aws()


def test_the_regions_of_an_app_are_those_of_its_entries_and_of_its_last_synth(configured: Path) -> None:
    (configured / "deployments.py").write_text(ENTRY)
    (configured / "cdk.out").mkdir()
    (configured / "cdk.out" / "manifest.json").write_text(
        '{"artifacts": {"a": {"type": "aws:cloudformation:stack", "environment": "aws://1/sa-east-1"},'
        '"b": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region"},'
        '"chat": {"type": "aws:cloudformation:stack", "environment": "aws://1/eu-north-1"}}}'
    )
    assert app_regions() == [
        AppRegion("eu-north-1", ("chat",)),
        AppRegion("eu-south-1", ("bad",)),
        AppRegion("sa-east-1", ("a",)),
    ]


KNOWN = (AppRegion("eu-north-1", ("chat", "code")),)
BILL = Bill("us-west-2", "e", "InService", "ml.g5.xlarge", 1, 1.0)


def test_bills_name_the_regions_that_were_looked_at_and_those_that_were_not() -> None:
    assert list(bills_lines(Bills((), (), ("us-west-2",), KNOWN))) == [
        "nothing is billed by the hour in us-west-2: no endpoint has an instance",
        "not searched: eu-north-1 (region of chat, code). To search it, add --regions eu-north-1",
    ]
    assert list(bills_lines(Bills((BILL,), (), ("us-west-2", "eu-north-1"), KNOWN))) == [
        "searched: us-west-2, eu-north-1 (region of chat, code)"
    ]
    assert list(bills_lines(Bills((), (), ("us-west-2",)))) == [
        "nothing is billed by the hour in us-west-2: no endpoint has an instance",
        "no stack of this app names a region: --regions searches further regions",
    ]
    assert list(bills_lines(Bills((), (("us-west-2", "no"),), ("us-west-2",)))) == []
