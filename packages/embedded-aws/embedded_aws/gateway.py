"""HTTP entry point: an ASGI app that routes each request to this package's services, SageMaker Runtime or moto."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn, cast

from a2wsgi import WSGIMiddleware
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from werkzeug.exceptions import MethodNotAllowed, NotFound

from embedded_aws.clock import Clock
from embedded_aws.evidence import ASSUMED, LIMIT, documented
from embedded_aws.faults import FaultKind, Faults, fault_from
from embedded_aws.sagemaker import SageMaker
from embedded_aws.service import ACCOUNT, Service, ServiceError, Surroundings
from embedded_aws.serving.engine import ServingEngine
from embedded_aws.serving.runtime import Serving
from embedded_aws.wire import Call, answer_to, call_of, error_to, not_supported, parameters_of
from replicas.rules.hosting import regions

CONTROL = "/_replicas"
"""Path prefix of the embedded AWS's control API: health, injected faults and calendar."""

_HOSTS = re.compile(r"(?:127\.0\.0\.1|localhost|[\w.-]+\.localhost)(?::\d+)?")
_MOTO_WORKERS = 16


class Gateway:
    """Routes each request to a service of this package or to SageMaker Runtime, and all other requests to moto."""

    def __init__(
        self,
        services: Mapping[str, type[Service]],
        surroundings_of: Callable[[str], Surroundings],
        faults: Faults,
        clock: Clock,
        engine: ServingEngine,
        *,
        speed: float = 1.0,
    ) -> None:
        """Create the gateway. It creates one object per service and region, on the first request.

        Args:
            services: service classes by botocore's service name.
            surroundings_of: function that returns the `Surroundings` of a region's services.
            faults: the faults to inject.
            clock: clock whose calendar the control API can set.
            engine: serving engine that runs in the containers of copies.
            speed: factor by which the stand-in engines answer faster than the forecast.

        """
        self._classes = services
        self._surroundings_of = surroundings_of
        self._services: dict[tuple[str, str], Service] = {}
        self._lock = threading.Lock()
        self._faults = faults
        self._clock = clock
        self._regions = regions()
        self.serving = Serving(self._sagemaker, faults, engine, speed=speed)
        self._moto = cast("Any", WSGIMiddleware)(DomainDispatcherApplication(_moto_app), _MOTO_WORKERS)

    def service(self, name: str, region: str) -> Service:
        """Return the service of a region; create it on first use."""
        with self._lock:
            if (name, region) not in self._services:
                self._services[name, region] = self._classes[name](self._surroundings_of(region))
            return self._services[name, region]

    def services(self) -> dict[tuple[str, str], Service]:
        """Return the services created so far, by name and region."""
        with self._lock:
            return dict(self._services)

    def end_services(self) -> None:
        """Stop the background threads of all services. Requests are still answered until running work has finished."""
        for service in self.services().values():
            service.shutdown()

    def _sagemaker(self, region: str) -> SageMaker:
        return cast("SageMaker", self.service("sagemaker", region))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # start-up and shutdown of the server
            await self._lifespan(receive, send)
            return
        request = Request(scope, receive)
        if not _is_local(request):
            refusal = Response("the embedded AWS answers only requests of programs on this computer", 403)
            await refusal(scope, receive, send)
            return
        body = await request.body()
        call = call_of(request, body)
        try:
            response = await self._answer(call, request, body)
        except ServiceError as error:
            response = error_to(call, error)
        if response is None:
            await self._moto_answers(call, scope, _replayed(body, receive), send)
        else:
            await response(scope, _replayed(body, receive), send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.serving.shutdown()
                self._moto.executor.shutdown(wait=False)  # running requests may still need this event loop
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _answer(self, call: Call, request: Request, body: bytes) -> Response | None:
        """Return the response of this package; None if moto must answer the request."""
        if request.url.path.startswith(CONTROL):
            return self._control(request, body)
        if call.region is not None and call.region not in self._regions:
            raise _unknown_region(call, call.region)
        if call.names_its_operation:
            self._strike(call)
        if call.is_invocation:
            answer: Response = await self.serving.answer(request, call.region)
            return answer
        if call.action == "cloudtrail:LookupEvents":
            # The CDK CLI reads failure reasons from CloudTrail, and waits for a long time if it gets no response.
            return JSONResponse({"Events": []})
        if call.service not in self._classes or call.region is None or not call.names_its_operation:
            return None
        return await run_in_threadpool(self._served, call, call.region, body)

    def _served(self, call: Call, region: str, body: bytes) -> Response | None:
        """Validate a call and run its operation; None if the service leaves the valid call to moto."""
        method = self.service(call.service, region).method(call.operation)
        parameters = parameters_of(call, body)
        return answer_to(call, method(parameters)) if method else None

    def _strike(self, call: Call) -> None:
        """Raise the error of an injected fault that matches the call."""
        for kind, (code, message) in _REFUSALS.items():
            if self._faults.strike(kind, call.action):
                # The query protocol drops the suffix `Exception` from the code; the JSON protocol always answers 400.
                error_code = code.removesuffix("Exception") if call.protocol == "query" else code
                status = 400 if call.protocol == "json" or kind is FaultKind.THROTTLING else 403
                raise ServiceError(
                    error_code,
                    message.format(action=call.action),
                    documented("IAM User Guide, common errors of the AWS APIs"),
                    status=status,
                )

    async def _moto_answers(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        """Let moto answer. An unknown operation or an exception in moto becomes an AWS error response."""
        response_started = False

        async def tracked_send(message: Message) -> None:
            nonlocal response_started
            response_started = True
            await send(message)

        try:
            await self._moto(scope, receive, tracked_send)
        except Exception as fault:  # an exception in moto must not become an HTML error page
            if response_started:
                raise
            error = _error_of(call, fault)
            await error_to(call, error)(scope, receive, send)

    def _control(self, request: Request, body: bytes) -> Response:
        match request.method, request.url.path.removeprefix(CONTROL):
            case "GET", "/health":
                return JSONResponse({"status": "ready", "pid": os.getpid()})
            case "GET", "/faults":
                return JSONResponse([vars(fault) for fault in self._faults.pending()])
            case "POST", "/faults":
                try:
                    self._faults.add(fault_from(body))
                except ValueError as fault:
                    return JSONResponse({"message": str(fault)}, 400)
            case "DELETE", "/faults":
                self._faults.clear()
            case "GET", "/calendar":
                return JSONResponse(self._calendar())
            case "POST", "/calendar":
                try:
                    self._clock.turn_calendar(_moment(json.loads(body)["moment"]))
                except (ValueError, TypeError, LookupError) as fault:
                    return JSONResponse(
                        {"message": f"expected a time in the future such as 2026-11-23T08:00:00Z: {fault}"}, 400
                    )
                return JSONResponse(self._calendar())
            case _:
                return JSONResponse({"message": "not found"}, 404)
        return Response(status_code=204)

    def _calendar(self) -> dict[str, str]:
        return {"moment": datetime.fromtimestamp(self._clock.calendar(), UTC).isoformat()}


_REFUSALS = {
    FaultKind.THROTTLING: ("ThrottlingException", "Rate exceeded"),
    FaultKind.EXPIRED_CREDENTIALS: (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    FaultKind.ACCESS_DENIED: (
        "AccessDeniedException",
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/local is not authorized to perform: {{action}} because no "
        "identity-based policy allows the {action} action",
    ),
}


def _unknown_region(call: Call, region: str) -> ServiceError:
    """Return the error for a request signed for an unknown region.

    On AWS, the client fails earlier, when it resolves the host name.
    """
    if call.service == "s3":
        return ServiceError(
            "AuthorizationHeaderMalformed",
            f"The authorization header is malformed; the region '{region}' is wrong; expecting 'us-east-1'",
            ASSUMED,
        )
    code, status = ("InvalidSignatureException", 400 if call.protocol == "json" else 403)
    if call.protocol in ("query", "rest-xml"):
        code, status = ("SignatureDoesNotMatch", 403)
    return ServiceError(code, f"Credential should be scoped to a valid region, not '{region}'.", ASSUMED, status=status)


def _moment(text: str) -> float:
    """Parse an ISO 8601 time to seconds since the epoch. A time without an offset is UTC."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _is_local(request: Request) -> bool:
    """Return whether a request comes from a program on this computer, not from a web page in a browser.

    A web page can reach this server by a host name that resolves to loopback (the Host header is then foreign), or by
    a cross-site request to loopback (the browser then sends Origin or Sec-Fetch-Site).
    """
    foreign = request.headers.get("sec-fetch-site") in ("cross-site", "same-site") or "origin" in request.headers
    return not foreign and _HOSTS.fullmatch(request.headers.get("host", "")) is not None


def _moto_app(service: Any) -> Any:
    """Return the moto app of a service. An unknown path or method raises `NotImplementedError` instead of returning
    HTML.
    """
    if service is None:
        raise NotImplementedError

    def refuse(_: Exception) -> NoReturn:
        raise NotImplementedError

    app = create_backend_app(service)
    for fault in (NotFound, MethodNotAllowed):
        app.register_error_handler(fault, refuse)
    return app


def _error_of(call: Call, fault: Exception) -> ServiceError:
    if isinstance(fault, NotImplementedError):
        return not_supported(call)
    # Log the location of the error but not its message, which may quote a request.
    where = traceback.extract_tb(fault.__traceback__)[-1]
    print(f"{call.described}: {type(fault).__name__} at {where.filename}:{where.lineno}", file=sys.stderr, flush=True)
    return ServiceError(
        "InternalFailure", f"moto failed at {call.described}: {type(fault).__name__}", LIMIT, status=500
    )


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return an ASGI `receive` that returns the body already read, and then the client's disconnect."""
    delivered = False

    async def receive_again() -> Message:
        nonlocal delivered
        if delivered:
            return await receive()
        delivered = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
