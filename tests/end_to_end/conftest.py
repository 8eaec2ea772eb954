"""An embedded AWS in a process of its own, bootstrapped by the real CDK CLI, and that CLI to deploy on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest

from embedded_aws import process
from tests.conftest import ROOT, made_once

TIME_SCALE = 1500


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    output: str


class Account:
    """The one account of the embedded AWS, as its user has it: the CLI, and clients to look with."""

    def __init__(self, record: process.Record) -> None:
        self.record = record
        self.environment = {
            **os.environ,
            **record.environment,
            "PATH": f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "true",
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.record.url,
            region_name=self.record.region,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
        )

    def cdk(self, command: str, *arguments: str, app: Path | str | None = None) -> Ran:
        """Run the CDK CLI in the folder of the project; `app` replaces its app: an assembly, or a command."""
        return self._run("cdk", command, *arguments, *(["--app", str(app)] if app else []), "--ci", "--no-notices")

    def deploy(self, *arguments: str, app: Path | str | None = None) -> Ran:
        return self.cdk("deploy", *arguments, "--require-approval", "never", app=app)

    @contextmanager
    def until_interrupted(self, *arguments: str) -> Iterator[None]:
        """Run the command `replicas` until the block ends, which interrupts it as Ctrl-C does: exit code 130."""
        running = subprocess.Popen(
            ["replicas", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield
            assert running.poll() is None, running.communicate()[0]
            running.send_signal(signal.SIGINT)
            output, _ = running.communicate(timeout=300)
            assert running.returncode == 130, output
        finally:
            running.kill()
            running.communicate()

    def replicas(self, *arguments: str) -> Ran:
        """Run the command `replicas`."""
        return self._run("replicas", *arguments)

    def _run(self, *command: str) -> Ran:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout)

    def fault(self, kind: str, on: str = "*", **more: Any) -> None:
        process.control(self.record, "POST", "/faults", {"kind": kind, "on": on, **more})

    def no_faults(self) -> None:
        process.control(self.record, "DELETE", "/faults")

    def things(self) -> dict[str, list[str]]:
        """Everything that a stack of ours could leave behind, by kind.

        Log groups that SageMaker made never expire and are not the stack's: they stay, as they do on AWS.
        """
        sagemaker, scaling = self.client("sagemaker"), self.client("application-autoscaling")
        cloudwatch, hosting = self.client("cloudwatch"), {"ServiceNamespace": "sagemaker"}
        found: dict[str, list[str]] = {
            "endpoints": [entry["EndpointName"] for entry in sagemaker.list_endpoints(MaxResults=100)["Endpoints"]],
            "configs": [
                entry["EndpointConfigName"]
                for entry in sagemaker.list_endpoint_configs(MaxResults=100)["EndpointConfigs"]
            ],
            "models": [entry["ModelName"] for entry in sagemaker.list_models(MaxResults=100)["Models"]],
            "components": [
                entry["InferenceComponentName"]
                for entry in sagemaker.list_inference_components(MaxResults=100)["InferenceComponents"]
            ],
            "targets": [
                target["ResourceId"] for target in scaling.describe_scalable_targets(**hosting)["ScalableTargets"]
            ],
            "policies": [
                policy["PolicyName"] for policy in scaling.describe_scaling_policies(**hosting)["ScalingPolicies"]
            ],
            "schedules": [
                action["ScheduledActionName"]
                for action in scaling.describe_scheduled_actions(**hosting)["ScheduledActions"]
            ],
            "alarms": [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]],
            "dashboards": [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]],
            "log groups": [
                group["logGroupName"]
                for group in self.client("logs").describe_log_groups()["logGroups"]
                if "retentionInDays" in group or not group["logGroupName"].startswith("/aws/sagemaker/")
            ],
            "roles": [
                role["RoleName"]
                for role in self.client("iam").list_roles()["Roles"]
                if not role["RoleName"].startswith("cdk-")
            ],
        }
        return {kind: names for kind, names in found.items() if names}


@pytest.fixture(scope="module")
def pace() -> tuple[float, float]:
    """How many times faster than on AWS everything is that waits, and how many times faster copies answer."""
    return TIME_SCALE, 50


@pytest.fixture(scope="session")
def bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved state of an account after `cdk bootstrap`, which runs once for all tests of all workers."""

    def bootstrap(folder: Path) -> None:
        folder.mkdir()
        with _of_its_own(tmp_path_factory):
            record = process.start(
                port=0, region="us-west-2", time_scale=TIME_SCALE, speed=50, state=folder / "aws.state"
            )
            try:
                process.bootstrap(record.environment, print)
            finally:
                process.stop(record)

    return made_once("bootstrapped", bootstrap, tmp_path_factory) / "aws.state"


@contextmanager
def _of_its_own(factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the records of embedded AWSs apart from those of other tests, and find the CDK CLI."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(factory.mktemp("cache")))
        patch.setenv("PATH", f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}")
        yield


@pytest.fixture(scope="module")
def account(
    tmp_path_factory: pytest.TempPathFactory, pace: tuple[float, float], bootstrapped: Path
) -> Iterator[Account]:
    time_scale, speed = pace
    state = shutil.copy(bootstrapped, tmp_path_factory.mktemp("state"))
    with _of_its_own(tmp_path_factory):
        record = process.start(port=0, region="us-west-2", time_scale=time_scale, speed=speed, state=Path(state))
        try:
            yield Account(record)
        finally:
            process.stop(record)


Synthesise = Callable[[str], Path]


@pytest.fixture
def synthesise(
    context: dict[str, Any], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Synthesise:
    """The assembly of a `deployments.py` with this one entry."""
    import app

    def synthesised(entry: str) -> Path:
        folder = tmp_path_factory.mktemp("variant")
        (folder / "deployments.py").write_text(
            f"from replicas import Alarms, Component, Deployment, Monitoring, Security\n\nDEPLOYMENTS = [{entry}]\n"
        )
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            # The CLI asks for the paths of constructs in the metadata: without them every resource would differ.
            options = {**context, "aws:cdk:enable-path-metadata": True}
            app.main(context=options, outdir=str(folder / "cdk.out"))
        return folder / "cdk.out"

    return synthesised
