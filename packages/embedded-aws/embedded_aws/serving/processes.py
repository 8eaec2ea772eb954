"""A serving engine that runs a command: each copy is a process on this computer with its own port.

The process behaves like a container on AWS: it gets the container's environment variables, answers `/ping` when it is
ready, and takes requests on `/invocations` and `/v1/chat/completions`. Its output is the copy's log.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import NoReturn

import httpx2

from embedded_aws.serving.engine import BenchmarkOutcome, Health, Path
from replicas.errors import ServingError

PORT = "{port}"
"""Placeholder for the port in the command."""
_HOST = "127.0.0.1"
_PING_EVERY_SECONDS = 0.25
_PING_WITHIN_SECONDS = 2.0
_STOPPED_WITHIN_SECONDS = 20.0

Log = Callable[[str], None]


@dataclass(frozen=True)
class Reply:
    """A process's answer to one request."""

    status: int
    media_type: str
    parts: AsyncGenerator[Sequence[bytes]]
    tokens: int | None = None

    @property
    def is_stream(self) -> bool:
        """Whether the body is a stream of server-sent events."""
        return self.media_type == "text/event-stream"


class EngineProcess:
    """The process of one copy, from its start to its end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Log) -> None:
        """Start the process on a free port.

        Raises:
            ServingError: the command cannot be run.

        """
        self.port = _free_port()
        self.started = time.monotonic()
        self._log = log
        self._is_ready = False
        try:
            self._process = subprocess.Popen(  # noqa: S603 (the user's own command)
                [part.replace(PORT, str(self.port)) for part in command],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # children of the process end with it
            )
        except OSError as fault:
            raise ServingError(f"the engine command {command[0]!r} cannot be run: {fault.strerror}") from None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        threading.Thread(target=self._await_ping, daemon=True).start()

    @property
    def health(self) -> Health:
        """Return the health of the process."""
        if self._process.poll() is not None:
            return "failed"
        return "ready" if self._is_ready else "starting"

    def stop(self) -> None:
        """Stop the process and its children; return when it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOPPED_WITHIN_SECONDS)
        with suppress(ProcessLookupError):  # children that outlive the process
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout  # noqa: S101 (it is a pipe)
        with self._process.stdout as lines:
            for line in lines:
                if line.strip():
                    self._log(line.rstrip())
        code = self._process.wait()
        self._log(f"Error: the container ended with exit code {code}" if code > 0 else "the container has ended")

    def _await_ping(self) -> None:
        while self._process.poll() is None:
            if _answers_ping(self.port):
                self._is_ready = True
                return
            time.sleep(_PING_EVERY_SECONDS)


class ProcessEngine:
    """Runs one command for every image. An engine object belongs to one embedded AWS."""

    def __init__(self, command: str) -> None:
        """Check the command, which is split as a shell would split it.

        Raises:
            ServingError: the command does not name a program, or lacks the placeholder for the port.

        """
        try:
            self._command = shlex.split(command)
        except ValueError as fault:
            raise ServingError(f"the engine command {command!r} cannot be split into words: {fault}") from None
        if not self._command or shutil.which(self._command[0]) is None:
            raise ServingError(f"the engine command {command!r} does not name a program: give its path")
        if not any(PORT in part for part in self._command):
            raise ServingError(f"the engine command {command!r} has no {PORT}: add it where the engine takes its port")
        self._processes: dict[str, EngineProcess] = {}
        self._lock = threading.Lock()
        self._stopping: list[threading.Thread] = []

    def health(self, copy: str, environment: Mapping[str, str], timeout_seconds: float, log: Log) -> Health:
        """Return the health of a copy; the first call starts its process.

        Args:
            copy: id of the copy.
            environment: variables of its container.
            timeout_seconds: real time after which a process that is not ready has failed.
            log: receives each line that the process prints.

        """
        try:
            process = self._process(copy, environment, log)
        except ServingError as fault:
            log(f"Error: {fault}")
            return "failed"
        health = process.health
        return "failed" if health == "starting" and time.monotonic() > process.started + timeout_seconds else health

    def stop(self, copy: str) -> None:
        """Stop the process of a copy in the background, if there is one."""
        with self._lock:
            process = self._processes.pop(copy, None)
            if process is not None:
                thread = threading.Thread(target=process.stop)
                self._stopping.append(thread)
                thread.start()

    def shutdown(self) -> None:
        """Stop all processes; return when they have ended."""
        for copy in list(self._processes):
            self.stop(copy)
        for thread in self._stopping:
            thread.join()

    def container(self, *, copy: str, environment: Mapping[str, str], **_: object) -> ProcessContainer:
        """Return the container of a copy; the image is ignored."""
        return ProcessContainer(self, copy, environment)

    def _process(self, copy: str, environment: Mapping[str, str], log: Log) -> EngineProcess:
        with self._lock:
            if copy not in self._processes:
                self._processes[copy] = EngineProcess(self._command, environment, log)
            return self._processes[copy]


@dataclass(frozen=True)
class ProcessContainer:
    """The container of one copy."""

    engine: ProcessEngine
    copy: str
    environment: Mapping[str, str]

    def start(self, speed: float) -> ProcessCopy:  # noqa: ARG002 (a real engine has its own speed)
        """Return the copy's process, which is started again if the embedded AWS was restarted in the meantime.

        Raises:
            ServingError: the command cannot be run.

        """
        return ProcessCopy(self.engine._process(self.copy, self.environment, lambda _: None))

    def benchmark(self, **_: object) -> BenchmarkOutcome:
        """Refuse a benchmark job: jobs are simulated, but the copies of this engine are real processes.

        Raises:
            ServingError: always.

        """
        _refuse_benchmark()


def _refuse_benchmark() -> NoReturn:
    raise ServingError(
        "the embedded AWS only simulates benchmark jobs, but a real process serves this endpoint: use "
        "`replicas benchmark`"
    )


class ProcessCopy:
    """Sends requests to the process of a copy."""

    def __init__(self, process: EngineProcess) -> None:
        self._process = process
        self._client = httpx2.AsyncClient(base_url=f"http://{_HOST}:{process.port}", timeout=None, trust_env=False)
        self._outstanding = 0

    @property
    def outstanding(self) -> int:
        """Number of requests that the process has not answered yet."""
        return self._outstanding

    async def invoke(self, body: bytes, path: Path) -> Reply:
        """Send a request and return the answer as a stream.

        Raises:
            ServingError: the process does not answer.

        """
        request = self._client.build_request("POST", path, content=body, headers={"content-type": "application/json"})
        self._outstanding += 1
        try:
            response = await self._client.send(request, stream=True)
        except httpx2.HTTPError as fault:
            self._outstanding -= 1
            raise ServingError(f"the process of the copy does not answer ({type(fault).__name__})") from None
        media_type = response.headers.get("content-type", "application/octet-stream").partition(";")[0]
        return Reply(response.status_code, media_type, self._parts(response))

    async def _parts(self, response: httpx2.Response) -> AsyncGenerator[Sequence[bytes]]:
        try:
            async for chunk in response.aiter_bytes():
                yield [chunk]
        finally:
            self._outstanding -= 1
            await response.aclose()

    async def shutdown(self) -> None:
        """Close the connections. The engine stops the process when its copy stops."""
        await self._client.aclose()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_HOST, 0))
        port: int = free.getsockname()[1]
        return port


def _answers_ping(port: int) -> bool:
    connection = HTTPConnection(_HOST, port, timeout=_PING_WITHIN_SECONDS)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
