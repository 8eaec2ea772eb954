"""The embedded AWSs that run: each keeps a record of itself, in a folder that only the user can read."""

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
    """An embedded AWS in a process of its own."""

    port: int
    pid: int
    region: str
    state: str | None = None
    """The file that its state is saved in when it stops."""
    failure: str | None = None
    """Why the state was not saved, where it has stopped."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What boto3, the AWS CLI and the CDK need to find it."""
        return client_environment(self.url, self.region)


def client_environment(url: str, region: str = REGION) -> dict[str, str]:
    """The variables that point a client at an embedded AWS. The credentials are of nobody."""
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if getproxies().keys() & {"http", "all"}:  # a proxy does not find this computer's loopback
        around = ",".join(part for part in (getproxies().get("no"), _LOOPBACK) if part)
        environment |= {"NO_PROXY": around, "no_proxy": around}
    return environment


def write(record: Record) -> None:
    """Keep a record: the former one or the whole new one is there."""
    handle, temporary = tempfile.mkstemp(dir=folder(), suffix=".new")
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(record), file)
    Path(temporary).replace(_path(record.port))


def read(port: int) -> Record | None:
    """The record of a port; None where there is none, or one that is not understood."""
    try:
        record = Record(**json.loads(_path(port).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    known = type(record.pid) is int and record.pid > 0 and record.port == port
    return record if known and isinstance(record.region, str) else None


def forget(port: int) -> None:
    """Remove the record of a port, and the log."""
    for path in (_path(port), log_of(port)):
        path.unlink(missing_ok=True)


def log_of(port: int) -> Path:
    """What the process on a port says."""
    return folder() / f"{port}.log"


def running() -> list[Record]:
    """Those that run. What is left of processes that are no more is removed."""
    return sorted(_running(), key=lambda record: record.port)


def find(port: int | None) -> Record:
    """The one on a port; without a port, the only one.

    Raises:
        LocalError: none runs there, or several run.

    """
    records = running()
    if port is None and len(records) > 1:
        raise LocalError(f"several run: choose one with --port ({', '.join(str(record.port) for record in records)})")
    for record in records:
        if port in (None, record.port):
            return record
    where = "" if port is None else f" on port {port}"
    raise LocalError(f"no embedded AWS runs{where}: `embedded-aws start` starts one")


def answers(record: Record) -> bool | None:
    """Whether the process of a record answers on its port; None where whoever is there says nothing in time."""
    try:
        health = _asked(record, "GET", "/health", None)
    except TimeoutError:
        return None
    except (OSError, ValueError) as fault:
        return None if isinstance(getattr(fault, "reason", None), TimeoutError) else False
    return isinstance(health, dict) and health.get("pid") == record.pid


def exists(record: Record) -> bool:
    """Whether there is a process with the number of a record; it may be another by now."""
    try:
        os.kill(record.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def control(record: Record, method: str, path: str, document: object = None) -> object:
    """Ask an embedded AWS about itself: its faults.

    Raises:
        LocalError: it does not answer, or refuses.

    """
    try:
        return _asked(record, method, path, document)
    except HTTPError as refusal:
        with refusal:
            raise LocalError(f"refused: {refusal.read().decode(errors='replace')}") from None
    except (OSError, ValueError) as fault:
        raise LocalError(f"the embedded AWS on {record.url} does not answer ({fault})") from None


def folder() -> Path:
    """Where records lie.

    Raises:
        LocalError: it cannot be made, or belongs to somebody else: a record says which process is to be ended.

    """
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(cache) / "embedded-aws"
    try:
        path.mkdir(parents=True, exist_ok=True)
        about = path.stat()
        if about.st_uid != os.getuid():
            raise LocalError(f"{path} belongs to somebody else: set XDG_CACHE_HOME to a folder of your own")
        if stat.S_IMODE(about.st_mode) != 0o700:
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


def _asked(record: Record, method: str, path: str, document: object) -> object:
    body = None if document is None else json.dumps(document).encode()
    request = Request(f"{record.url}/_replicas{path}", data=body, method=method)  # noqa: S310 (loopback)
    with build_opener(ProxyHandler({})).open(request, timeout=_ANSWERS_WITHIN_SECONDS) as response:
        content = response.read()
    return json.loads(content) if content else None


def _path(port: int) -> Path:
    return folder() / f"{port}.json"
