"""The embedded AWS as an object: an HTTP server on loopback, in a thread of the current process."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import uvicorn

from embedded_aws import moto_state, saved
from embedded_aws.autoscaling import ApplicationAutoScaling
from embedded_aws.clock import Clock
from embedded_aws.cloudformation import CloudFormation
from embedded_aws.cloudwatch.service import CloudWatch
from embedded_aws.faults import Faults
from embedded_aws.gateway import Gateway
from embedded_aws.quotas import ServiceQuotas
from embedded_aws.registries import Registries
from embedded_aws.sagemaker import SageMaker
from embedded_aws.service import Surroundings
from embedded_aws.serving.engine import HealthChecked, ServingEngine, installed_engine

HOST = "127.0.0.1"
SERVICES = {
    "application-autoscaling": ApplicationAutoScaling,
    "cloudformation": CloudFormation,
    "cloudwatch": CloudWatch,
    "ecr": Registries,
    "sagemaker": SageMaker,
    "service-quotas": ServiceQuotas,
}
_STARTED_WITHIN_SECONDS = 30.0


class EmbeddedAws:
    """An AWS that starts empty or from a saved state. As a context manager it stops and cleans up on exit.

    Several can run in one process. They share moto's state (S3, IAM, logs, parameters, ...), which is cleared when the
    last of them stops. Embedded AWSs in separate processes share nothing.
    """

    _running: ClassVar[set[EmbeddedAws]] = set()
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        *,
        port: int = 0,
        time_scale: float = 60.0,
        speed: float = 1.0,
        state: Path | None = None,
        engine: ServingEngine | None = None,
    ) -> None:
        """Bind the port immediately, so that no other process can take it.

        Args:
            port: port on loopback; 0 selects a free port.
            time_scale: factor by which instances and copies start and stop faster than on AWS.
            speed: factor by which the stand-in engines answer faster than the forecast.
            state: file of the saved state: loaded at start if it exists, written on stop.
            engine: serving engine that runs in the copies; default: the engine that an installed distribution provides.

        Raises:
            OSError: the port is taken.
            StateError: the state file cannot be loaded.
            ServingError: several serving engines are installed.

        """
        self._engine = engine or installed_engine()
        self._state = saved.StateFile(state) if state else None
        try:
            self._loaded = self._state.load() if self._state else None
            self._socket = self._listen(port)
        except BaseException:
            self._release_state()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.faults = Faults()
        self.clock = Clock(time_scale)
        self._regions: dict[str, Surroundings] = {}
        # moto reads this when IAM is first used: `cdk bootstrap` attaches an AWS managed policy.
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        # The gateway checks the region: moto does not know the newest regions.
        os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"
        self.gateway = Gateway(SERVICES, self._surroundings, self.faults, self.clock, self._engine, speed=speed)
        config = uvicorn.Config(
            self.gateway,
            log_level="warning",
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    @staticmethod
    def _listen(port: int) -> socket.socket:
        # Without an explicit protocol asyncio leaves Nagle's algorithm on: an answer then waits 40 ms for an ACK.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
            listening.listen()  # two sockets can bind one port until one of them listens
        except OSError:
            listening.close()
            raise
        return listening

    def _release_state(self) -> None:
        if self._state:
            self._state.release()

    def start(self) -> EmbeddedAws:
        """Start the server; return when it answers requests."""
        with self._lock:
            self._running.add(self)
        if self._loaded:
            self._restore(self._loaded)
            self._loaded = None
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_STARTED_WITHIN_SECONDS / 0.02)):
            if self._server.started:
                return self
            waited.wait(0.02)
        raise TimeoutError(f"the embedded AWS does not answer on {self.url}")

    def stop(self) -> None:
        """Stop the background threads, then the server; then save the state if there is a state file.

        Raises:
            StateError: the state cannot be saved. The server and its threads are stopped in this case too.

        """
        self.gateway.end_services()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        for surroundings in self._regions.values():
            surroundings.close()
        if isinstance(self._engine, HealthChecked):
            self._engine.shutdown()
        try:
            if self._state:
                self._state.save(self._everything())
        finally:
            self._release_state()
            with self._lock:
                self._running.discard(self)
                if not self._running:
                    moto_state.forget()

    def __enter__(self) -> EmbeddedAws:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _everything(self) -> dict[str, Any]:
        services = {key: service.state() for key, service in self.gateway.services().items()}
        return {"services": services, "moto": moto_state.collect()}

    def _restore(self, loaded: dict[str, Any]) -> None:
        moto_state.restore(loaded["moto"])
        for (name, region), state in loaded["services"].items():
            self.gateway.service(name, region).restore(state)

    def _surroundings(self, region: str) -> Surroundings:
        return self._regions.setdefault(region, Surroundings(region, self.url, self.clock, self.faults, self._engine))
