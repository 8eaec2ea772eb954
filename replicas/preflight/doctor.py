"""`replicas doctor`: checks local tools, credentials, bootstrap, quotas and secrets. Each fault comes with a fix."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code
from replicas.catalogue.regions import known_regions
from replicas.deployment.deployment import Deployment
from replicas.deployment.file import find_deployment, read_entries
from replicas.deployment.patterns import FROM_PROPS
from replicas.deployment.refused import RefusedEntry
from replicas.errors import CatalogueError, ReplicasError
from replicas.preflight.checks import Checked, State, run_check, secret_is_there
from replicas.preflight.quotas import demand_of_deployment, quota_checks

_PYTHON = (3, 11)
_NODE = 20
_BOOTSTRAP = 6
"""Lowest version of the bootstrap stack that the CDK's default synthesizer accepts."""
_BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
_PIN = Path("package.json")


@dataclass(frozen=True)
class Examination:
    """The results of `doctor`."""

    checks: tuple[Checked, ...]
    note: str | None
    """Reason why quotas and secrets were not checked; None if they were checked."""

    @property
    def is_ready(self) -> bool:
        """True if no check found a fault."""
        return all(check.state is not State.FAULT for check in self.checks)

    def to_document(self) -> list[dict[str, Any]]:
        """Return the JSON document: the list of checks."""
        return [check.to_document() for check in self.checks]


def run_doctor(
    name: str | None = None, *, region: str | None = None, report: Callable[[Checked], None] = lambda _check: None
) -> Examination:
    """Check local tools, account and region, and the quotas and secrets for the deployments of deployments.py.

    Args:
        name: check only this deployment. Default: all deployments; none if deployments.py cannot be loaded.
        region: AWS region. Default: the region that the CDK CLI would use.
        report: called with each check as soon as it is done.

    Raises:
        CatalogueError: deployments.py has no deployment of that name.

    """
    try:
        entries = [find_deployment(name)] if name else read_entries()
        deployments = [entry for entry in entries if isinstance(entry, Deployment)]
        refused = [entry.problem for entry in entries if isinstance(entry, RefusedEntry)]
        note = (
            "".join(f"{problem}: the quota and secrets of this entry were not checked\n" for problem in refused).strip()
            or None
        )
    except CatalogueError as error:
        if name:
            raise
        deployments, note = [], f"{error}: quotas and secrets were not checked"
    checks = []
    for check in _examine(region, deployments):
        checks.append(check)
        report(check)
    return Examination(tuple(checks), note)


def _examine(region: str | None, deployments: Sequence[Deployment]) -> Iterator[Checked]:
    yield _python()
    yield _node()
    yield _cdk()
    try:
        aws = Aws(region)
    except ReplicasError as error:
        yield Checked("region", State.FAULT, str(error))
        return
    yield _region(aws)
    account = run_check("credentials", lambda: _credentials(aws), refusal=State.FAULT)
    yield account
    if account.state is State.FAULT:
        return  # every further call would fail for the same reason
    yield run_check("bootstrap", lambda: _bootstrap(aws))
    yield from quota_checks(aws, list(map(demand_of_deployment, deployments)))
    components = [component for deployment in deployments for component in deployment.components]
    secrets = {component.token_secret for component in components} - {None, FROM_PROPS}
    for secret in sorted(filter(None, secrets)):
        yield run_check(f"secret {secret}", lambda secret=secret: secret_is_there(aws, secret))  # type: ignore[misc]


# ---- local tools


def _python() -> Checked:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= _PYTHON:
        return Checked("Python", State.OK, version)
    return Checked(
        "Python", State.FAULT, f"version {version}; 3.11 or newer is required", "run make PYTHON=python3.11 setup"
    )


def _node() -> Checked:
    version = _version_of("node")
    if version is None:
        return Checked("Node", State.FAULT, "not found", "run make setup, then source .venv/bin/activate")
    if int(version.split(".")[0]) < _NODE:
        fix = "run make setup, then source .venv/bin/activate"
        return Checked("Node", State.FAULT, f"version {version}; {_NODE} or newer is required", fix)
    return Checked("Node", State.OK, version)


def _cdk() -> Checked:
    version = _version_of("cdk")
    pinned = None
    if _PIN.is_file():
        pinned = json.loads(_PIN.read_text()).get("devDependencies", {}).get("aws-cdk")
    required = pinned or "2.1148.1"
    fix = (
        f"run make setup, then npx cdk; outside this project: npm install aws-cdk@{required} (3.0.0 "
        f"cannot read the assemblies)"
    )
    if version is None:
        return Checked("CDK CLI", State.FAULT, "not found", fix)
    if version.split(".")[0] != "2":
        return Checked("CDK CLI", State.FAULT, f"version {version} cannot read the cloud assemblies", fix)
    if pinned and version != pinned:
        return Checked("CDK CLI", State.UNKNOWN, f"version {version}; the pinned and tested version is {pinned}", fix)
    return Checked("CDK CLI", State.OK, version)


def _version_of(program: str) -> str | None:
    local = Path("node_modules", ".bin", program)
    path = str(local) if local.exists() else shutil.which(program)
    if path is None:
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\d+(\.\d+)+", done.stdout)
    return match[0] if match else None


# ---- account and region


def _region(aws: Aws) -> Checked:
    if aws.region in known_regions():
        return Checked("region", State.OK, aws.region)
    near = ", ".join(get_close_matches(aws.region, known_regions(), n=3)) or "us-west-2"
    return Checked("region", State.UNKNOWN, f"{aws.region} is not a known region", f"use one of these: {near}")


def _credentials(aws: Aws) -> Checked:
    identity = aws.client("sts").get_caller_identity()
    return Checked("credentials", State.OK, f"account {identity['Account']}, {identity['Arn']}")


def _bootstrap(aws: Aws) -> Checked:
    fix = f"npx cdk bootstrap (once per account and region; this region is {aws.region})"
    try:
        value = aws.client("ssm").get_parameter(Name=_BOOTSTRAP_PARAMETER)["Parameter"]["Value"]
    except ClientError as fault:
        if error_code(fault) == "ParameterNotFound":
            return Checked("bootstrap", State.FAULT, f"{aws.region} is not bootstrapped for the CDK", fix)
        raise
    if int(value) < _BOOTSTRAP:
        return Checked("bootstrap", State.FAULT, f"version {value}; {_BOOTSTRAP} or newer is required", fix)
    return Checked("bootstrap", State.OK, f"version {value}")
