"""SageMaker Runtime's responses: errors, event stream frames and errors of the OpenAI-compatible path."""

from __future__ import annotations

import json
from typing import Any

from moto.core.eventstream import EventStreamEncoder
from starlette.responses import Response

from embedded_aws.evidence import documented
from embedded_aws.service import ACCOUNT, ServiceError
from replicas.names import LogGroup

_ENCODER = EventStreamEncoder()


def refusal_response(error: ServiceError, **more: Any) -> Response:
    """Return the response for an error of the service itself, with additional members in `more`."""
    document = {"Message": error.message, **more}
    return Response(
        json.dumps(document),
        error.status,
        {"x-amzn-errortype": error.code},
        media_type="application/json",
    )


def model_error(region: str, component: str, status: int, message: str) -> Response:
    """Return the ModelError response for a container that answered with an error status."""
    side = "client" if 400 <= status < 500 else "server"
    where = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    group = LogGroup.of_component(component)
    error = ServiceError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{message}". See {where}#logEventViewer:'
        f"group={group} in account {ACCOUNT} for more information.",
        documented("SageMaker Runtime API: ModelError"),
        status=424,
    )
    stream = f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}"
    return refusal_response(error, OriginalStatusCode=status, OriginalMessage=message, LogStreamArn=stream)


def openai_error(status: int, message: str, kind: str) -> Response:
    """Return the error response on the OpenAI-compatible path, in the format of OpenAI's API."""
    document = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return Response(json.dumps(document), status, media_type="application/json")


def payload_part(content: bytes) -> bytes:
    """Return the event stream frame (PayloadPart) for a part of the answer."""
    return _frame("event", "PayloadPart", "application/octet-stream", content)


def stream_error(code: str, message: str) -> bytes:
    """Return the event stream frame that ends the stream with ModelStreamError."""
    document = json.dumps({"ErrorCode": code, "Message": message}).encode()
    return _frame("exception", "ModelStreamError", "application/json", document)


def _frame(kind: str, name: str, content_type: str, payload: bytes) -> bytes:
    headers = {f":{kind}-type": name, ":content-type": content_type, ":message-type": kind}
    return _ENCODER.encode_message(headers, payload)
