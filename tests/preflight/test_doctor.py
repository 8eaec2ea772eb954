"""`replicas doctor`: each thing that can be missing is named with its fix, and hides no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.server import EmbeddedAws
from tests.commands import Run


@pytest.fixture
def bootstrapped(embedded: EmbeddedAws, quick_retries: None) -> None:
    boto3.client("ssm").put_parameter(
        Name="/cdk-bootstrap/hnb659fds/version", Value="30", Type="String", Overwrite=True
    )


def states(document: list[dict[str, Any]]) -> dict[str, str]:
    return {entry["what"]: entry["state"] for entry in document}


def test_where_everything_is_there_it_says_so(run: Run, bootstrapped: None) -> None:
    outcome = run("doctor", "llama-2-13b", "--json")
    assert outcome.code == 0, outcome.said
    assert set(states(outcome.json).values()) == {"ok"}
    assert list(states(outcome.json)) == [
        *("Python", "Node", "CDK CLI", "region", "credentials", "bootstrap"),
        "quota ml.p4d.24xlarge",
    ]


def test_all_deployments_are_checked_without_a_name(run: Run, present_tools: None, bootstrapped: None) -> None:
    found = states(run("doctor", "--json").json)
    assert {"quota ml.p4d.24xlarge", "quota ml.g5.12xlarge", "quota ml.p5.48xlarge"} <= set(found)


def test_a_region_that_is_not_bootstrapped(run: Run, present_tools: None, embedded: EmbeddedAws) -> None:
    outcome = run("doctor", "llama-2-13b", "--region", "eu-west-1")
    assert outcome.code == 1
    assert "fault bootstrap: eu-west-1 is not bootstrapped for the CDK fix: npx cdk bootstrap" in outcome.said


def test_a_quota_that_is_too_small_and_a_secret_that_is_not_there(
    run: Run, present_tools: None, bootstrapped: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deployments.py").write_text(
        "from replicas.sizing import Component, Deployment\n"
        "DEPLOYMENTS = [Deployment(name='x', instance_type='ml.g6.12xlarge', instances=3, components=[Component("
        "model='mistralai/Mistral-7B-Instruct-v0.3', token_secret='hub-token')])]\n"
    )
    monkeypatch.chdir(tmp_path)
    outcome = run("doctor", "--json")
    found = {entry["what"]: entry for entry in outcome.json}
    assert outcome.code == 1
    assert found["quota ml.g6.12xlarge"]["said"] == "2 for endpoints, x needs at most 3"
    assert "request-service-quota-increase" in found["quota ml.g6.12xlarge"]["fix"]
    assert found["secret hub-token"]["said"] == "it does not exist in us-west-2"
    boto3.client("secretsmanager").create_secret(Name="hub-token", SecretString="the-secret-value")
    again = run("doctor")
    assert "ok secret hub-token: it exists, and its value was not read" in again.said
    assert "the-secret-value" not in again.said
    boto3.client("secretsmanager").delete_secret(SecretId="hub-token")
    assert "it is scheduled for deletion" in run("doctor").said
    boto3.client("secretsmanager").delete_secret(SecretId="hub-token", ForceDeleteWithoutRecovery=True)


def test_expired_credentials_end_the_checks_of_the_account(
    run: Run, present_tools: None, bootstrapped: None, embedded: EmbeddedAws
) -> None:
    embedded.faults.add(Fault(FaultKind.EXPIRED_CREDENTIALS))
    outcome = run("doctor", "llama-2-13b")
    assert outcome.code == 1
    assert "fault credentials: the AWS credentials have expired" in outcome.said
    assert "bootstrap" not in outcome.said


@pytest.mark.parametrize("kind", [FaultKind.THROTTLING, FaultKind.ACCESS_DENIED])
@pytest.mark.parametrize(
    ("on", "what"), [("ssm:*", "bootstrap"), ("service-quotas:*", "quotas"), ("sts:*", "credentials")]
)
def test_a_check_that_aws_refuses_hides_no_other(
    run: Run, present_tools: None, bootstrapped: None, embedded: EmbeddedAws, kind: FaultKind, on: str, what: str
) -> None:
    embedded.faults.add(Fault(kind, on))
    found = states(run("doctor", "llama-2-13b", "--json").json)
    assert found[what] == ("fault" if what == "credentials" else "unknown")
    assert found["CDK CLI"] == found["region"] == "ok"


def test_tools_that_are_not_there(
    run: Run, bootstrapped: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = run("doctor")
    assert outcome.code == 1
    assert "fault Node: not found fix: run make setup" in outcome.said
    assert "fault CDK CLI: not found" in outcome.said
    assert "quotas and secrets were not checked" in outcome.said


def test_a_cdk_command_line_that_cannot_read_the_assemblies(
    run: Run, bootstrapped: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tool = tmp_path / "cdk"
    tool.write_text("#!/bin/sh\necho 3.0.0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert "fault CDK CLI: version 3.0.0 cannot read the cloud assemblies" in run("doctor").said


def test_a_wrong_name_is_one_message(run: Run, present_tools: None, bootstrapped: None) -> None:
    outcome = run("doctor", "llama-2-13")
    assert (outcome.code, "near: llama-2-13b" in outcome.err) == (1, True)


def test_a_region_that_nobody_knows_is_told_with_the_nearest(run: Run, present_tools: None, bootstrapped: None) -> None:
    outcome = run("doctor", "llama-2-13b", "--region", "us-west-9")
    assert "unknown region: us-west-9 is not a known region fix: use one of these: us-w" in outcome.said


def test_a_region_that_there_is_not_is_the_one_fault(run: Run, present_tools: None, bootstrapped: None) -> None:
    outcome = run("doctor", "llama-2-13b", "--region", "mars-1")
    assert outcome.code == 1
    assert "unknown region: mars-1 is not a known region" in outcome.said
    assert "AWS has no such region (GetCallerIdentity: " in outcome.said
    assert "--region or AWS_REGION" in outcome.said
    assert "moto" not in outcome.said


def test_without_credentials_or_region(run: Run, present_tools: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    outcome = run("doctor", "llama-2-13b")
    assert outcome.code == 1
    assert "fault region: no region is set" in outcome.said
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    outcome = run("doctor", "llama-2-13b", "--region", "us-west-2")
    assert "fault credentials: no AWS credentials found" in outcome.said
