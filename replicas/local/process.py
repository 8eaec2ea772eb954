"""`replicas local start|stop|status`: the embedded AWS in a process of its own, found again by its port."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from replicas.errors import ReplicasError

PORT = 5566
"""Default port."""
REGION = "us-west-2"
_STARTED_HERE: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this process: whoever starts one waits for its end, or it stays a zombie."""
_STARTED_WITHIN_SECONDS = 40.0
_STOPPED_WITHIN_SECONDS = 10.0


class LocalError(ReplicasError):
    """The embedded AWS cannot be started, found or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class Record:
    """A running embedded AWS."""

    port: int
    pid: int
    region: str

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
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def start(*, port: int, region: str, time_scale: float, speed: float) -> Record:
    """Start one in the background, and wait until it answers.

    Raises:
        LocalError: the port is taken, or it did not start (with the last lines of its log).

    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = folder / f"{port or 'free'}-{os.getpid()}.log"
    arguments = ["--port", str(port), "--time-scale", str(time_scale), "--speed", str(speed)]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-m", "replicas.local", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    with process.stdout:
        told = process.stdout.readline()  # the port, once it listens; nothing where it ended
    if not told:
        process.wait(_STARTED_WITHIN_SECONDS)
        lines = log.read_text().strip().splitlines()
        log.unlink()
        raise LocalError(lines[-1] if lines else f"the embedded AWS ended with code {process.returncode}")
    record = Record(int(told), process.pid, region)
    _STARTED_HERE[process.pid] = process
    log.rename(folder / f"{record.port}.log")
    (folder / f"{record.port}.json").write_text(json.dumps(asdict(record)))
    return record


def running() -> list[Record]:
    """Those that answer. Records of others are forgotten."""
    found = []
    for path in sorted(_folder().glob("*.json")):
        record = Record(**json.loads(path.read_text()))
        if _answers(record):
            found.append(record)
        else:
            _forget(record)
    return found


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
    raise LocalError(f"no embedded AWS runs{where}: `replicas local start` starts one")


def stop(record: Record) -> None:
    """End it; returns when it is gone.

    Raises:
        LocalError: it does not end.

    """
    os.kill(record.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOPPED_WITHIN_SECONDS
    while _answers(record):
        if time.monotonic() > deadline:
            raise LocalError(f"process {record.pid} does not end: kill -9 {record.pid}")
        time.sleep(0.05)
    child = _STARTED_HERE.pop(record.pid, None)
    if child:
        child.wait(_STOPPED_WITHIN_SECONDS)
    _forget(record)


def wait(record: Record) -> None:
    """Return when it has ended, or stop it with Ctrl-C."""
    try:
        while _answers(record):
            time.sleep(0.5)
    except KeyboardInterrupt:
        stop(record)
    else:
        _forget(record)


def bootstrap(environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Let the real CDK CLI bootstrap it, as an account is bootstrapped.

    Raises:
        LocalError: the CLI refuses, with its last lines.

    """
    cdk = shutil.which("cdk") or next((str(path) for path in [Path("node_modules/.bin/cdk")] if path.exists()), None)
    if cdk is None:
        tell("no CDK CLI here (make setup): it is not bootstrapped; `cdk bootstrap` does it later")
        return
    account = f"aws://123456789012/{environment['AWS_REGION']}"
    done = subprocess.run(  # noqa: S603 (the CDK's own command)
        # Not the app of this folder: bootstrapping needs none, and its synthesis takes longer.
        [cdk, "bootstrap", account, "--app", "", "--ci", "--no-notices"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LocalError("cdk bootstrap failed: " + " ".join((done.stdout + done.stderr).strip().splitlines()[-3:]))


def control(record: Record, method: str, path: str, document: object = None) -> object:
    """Ask the embedded AWS itself: its health, its faults."""
    body = None if document is None else json.dumps(document).encode()
    request = Request(f"{record.url}/_replicas{path}", data=body, method=method)  # noqa: S310 (loopback)
    with urlopen(request, timeout=5) as response:  # noqa: S310 (loopback)
        content = response.read()
    return json.loads(content) if content else None


def _answers(record: Record) -> bool:
    try:
        return control(record, "GET", "/health") == {"status": "ready"}
    except (URLError, OSError, ValueError):
        return False


def _forget(record: Record) -> None:
    for ending in ("json", "log"):
        (_folder() / f"{record.port}.{ending}").unlink(missing_ok=True)


def _folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "replicas" / "local"
