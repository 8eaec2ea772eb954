"""AWS's wire protocols: parses operations and parameters of requests, serialises answers and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qsl
from uuid import uuid4
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS, QueryParser
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from embedded_aws.evidence import LIMIT, documented
from embedded_aws.service import ServiceError
from embedded_aws.shapes import check_shape

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_SIGNED_AS = {"monitoring": "cloudwatch", "servicequotas": "service-quotas"}
"""Services whose signing name differs from botocore's service name."""
_INVOCATIONS = re.compile(r"/endpoints/[^/]+/(?P<which>invocations(?:-response-stream)?|inference-components/)")


@dataclass(frozen=True)
class Call:
    """Service, region and operation of a request, without its parameters."""

    service: str
    """botocore's service name; empty if neither the path nor the signature names a service."""
    region: str | None
    operation: str
    """botocore's operation name; the HTTP method and path if only the service can derive the name."""
    protocol: str
    """json, query, rest-json or rest-xml."""

    @property
    def action(self) -> str:
        """IAM action of the operation, such as `sagemaker:CreateModel`."""
        return f"{self.service}:{self.operation}"

    @property
    def described(self) -> str:
        """Name of the call in messages."""
        if self.names_its_operation:
            return self.action
        return f"{self.operation} of {self.service}" if self.service else f"{self.operation}, not signed"

    @property
    def is_invocation(self) -> bool:
        """Whether the call is for SageMaker Runtime."""
        return self.service == "sagemaker" and self.protocol == "rest-json"

    @property
    def names_its_operation(self) -> bool:
        """Whether `operation` is botocore's operation name."""
        return self.protocol in ("json", "query") or self.is_invocation


def call_of(request: Request, body: bytes) -> Call:
    """Derive the service, region and operation of a request."""
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    region = scope["region"] if scope else None
    invocation = _INVOCATIONS.match(request.url.path)
    if invocation:
        streams = invocation["which"] == "invocations-response-stream"
        operation = "InvokeEndpointWithResponseStream" if streams else "InvokeEndpoint"
        return Call("sagemaker", region, operation, "rest-json")
    service = _SIGNED_AS.get(scope["service"], scope["service"]) if scope else ""
    target = request.headers.get("x-amz-target")
    if scope and target:
        return Call(service, region, target.rpartition(".")[2], "json")
    if scope and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = dict(parse_qsl(body.decode(errors="replace"))).get("Action")
        if action:
            return Call(service, region, action, "query")
    return Call(service, region, f"{request.method} {request.url.path}", _rest_protocol(service))


def parameters_of(call: Call, body: bytes) -> dict[str, Any]:
    """Parse the parameters of a call and validate them against botocore's model of the operation.

    Raises:
        ServiceError: the body cannot be parsed, or a parameter is not valid.

    """
    operation = _model(call)
    if call.protocol == "query":
        values = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        try:
            parsed: Any = QueryParser(operation, map_type=dict).parse(cast("Any", {"values": values}))
        except ValueError as fault:
            raise ServiceError(
                "MalformedInput", f"{call.action}: {fault}", documented("AWS API references, common errors")
            ) from None
        parsed = {name: value for name, value in parsed.items() if value is not None}
        check_shape(parsed, operation.input_shape, code="ValidationError")
    else:
        try:
            content = json.loads(body or b"{}")
        except ValueError:
            raise ServiceError(
                "SerializationException", "the body is not JSON", documented("AWS API references, common errors")
            ) from None
        check_shape(content, operation.input_shape)
        parsed = PROTOCOL_PARSERS["json"](operation, map_type=dict).parse(
            cast("Any", {"body": body or b"{}", "values": {}})
        )
    return {name: value for name, value in parsed.items() if value is not None}


def answer_to(call: Call, answer: Mapping[str, Any]) -> Response:
    """Serialise an answer in the protocol of the call."""
    serializer = get_serializer_class(call.service, call.protocol)(_model(call))
    response = serializer.serialize(answer)
    return Response(response["body"], response["status_code"], dict(response["headers"]))


def error_to(call: Call, error: ServiceError) -> Response:
    """Serialise an error in the protocol of the call."""
    request_id = str(uuid4())
    if call.protocol in ("query", "rest-xml"):
        kind = "Sender" if error.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(text, error.status, media_type="text/xml")
    headers = {"x-amzn-errortype": error.code, "x-amzn-requestid": request_id}
    document = {"__type": error.code, "message": error.message, "Message": error.message}
    return JSONResponse(document, error.status, headers)


def not_supported(call: Call) -> ServiceError:
    """Return the error for a call that the embedded AWS does not implement."""
    code = "InvalidAction" if call.protocol == "query" else "UnknownOperationException"
    return ServiceError(code, f"The embedded AWS does not support {call.described}.", LIMIT)


def _model(call: Call) -> OperationModel:
    model: ServiceModel = get_service_model(call.service)
    if call.operation not in model.operation_names:
        raise not_supported(call)
    operation: OperationModel = model.operation_model(call.operation)
    return operation


def _rest_protocol(service: str) -> str:
    try:
        return str(get_service_model(service).protocol) if service and service != "s3" else "rest-xml"
    except UnknownServiceError:
        return "rest-json"
