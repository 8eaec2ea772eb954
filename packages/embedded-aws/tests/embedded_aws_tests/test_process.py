"""An embedded AWS in a process of its own: found again, stopped by nobody's mistake, and nothing is left of it."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws import process, records
from embedded_aws.process import LocalError, Record
from embedded_aws_tests.fleet import STACK, client, component, copies, put_hosting
from embedded_aws_tests.support import settled

QUICK: dict[str, Any] = {"port": 0, "region": "us-west-2", "time_scale": 3000, "speed": 200}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "embedded-aws"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is no embedded AWS."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield other
    assert other.poll() is None, "it was ended although it is nobody's business"
    other.kill()
    other.wait()


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def use(monkeypatch: pytest.MonkeyPatch, record: Record) -> None:
    """Every client goes there from now on."""
    for variable, value in record.environment.items():
        monkeypatch.setenv(variable, value)


@contextlib.contextmanager
def listening(answer: object = None) -> Iterator[int]:
    """The port of a program that answers everything so; without an answer it never does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    if answer is None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            yield silent.getsockname()[1]
        return
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


# ---- its life


def test_a_deployment_survives_a_restart(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / "aws.state"
    first = process.start(**QUICK, state=state)
    use(monkeypatch, first)
    assert put_hosting("create_stack", copies=2) == "CREATE_COMPLETE"
    with pytest.raises(LocalError, match=rf"on port {first.port} uses {state}: stop it or name another file"):
        process.start(**QUICK, state=state)
    process.stop(first)
    assert files_of(folder) == []

    second = process.start(**QUICK, state=state)
    try:
        use(monkeypatch, second)
        (endpoint,) = client("sagemaker").list_endpoints()["Endpoints"]
        assert (endpoint["EndpointStatus"], component()["InferenceComponentStatus"]) == ("InService", "InService")
        assert settled(STACK)["StackStatus"] == "CREATE_COMPLETE"

        assert put_hosting("update_stack", copies=3) == "UPDATE_COMPLETE"
        assert copies() == (3, 3)

        client("cloudformation").delete_stack(StackName=STACK)
        assert settled(STACK) == {}
        assert client("sagemaker").list_endpoints()["Endpoints"] == []
        assert client("sagemaker").list_models()["Models"] == []
    finally:
        process.stop(second)


def test_two_run_side_by_side_and_share_nothing(folder: Path) -> None:
    started: list[Record] = []
    threads = [threading.Thread(target=lambda: started.append(process.start(**QUICK))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        one, other = (boto3.client("sqs", endpoint_url=record.url, region_name="us-west-2") for record in started)
        one.create_queue(QueueName="queue")

        assert {record.port for record in process.running()} == {record.port for record in started}
        assert other.list_queues().get("QueueUrls", []) == []
        with pytest.raises(LocalError, match=r"several embedded AWSs are running: select one with --port \(\d+, \d+\)"):
            process.find(None)
        assert process.find(started[0].port) == started[0]
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in folder.glob("*.json")} == {0o600}
        taken = started[0].port
        with pytest.raises(
            LocalError, match=rf"already runs on port {taken}: stop it with `embedded-aws stop --port {taken}`"
        ):
            process.start(**{**QUICK, "port": taken})
    finally:
        os.kill(started[0].pid, signal.SIGTERM)  # as `kill` does: the process itself removes what is of it
        process.wait(started[0], lambda: None)
        assert [record.port for record in process.running()] == [started[1].port]
        process.stop(started[1])
    assert files_of(folder) == []
    for record in started:
        assert not records.exists(record)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", record.port), timeout=2)


def test_a_port_that_another_program_has_is_named(folder: Path) -> None:
    with listening() as port, pytest.raises(LocalError) as refused:
        process.start(**{**QUICK, "port": port})

    assert str(refused.value) == f"port {port} cannot be used (Address already in use): --port 0 selects a free port"
    assert files_of(folder) == []


def test_a_state_that_is_not_to_be_loaded_is_named(tmp_path: Path, folder: Path) -> None:
    state = tmp_path / "aws.state"
    state.write_text("{}\n")
    state.chmod(0o600)

    with pytest.raises(
        LocalError, match=rf"^{state} is not a state of an embedded AWS: name another file with --state$"
    ):
        process.start(**QUICK, state=state)
    assert files_of(folder) == []


def test_ctrl_c_while_it_starts_leaves_no_process_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Watched)
    monkeypatch.setattr(select, "select", interrupt)

    with pytest.raises(KeyboardInterrupt):
        process.start(**QUICK)

    assert started[0].returncode is not None
    assert files_of(folder) == []


# ---- records that are not true any more


def test_a_record_of_a_dead_process_is_forgotten_with_its_log(folder: Path) -> None:
    records.write(Record(5566, dead_pid(), "us-west-2"))
    records.log_of(5566).write_text("last words")

    assert process.running() == []
    assert files_of(folder) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"port": 5566, "pid": -1, "region": "x"}', '{"por": 1}'])
def test_a_record_that_means_nothing_is_forgotten(folder: Path, content: str) -> None:
    records.folder()
    (folder / "5566.json").write_text(content)

    assert process.running() == []
    assert files_of(folder) == []


def test_a_process_that_took_the_number_is_not_ended(sleeper: subprocess.Popen[bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        free = once.getsockname()[1]
    record = Record(free, sleeper.pid, "us-west-2")
    records.write(record)

    assert process.running() == []
    with pytest.raises(LocalError, match=f"no embedded AWS is running on port {free}: "):
        process.find(free)
    with pytest.raises(LocalError, match=f"the embedded AWS on port {free} has already ended"):
        process.stop(record)


@pytest.mark.parametrize("answer", [{"status": "ready", "pid": 1}, {"status": "ready"}, ["ready"], "ready"])
def test_a_program_that_took_the_port_is_not_ended(sleeper: subprocess.Popen[bytes], answer: object) -> None:
    with listening(answer) as port:
        record = Record(port, sleeper.pid, "us-west-2")
        records.write(record)

        assert process.running() == []
        with pytest.raises(LocalError, match=f"the embedded AWS on port {port} has already ended"):
            process.stop(record)


def test_what_does_not_answer_is_not_ended_but_named(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_ANSWERS_WITHIN_SECONDS", 0.05)
    with listening() as port:
        record = Record(port, sleeper.pid, "us-west-2")
        records.write(record)

        assert process.running() == [record], "it may only be busy"
        with pytest.raises(LocalError, match=rf"does not answer: try again, or .* `kill {sleeper.pid}`$"):
            process.stop(record)


def test_a_folder_of_somebody_else_is_not_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = records.folder().stat().st_uid
    monkeypatch.setattr(os, "getuid", lambda: own + 1)

    with pytest.raises(LocalError, match="belongs to another user: set XDG_CACHE_HOME"):
        process.running()


def test_a_folder_that_others_could_write_is_closed(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o777)

    process.running()

    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(LocalError, match=r"cannot be used \(Not a directory\): set XDG_CACHE_HOME to another folder"):
        process.running()


# ---- bootstrapping


def test_a_cdk_that_refuses_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cdk = tmp_path / "cdk"
    cdk.write_text("#!/bin/sh\nprintf 'one\\ntwo\\nthree\\n'; echo four >&2; exit 1\n")
    cdk.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(LocalError, match=r"^cdk bootstrap failed: two three four$"):
        process.bootstrap(Record(1, 1, "us-west-2").environment, print)


def test_the_cdk_gets_the_environment_and_no_profile_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk = tmp_path / "cdk"
    cdk.write_text(f'#!/bin/sh\necho "$AWS_ENDPOINT_URL|$AWS_PROFILE|$AWS_REGION|$*" > {tmp_path}/told\n')
    cdk.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("AWS_PROFILE", "production")

    process.bootstrap(Record(7, 1, "eu-west-1").environment, print)

    told = (tmp_path / "told").read_text()
    assert told.startswith("http://127.0.0.1:7||eu-west-1|bootstrap aws://123456789012/eu-west-1 ")


def test_without_a_cdk_it_is_said_and_not_bootstrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    told: list[str] = []

    process.bootstrap({"AWS_REGION": "us-west-2"}, told.append)

    assert told == ["the embedded AWS is not bootstrapped: install the CDK CLI (make setup) and run `cdk bootstrap`"]
