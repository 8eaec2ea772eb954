"""Records of the running embedded AWSs: one JSON file each, in a folder that only the user can read."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener, getproxies

from replicas.errors import ReplicasError

REGION = "us-west-2"
_ANSWERS_WITHIN_SECONDS = 5.0
_LOOPBACK = "127.0.0.1,localhost,.localhost"


class LocalError(ReplicasError):
    """The embedded AWS cannot be started, found or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class Record:
    """An embedded AWS that runs in a separate process."""

    port: int
    pid: int
    region: str
    state: str | None = None
    """File to which the state is saved at the end; None if the state is not kept."""
    failure: str | None = None
    """Reason why the state could not be saved at the end; None if it was saved."""

    @property
    def url(self) -> str:
        """URL of the embedded AWS."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point boto3, the AWS CLI and the CDK to the embedded AWS."""
        return client_environment(self.url, self.region)


def client_environment(url: str, region: str = REGION) -> dict[str, str]:
    """Environment variables that point AWS clients to an embedded AWS. The credentials are dummies."""
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if getproxies().keys() & {"http", "all"}:  # a proxy cannot reach this computer's loopback
        no_proxy = ",".join(entry for entry in (getproxies().get("no"), _LOOPBACK) if entry)
        environment |= {"NO_PROXY": no_proxy, "no_proxy": no_proxy}
    return environment


def write(record: Record) -> None:
    """Write a record atomically: readers see the previous record or the complete new one."""
    handle, temporary = tempfile.mkstemp(dir=folder(), suffix=".new")
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(record), file)
    Path(temporary).replace(_path(record.port))


def read(port: int) -> Record | None:
    """Return the record of a port; None if it does not exist or is not valid."""
    try:
        record = Record(**json.loads(_path(port).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    is_valid = type(record.pid) is int and record.pid > 0 and record.port == port
    return record if is_valid and isinstance(record.region, str) else None


def forget(port: int) -> None:
    """Delete the record and the log of a port."""
    for path in (_path(port), log_of(port)):
        path.unlink(missing_ok=True)


def log_of(port: int) -> Path:
    """Log file of the process on a port."""
    return folder() / f"{port}.log"


def running() -> list[Record]:
    """Return the running embedded AWSs, by port. Records of processes that no longer exist are deleted."""
    return sorted(_running(), key=lambda record: record.port)


def find(port: int | None) -> Record:
    """Return the embedded AWS on a port; without a port, the only running one.

    Raises:
        LocalError: no embedded AWS runs on the port, or several run and no port is given.

    """
    records = running()
    if port is None and len(records) > 1:
        raise LocalError(
            f"several embedded AWSs are running: select one with --port "
            f"({', '.join(str(record.port) for record in records)})"
        )
    for record in records:
        if port in (None, record.port):
            return record
    where = "" if port is None else f" on port {port}"
    raise LocalError(f"no embedded AWS is running{where}: start one with `embedded-aws start`")


def answers(record: Record) -> bool | None:
    """Return whether the process of a record answers on its port; None if the request times out."""
    try:
        health = _control_request(record, "GET", "/health", None)
    except TimeoutError:
        return None
    except (OSError, ValueError) as fault:
        return None if isinstance(getattr(fault, "reason", None), TimeoutError) else False
    return isinstance(health, dict) and health.get("pid") == record.pid


def exists(record: Record) -> bool:
    """Return whether the process of a record exists. Another process may have reused its id."""
    try:
        os.kill(record.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def control(record: Record, method: str, path: str, document: object = None) -> object:
    """Send a request to the control API of an embedded AWS and return its JSON answer.

    Raises:
        LocalError: the embedded AWS does not answer, or refuses the request.

    """
    try:
        return _control_request(record, method, path, document)
    except HTTPError as refusal:
        with refusal:
            reason = refusal.read().decode(errors="replace")
            raise LocalError(f"the embedded AWS on {record.url} refuses the request: {reason}") from None
    except (OSError, ValueError) as fault:
        raise LocalError(f"the embedded AWS on {record.url} does not answer ({fault})") from None


def folder() -> Path:
    """Return the folder of the records, created with mode 0700.

    Raises:
        LocalError: the folder cannot be created or belongs to another user, whose records must not be trusted: `stop`
            ends the process that a record names.

    """
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(cache) / "embedded-aws"
    try:
        path.mkdir(parents=True, exist_ok=True)
        status = path.stat()
        if status.st_uid != os.getuid():
            raise LocalError(f"{path} belongs to another user: set XDG_CACHE_HOME to a folder of your own")
        if stat.S_IMODE(status.st_mode) != 0o700:
            path.chmod(0o700)
    except OSError as fault:
        raise LocalError(f"{path} cannot be used ({fault.strerror}): set XDG_CACHE_HOME to another folder") from None
    return path


def _running() -> Iterator[Record]:
    for path in folder().glob("*.json"):
        record = read(int(path.stem)) if path.stem.isdecimal() else None
        if record is None or not exists(record):
            path.unlink(missing_ok=True)
            path.with_suffix(".log").unlink(missing_ok=True)
        elif answers(record) in (True, None):
            yield record


def _control_request(record: Record, method: str, path: str, document: object) -> object:
    body = None if document is None else json.dumps(document).encode()
    request = Request(f"{record.url}/_replicas{path}", data=body, method=method)  # noqa: S310 (loopback)
    with build_opener(ProxyHandler({})).open(request, timeout=_ANSWERS_WITHIN_SECONDS) as response:
        content = response.read()
    return json.loads(content) if content else None


def _path(port: int) -> Path:
    return folder() / f"{port}.json"
