"""The result of a check, and helpers shared by `doctor` and `preflight`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.session import Aws, error_code, explain


class State(StrEnum):
    """Outcome of a check; UNKNOWN if the check could not be completed."""

    OK = "ok"
    FAULT = "fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Checked:
    """Result of one check: subject, outcome, explanation, and the command that corrects a fault."""

    what: str
    state: State
    said: str
    fix: str = ""

    def to_document(self) -> dict[str, str]:
        """Return the JSON document (`replicas.preflight.document.CheckDocument`)."""
        return {"schema": "replicas.preflight-check/1", **asdict(self)}


def run_check(what: str, check: Callable[[], Checked], *, refusal: State = State.UNKNOWN) -> Checked:
    """Run a check that calls AWS. If a call fails, return the state `refusal` with the reason."""
    try:
        return check()
    except (ClientError, BotoCoreError) as fault:
        return Checked(what, refusal, str(explain(fault)))


def secret_is_there(aws: Aws, secret: str) -> Checked:
    """Check that a secret exists and is not scheduled for deletion. Its value is not read."""
    what = f"secret {secret}"
    try:
        described = aws.client("secretsmanager").describe_secret(SecretId=secret)
    except ClientError as fault:
        if error_code(fault) == "ResourceNotFoundException":
            fix = f"aws secretsmanager create-secret --name {secret} --secret-string file:///dev/stdin"
            return Checked(what, State.FAULT, f"it does not exist in {aws.region}", fix)
        raise
    if described.get("DeletedDate"):
        fix = f"aws secretsmanager restore-secret --secret-id {secret}"
        return Checked(what, State.FAULT, "it is scheduled for deletion", fix)
    return Checked(what, State.OK, "it exists, and its value was not read")
