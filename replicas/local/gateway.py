"""The front door: one ASGI app that finds out which service a request is for and who answers it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from a2wsgi import WSGIMiddleware
from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, QueryParser
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from replicas.local.faults import Fault, FaultKind
from replicas.local.sagemaker import SageMaker
from replicas.local.service import Service, ServiceError, Surroundings
from replicas.local.serving import Serving
from replicas.local.shapes import check_shape

CONTROL = "/_replicas"
"""Below it the embedded AWS itself is asked: is it up, which faults are to come."""

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_HOSTS = re.compile(r"(?:127\.0\.0\.1|localhost|[\w.-]+\.localhost)(?::\d+)?")
_SIGNED_AS = {"monitoring": "cloudwatch", "servicequotas": "service-quotas"}
"""Where a service signs under another name than botocore's."""
_REFUSALS = {
    FaultKind.THROTTLING: ("ThrottlingException", "Rate exceeded"),
    FaultKind.EXPIRED_CREDENTIALS: (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    FaultKind.ACCESS_DENIED: (
        "AccessDeniedException",
        "User: arn:aws:sts::123456789012:assumed-role/local is not authorized to perform this action",
    ),
}


@dataclass(frozen=True)
class Call:
    """A request as far as its headers tell."""

    service: str
    region: str
    operation: str
    protocol: str

    @property
    def action(self) -> str:
        """As IAM writes it: `sagemaker:CreateModel`."""
        return f"{self.service}:{self.operation}"


class Gateway:
    """Our services by region, SageMaker Runtime, and moto for everything else."""

    def __init__(
        self,
        services: Mapping[str, type[Service]],
        surroundings_of: Callable[[str], Surroundings],
        *,
        speed: float = 1.0,
    ) -> None:
        """Answer for these classes of services, one object a region.

        Args:
            services: by botocore's name.
            surroundings_of: where the services of a region run.
            speed: how many times faster than their plan says the stand-in engines are.

        """
        self._classes = services
        self._surroundings_of = surroundings_of
        self._services: dict[tuple[str, str], Service] = {}
        self._lock = threading.Lock()
        self.faults = surroundings_of("us-east-1").faults
        self.serving = Serving(self._sagemaker, self.faults, speed=speed)
        self._moto: ASGIApp = cast("Any", WSGIMiddleware)(DomainDispatcherApplication(create_backend_app), workers=16)

    def service(self, name: str, region: str) -> Service:
        """The service of a region, made when it is first asked."""
        with self._lock:
            if (name, region) not in self._services:
                self._services[name, region] = self._classes[name](self._surroundings_of(region))
            return self._services[name, region]

    def _sagemaker(self, region: str) -> SageMaker:
        return cast("SageMaker", self.service("sagemaker", region))

    async def shutdown(self) -> None:
        """Stop what runs in the background."""
        await self.serving.shutdown()
        for service in list(self._services.values()):
            stop = getattr(service, "shutdown", None)
            if stop:
                await run_in_threadpool(stop)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self.shutdown()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":  # the server's own start and stop
            await self._lifespan(receive, send)
            return
        request = Request(scope, receive)
        if not _HOSTS.fullmatch(request.headers.get("host", "")):
            # A page in a browser that was led here by its own name must not reach it.
            await Response("the embedded AWS answers on loopback only", 403)(scope, receive, send)
            return
        body = await request.body()
        response = await self._answer(request, body)
        if response is None:
            await self._moto(scope, _replayed(body, receive), send)
        else:
            await response(scope, _replayed(body, receive), send)

    async def _answer(self, request: Request, body: bytes) -> Response | None:
        """Our own answer; None where moto has it."""
        if request.url.path.startswith(CONTROL):
            return self._control(request, body)
        if request.url.path.startswith("/endpoints/"):
            found = _SCOPE.search(request.headers.get("authorization", ""))
            operation = (
                "InvokeEndpointWithResponseStream" if "response-stream" in request.url.path else "InvokeEndpoint"
            )
            refusal = self._refusal(f"sagemaker:{operation}")
            if refusal:
                return _error(refusal, "rest-json")
            answer: Response = await self.serving.answer(request, found["region"] if found else None)
            return answer
        call = call_of(request, body)
        if call is None:
            return None
        refusal = self._refusal(call.action)
        if refusal:
            return _error(refusal, call.protocol)
        if call.action == "cloudtrail:LookupEvents":
            # The CDK CLI looks there for the reasons of a failure, and waits long where nobody answers.
            return JSONResponse({"Events": []})
        if call.service not in self._classes:
            return None
        method = self.service(call.service, call.region).method(call.operation)
        if method is None:
            return None
        try:
            return await run_in_threadpool(_served, call, method, body)
        except ServiceError as refusal:
            return _error(refusal, call.protocol)

    def _refusal(self, action: str) -> ServiceError | None:
        for kind, (code, message) in _REFUSALS.items():
            if self.faults.strike(kind, action):
                return ServiceError(code, message)
        return None

    def _control(self, request: Request, body: bytes) -> Response:
        match request.method, request.url.path.removeprefix(CONTROL):
            case "GET", "/health":
                return JSONResponse({"status": "ready"})
            case "GET", "/faults":
                return JSONResponse([vars(fault) for fault in self.faults.pending()])
            case "POST", "/faults":
                asked = json.loads(body)
                self.faults.add(Fault(**{**asked, "kind": FaultKind(asked["kind"])}))
            case "DELETE", "/faults":
                self.faults.clear()
            case _:
                return JSONResponse({"message": "not found"}, 404)
        return Response(status_code=204)


def call_of(request: Request, body: bytes) -> Call | None:
    """Which operation a request calls; None where the headers do not tell (S3, unsigned requests)."""
    found = _SCOPE.search(request.headers.get("authorization", ""))
    if found is None:
        return None
    service = _SIGNED_AS.get(found["service"], found["service"])
    target = request.headers.get("x-amz-target")
    if target:
        return Call(service, found["region"], target.rpartition(".")[2], "json")
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = dict(parse_qsl(body.decode())).get("Action")
        return Call(service, found["region"], action, "query") if action else None
    return None


def _served(call: Call, method: Callable[[Mapping[str, Any]], dict[str, Any]], body: bytes) -> Response:
    """One operation: parse, validate, answer, serialise."""
    try:
        model: ServiceModel = get_service_model(call.service)
    except UnknownServiceError as fault:
        raise ServiceError("UnknownOperationException", str(fault)) from None
    operation: OperationModel = model.operation_model(call.operation)
    answer = method(_parameters(operation, call.protocol, body))
    serializer = get_serializer_class(call.service, call.protocol)(operation)
    response = serializer.serialize(answer)
    return Response(response["body"], response["status_code"], dict(response["headers"]))


def _parameters(operation: OperationModel, protocol: str, body: bytes) -> dict[str, Any]:
    if protocol == "query":
        values = dict(parse_qsl(body.decode(), keep_blank_values=True))
        parsed: Any = QueryParser(operation, map_type=dict).parse(cast("Any", {"values": values}))
    else:
        content = json.loads(body or b"{}")
        check_shape(content, operation.input_shape)
        parsed = PROTOCOL_PARSERS["json"](operation, map_type=dict).parse(
            cast("Any", {"body": body or b"{}", "values": {}})
        )
    return {name: value for name, value in parsed.items() if value is not None}


def _error(refusal: ServiceError, protocol: str) -> Response:
    request_id = str(uuid4())
    if protocol == "query":
        kind = "Sender" if refusal.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(refusal.code)}</Code>"
            f"<Message>{escape(refusal.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, refusal.status, media_type="text/xml")
    headers = {"x-amzn-errortype": refusal.code, "x-amzn-requestid": request_id}
    document = {"__type": refusal.code, "message": refusal.message, "Message": refusal.message}
    return JSONResponse(document, refusal.status, headers)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once more for whoever answers, and then the client's disconnect."""
    told = False

    async def again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
