"""Support for handlers: retries of throttled calls, interruptible waits, and failure reasons for stack events."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from embedded_aws.clock import Clock
from embedded_aws.cloudformation.handlers.handler import HandlerError
from embedded_aws.cloudformation.state import new_id
from embedded_aws.evidence import ASSUMED
from embedded_aws.service import ACCOUNT, ServiceError

_SHORTEST_PAUSE_SECONDS = 0.02
_ATTEMPTS = 8
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
    }
)


class StoppedError(Exception):
    """The embedded AWS is stopping."""


class ResourceFailedError(Exception):
    """A resource could not be created, updated or deleted. The reason is recorded in its event."""


Pause = Callable[[float], None]


class RetryingClient:
    """Wraps a boto3 client: throttled calls are retried with exponential backoff, as AWS's handlers do."""

    def __init__(self, client: Any, pause: Pause) -> None:
        self._client = client
        self._pause = pause

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not callable(attribute) or name in ("get_paginator", "get_waiter", "close"):
            return attribute

        def call(**arguments: Any) -> Any:
            try:
                return retrying(attribute, **arguments)
            except ClientError as error:
                answer: dict[str, Any] = cast("dict[str, Any]", error.response)
                answer["Service"] = self._client.meta.service_model.service_id.replace(" ", "")
                raise

        retrying = Retrying(
            retry=retry_if_exception(_is_throttled),
            wait=wait_exponential(multiplier=2, max=30),
            stop=stop_after_attempt(_ATTEMPTS),
            sleep=self._pause,
            reraise=True,
        )
        return call


def _is_throttled(error: BaseException) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _THROTTLED


class HandlerWork:
    """Implements `Work` for one resource. `changed` names the properties that an update changes."""

    def __init__(
        self,
        *,
        stack_name: str,
        stack_id: str,
        logical_id: str,
        region: str,
        clock: Clock,
        client: Callable[[str], Any],
        pause: Pause,
        started: Callable[[str], None],
        changed: frozenset[str] = frozenset(),
        rolling_back: bool = False,
    ) -> None:
        self.stack_name = stack_name
        self.stack_id = stack_id
        self.logical_id = logical_id
        self.region = region
        self.account = ACCOUNT
        self.changed = changed
        self.rolling_back = rolling_back
        self.started = started
        self._clock = clock
        self._client = client
        self._pause = pause

    def client(self, service: str) -> Any:
        """Return a client of a service that retries throttled calls."""
        return RetryingClient(self._client(service), self._pause)

    def until(self, stable: Callable[[], bool], *, every_seconds: float = 5.0, at_most_minutes: float = 120.0) -> None:
        """Poll until the resource is stable.

        Interval and limit are AWS's times, before scaling by the clock.

        Raises:
            HandlerError: the limit was exceeded.

        """
        end = time.monotonic() + self._clock.here(at_most_minutes * 60)
        while not stable():
            if time.monotonic() > end:
                raise HandlerError(
                    f"Resource {self.logical_id} did not stabilize within {at_most_minutes:g} minutes", ASSUMED
                )
            self._pause(every_seconds)


def pause_on(stop: Any, clock: Clock) -> Pause:
    """Return a function that sleeps for a number of AWS's seconds. It raises `StoppedError` when `stop` is set."""

    def pause(seconds: float) -> None:
        if stop.wait(max(clock.here(seconds), _SHORTEST_PAUSE_SECONDS)):
            raise StoppedError

    return pause


def reason_of(error: Exception) -> str:
    """Return the status reason for a failed resource, worded as in CloudFormation's events."""
    if isinstance(error, ServiceError):
        return error.message
    if isinstance(error, HandlerError):
        message, code = error.message, error.code
    elif isinstance(error, ClientError):
        details, about = error.response["Error"], error.response.get("ResponseMetadata", {})
        status = int(about.get("HTTPStatusCode", 400))
        origin = f"Service: {error.response.get('Service', 'Unknown')}, Status Code: {status}"
        message = f"{details['Message']} ({origin}, Request ID: {about.get('RequestId', new_id())})"
        code = _handler_error_code(details["Code"], details["Message"], status)
    elif isinstance(error, BotoCoreError):
        message, code = str(error), "InvalidRequest"
    else:
        message, code = f"{type(error).__name__}: {error}", "InternalFailure"
    return f'Resource handler returned message: "{message}" (RequestToken: {new_id()}, HandlerErrorCode: {code})'


def _handler_error_code(code: str, message: str, status: int) -> str:
    words = f"{code} {message}".lower()
    if status >= 500:
        return "ServiceInternalError"
    for handler_code, patterns in (
        ("Throttling", ("throttl", "toomanyrequests")),
        ("AccessDenied", ("accessdenied", "access denied", "not authorized")),
        ("ServiceLimitExceeded", ("limitexceeded", "limit exceeded")),
        ("AlreadyExists", ("alreadyexist", "already exist")),
        ("NotFound", ("notfound", "could not find", "nosuch", "not found", "does not exist")),
        ("ResourceConflict", ("conflict", "inuse", "in use")),
        ("InvalidRequest", ("validation", "invalid", "malformed")),
    ):
        if any(pattern in words for pattern in patterns):
            return handler_code
    return "GeneralServiceException"
