"""The embedded AWS as one object: it listens on loopback, in a thread of the process that starts it."""

from __future__ import annotations

import os
import socket
import threading
from types import TracebackType

import uvicorn

from replicas.local.autoscaling import ApplicationAutoScaling
from replicas.local.clock import Clock
from replicas.local.cloudformation import CloudFormation
from replicas.local.faults import Faults
from replicas.local.gateway import Gateway
from replicas.local.quotas import ServiceQuotas
from replicas.local.sagemaker import SageMaker
from replicas.local.service import Surroundings

HOST = "127.0.0.1"
SERVICES = {
    "application-autoscaling": ApplicationAutoScaling,
    "cloudformation": CloudFormation,
    "sagemaker": SageMaker,
    "service-quotas": ServiceQuotas,
}
_STARTED_WITHIN_SECONDS = 30.0


class EmbeddedAws:
    """An AWS of its own, with no state but what is done to it. A context manager: leaving it leaves nothing behind."""

    def __init__(self, *, port: int = 0, time_scale: float = 60.0, speed: float = 1.0) -> None:
        """Bind the port at once, so that nobody else gets it.

        Args:
            port: on loopback; 0 takes a free one.
            time_scale: how many times faster than on AWS instances and copies start and stop.
            speed: how many times faster than their plan says the stand-in engines answer.

        Raises:
            OSError: the port is taken.

        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((HOST, port))
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://{HOST}:{self.port}"
        self.faults = Faults()
        self._clock = Clock(time_scale)
        # moto reads this when IAM is first used: CDK's bootstrap attaches a policy of AWS's own.
        os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
        self.gateway = Gateway(SERVICES, self._surroundings, speed=speed)
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

    def start(self) -> EmbeddedAws:
        """Listen; returns when requests are answered."""
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_STARTED_WITHIN_SECONDS / 0.02)):
            if self._server.started:
                return self
            waited.wait(0.02)
        raise TimeoutError(f"the embedded AWS does not answer on {self.url}")

    def stop(self) -> None:
        """Stop answering and everything that runs in the background."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def __enter__(self) -> EmbeddedAws:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _surroundings(self, region: str) -> Surroundings:
        return Surroundings(region, self.url, self._clock, self.faults)
