"""`replicas preflight`: checks whether a deployment of a template would succeed now and keep all live copies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.deployed import IN_REVIEW, find_stack
from replicas.aws.session import Aws, explain
from replicas.errors import OperationError
from replicas.preflight.account import account_checks
from replicas.preflight.checks import Checked, State
from replicas.preflight.live import live_checks, read_live
from replicas.preflight.needs import declared_in, needs_of
from replicas.preflight.room import Live
from replicas.preflight.taken import name_checks
from replicas.rules import check
from replicas.template.assertions import refusal_of
from replicas.template.load import load

_ASSEMBLY = Path("cdk.out")
_CATALOGUE = Path("deployments.py")


@dataclass(frozen=True)
class Preflight:
    """The results of a preflight for one template."""

    name: str
    region: str
    template: Path
    checks: tuple[Checked, ...]

    @property
    def is_ready(self) -> bool:
        """True if no check found a fault."""
        return all(check.state is not State.FAULT for check in self.checks)

    @property
    def unknown(self) -> int:
        """Number of checks that could not be completed."""
        return sum(check.state is State.UNKNOWN for check in self.checks)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.preflight.document.PreflightDocument`)."""
        return {
            "schema": "replicas.preflight/1",
            "name": self.name,
            "region": self.region,
            "template": str(self.template),
            "is_ready": self.is_ready,
            "checks": [check.to_document() for check in self.checks],
        }


def run_preflight(name: str, *, template: Path | None = None, region: str | None = None) -> Preflight:
    """Check a template against the account and the live stack, before it is deployed.

    Args:
        name: name of the stack.
        template: template file. Default: cdk.out/NAME.template.json, as `cdk synth` writes it.
        region: AWS region. Default: the region that the CDK CLI would use.

    Raises:
        OperationError: the template file does not exist.
        ProofError: the file is not a CloudFormation template.

    """
    path = find_template(name, template)
    aws = Aws(region)
    return Preflight(name, aws.region, path, tuple(_checks(aws, name, path)))


def find_template(name: str, given: Path | None) -> Path:
    """Return the path of a deployment's template: `given`, or else the template in cdk.out.

    Raises:
        OperationError: the file does not exist; the message says how to create it.

    """
    path = given or _ASSEMBLY / f"{name}.template.json"
    if not path.is_file():
        fix = f"run `npx cdk synth --quiet {name}`, or name another file with --template"
        raise OperationError(f"there is no template {path}" + ("" if given else f": {fix}"))
    return path


def _checks(aws: Aws, name: str, path: Path) -> Iterator[Checked]:
    """Run all checks, also after a failed check. Only failed credentials end the checks.

    Raises:
        ProofError: the file at `path` is not a CloudFormation template.

    """
    template = load(path)
    yield _freshness(name, path)
    if refusal := refusal_of(template):
        fix = f"replicas plan {name} shows what to change; then npx cdk synth --quiet {name}"
        yield Checked("refused", State.FAULT, f"CloudFormation refuses this template: {refusal}", fix)
        return  # the template of a refused entry contains no resources to check
    yield from _proof(aws, template)
    try:
        account = str(aws.client("sts").get_caller_identity()["Account"])
    except (ClientError, BotoCoreError) as fault:
        yield Checked("credentials", State.FAULT, str(explain(fault)))
        return  # every further call would fail for the same reason
    declared = declared_in(template, aws.region)
    live: Live | None = None
    can_compare = True
    try:
        stack = find_stack(aws, name)
        is_deployed = stack is not None and stack["StackStatus"] != IN_REVIEW
        live = read_live(aws, stack) if stack and is_deployed else None
        if not is_deployed:
            yield Checked(f"stack {name}", State.OK, "the stack is new: no copies are removed or replaced")
    except (ClientError, BotoCoreError) as fault:
        can_compare = False
        yield Checked(f"stack {name}", State.UNKNOWN, f"the deployed stack could not be compared: {explain(fault)}")
    if live is not None:
        yield from live_checks(aws, name, declared, live)
        if not _in_common(live, template):
            explanation = (
                f"a stack of {len(live.names)} other resources has this name: the deployment would delete all "
                f"these resources"
            )
            yield Checked(f"stack name {name}", State.FAULT, explanation, "give the deployment another name")
    if can_compare:
        yield from name_checks(aws, name, account, declared, live)
    needs = needs_of(declared, account)
    yield from account_checks(aws, name, needs)
    for sentence in needs.unknown:
        yield Checked("unknown value", State.UNKNOWN, sentence)


def _in_common(live: Live, template: Mapping[str, Any]) -> bool:
    """Return whether the live stack and the template have a resource in common. True for a stack without resources."""
    return not live.names or any(logical_id in template.get("Resources", {}) for logical_id in live.names)


def _freshness(name: str, path: Path) -> Checked:
    if _CATALOGUE.is_file() and path.parent == _ASSEMBLY and path.stat().st_mtime < _CATALOGUE.stat().st_mtime:
        explanation = f"{path} is older than {_CATALOGUE}, so the next deployment may deploy a different template"
        return Checked("template", State.UNKNOWN, explanation, f"npx cdk synth --quiet {name}")
    return Checked("template", State.OK, str(path))


def _proof(aws: Aws, template: Mapping[str, Any]) -> Iterator[Checked]:
    """Run the rules of `replicas check`, for example whether the copies fit and the region has the instance types."""
    report = check(template, region=aws.region)
    for finding in report.problems:
        yield Checked(f"proof {finding.logical_id}", State.FAULT, f"{finding.what} [{finding.rule}]", finding.fix)
    for question in report.unjudged:
        sentence = f"{question.question} is not judged: {question.why}"
        yield Checked(f"proof {question.logical_id}", State.UNKNOWN, sentence)
    if not report.problems and not report.unjudged:
        yield Checked("proof", State.OK, f"the copies fit, and {aws.region} has the instance types")
