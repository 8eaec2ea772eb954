"""SageMaker Runtime, the data plane: routes requests to copies, applies timeouts and wraps the copies' answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from embedded_aws.evidence import documented
from embedded_aws.faults import FaultKind, Faults
from embedded_aws.sagemaker.destinations import Destination, ServingCopy
from embedded_aws.service import ServiceError
from embedded_aws.serving import answers
from embedded_aws.serving.engine import (
    CHAT_COMPLETIONS,
    INVOCATIONS,
    Container,
    Reply,
    RunningContainer,
    ServingEngine,
    container_of,
)
from embedded_aws.serving.routing import chosen
from embedded_aws.serving.tokens import region_of
from embedded_aws.serving.weights import staged_repository
from replicas.errors import ServingError

if TYPE_CHECKING:
    from embedded_aws.sagemaker import SageMaker
    from embedded_aws.sagemaker.telemetry import Visit

_INVOKE = re.compile(r"/endpoints/(?P<endpoint>[^/]+)/(?P<operation>invocations(?:-response-stream)?)")
_OPENAI = re.compile(
    r"/endpoints/(?P<endpoint>[^/]+)/inference-components/(?P<component>[^/]+)/openai/v1/chat/completions"
)
_COMPONENT_HEADER = "x-amzn-sagemaker-inference-component"
_MOST_BYTES = 6_291_456
"""Largest request body, from SageMaker Runtime's API model; the documentation also says 25 MB."""
_ANSWER_WITHIN_SECONDS = 60.0
_STREAM_WITHIN_SECONDS = 480.0
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
_CHAOS = '{"error":"the stand-in was configured to fail"}'


@dataclass(frozen=True)
class Call:
    """One invocation of an endpoint."""

    region: str
    endpoint: str
    component: str | None
    streams: bool
    """Whether the operation answers with an event stream."""
    is_openai: bool
    body: bytes


class Serving:
    """SageMaker Runtime of all regions."""

    def __init__(
        self,
        sagemaker_of: Callable[[str], SageMaker],
        faults: Faults,
        engine: ServingEngine,
        *,
        speed: float = 1.0,
    ) -> None:
        """Create the data plane for the endpoints of `sagemaker_of(region)`. Copies answer `speed` times faster than on
        AWS.
        """
        self._sagemaker_of = sagemaker_of
        self._faults = faults
        self._engine = engine
        self._speed = speed
        self._copies: dict[str, dict[str, RunningContainer]] = {}
        """Running containers by component name, then by copy id."""
        self._repositories: dict[tuple[str, str], str] = {}
        """Known model repositories, by region and S3 prefix of the weights."""

    async def answer(self, request: Request, region: str | None) -> Response:
        """Answer a request below `/endpoints/`."""
        body = await request.body()
        path = request.url.path
        openai = _OPENAI.fullmatch(path)
        if openai:
            try:
                signed_for = region_of(request.headers.get("authorization"), time.time())
            except ValueError as fault:
                return answers.openai_error(401, str(fault), "AuthenticationError")
            return await self._served(Call(signed_for, openai["endpoint"], openai["component"], False, True, body))
        matched = _INVOKE.fullmatch(path)
        if matched is None or request.method != "POST":
            return answers.refusal_response(
                ServiceError(
                    "UnknownOperationException",
                    f"no operation at {path}",
                    documented("AWS API references, common errors"),
                    status=404,
                )
            )
        if region is None:
            error = ServiceError(
                "MissingAuthenticationToken",
                "Missing Authentication Token",
                documented("AWS API references, common errors"),
                status=403,
            )
            return answers.refusal_response(error)
        component = request.headers.get(_COMPONENT_HEADER)
        streams = matched["operation"].endswith("stream")
        return await self._served(Call(region, matched["endpoint"], component, streams, False, body))

    async def shutdown(self) -> None:
        """Stop the containers of all copies."""
        copies = [copy for copies in self._copies.values() for copy in copies.values()]
        await asyncio.gather(*(copy.shutdown() for copy in copies))

    # ---- invocations

    async def _served(self, call: Call) -> Response:
        try:
            if len(call.body) > _MOST_BYTES:
                raise ServiceError(
                    "ValidationError",
                    f"Body must have at most {_MOST_BYTES} bytes.",
                    documented("SageMaker Runtime API: InvokeEndpoint, Body"),
                )
            sagemaker = self._sagemaker_of(call.region)
            destination = await run_in_threadpool(sagemaker.route, call.endpoint, call.component)
        except ServiceError as error:
            return _error_response(call, error)
        copy = chosen(destination, self._loads(destination), call.body)
        component = call.component or copy.component_name
        visit = sagemaker.telemetry.arrived(call.endpoint, copy.variant_name, component, copy.component_name)
        try:
            self._strike(copy)
            repository = await self._repository(sagemaker, copy)
            return await self._answered(call, copy, repository, visit)
        except ServiceError as error:
            visit.end(error.status, by_model=False)
            return _error_response(call, error)
        except BaseException:
            visit.end(500)
            raise

    async def _repository(self, sagemaker: SageMaker, copy: ServingCopy) -> str | None:
        """Return the model repository of the weights that a copy loads from S3; None if it is unknown."""
        if copy.weights is None:
            return None
        key = (sagemaker.surroundings.region, copy.weights)
        if key not in self._repositories:
            repository = await run_in_threadpool(staged_repository, sagemaker.surroundings, copy.weights)
            if repository is None:
                return None
            self._repositories[key] = repository
        return self._repositories[key]

    async def _answered(self, call: Call, copy: ServingCopy, repository: str | None, visit: Visit) -> Response:
        """Send a call to a copy's container, and convert the answer to SageMaker Runtime's response."""
        visit.hand_over()
        if self._faults.strike(FaultKind.MODEL_ERROR, copy.component_name):
            visit.end(500)
            return _container_error(call, copy, 500, _CHAOS)
        try:
            container = container_of(self._engine, copy, repository)
        except ServingError as unknown:
            visit.end(500)
            return _container_error(call, copy, 500, str(unknown))
        running = self._running(copy, container)
        reply = await running.invoke(call.body, CHAT_COMPLETIONS if call.is_openai else INVOCATIONS)
        variant = {"x-Amzn-Invoked-Production-Variant": copy.variant_name}
        if reply.status < 400 and reply.is_stream and (call.streams or call.is_openai):
            breaks = self._faults.strike(FaultKind.BROKEN_STREAM, copy.component_name) is not None
            parts = self._parts(call, reply, visit, breaks=breaks)
            if call.is_openai:
                return StreamingResponse(parts, headers=variant, media_type=reply.media_type)
            headers = {**variant, "X-Amzn-SageMaker-Content-Type": reply.media_type}
            return StreamingResponse(parts, headers=headers, media_type="application/vnd.amazon.eventstream")
        content = b""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_SECONDS / self._speed):
                async for chunk in reply.parts:
                    content += b"".join(chunk)
        except TimeoutError:
            visit.end(504)
            return answers.model_error(call.region, copy.component_name, 0, _TIMED_OUT)
        visit.end(reply.status)
        if reply.status >= 400:
            return _container_error(call, copy, reply.status, content.decode(errors="replace"))
        if call.streams:  # the request body did not ask for a stream: one part holds the whole answer
            headers = {**variant, "X-Amzn-SageMaker-Content-Type": reply.media_type}
            return Response(
                answers.payload_part(content), headers=headers, media_type="application/vnd.amazon.eventstream"
            )
        return Response(content, headers={**variant, "content-type": reply.media_type})

    async def _parts(self, call: Call, reply: Reply, visit: Visit, *, breaks: bool) -> AsyncIterator[bytes]:
        """Yield the events as they arrive. With `breaks`, the stream ends after about half of them (at least one)."""
        frame = bytes if call.is_openai else answers.payload_part
        passed_on, status, closing = 0, 200, b""
        end = max(1, (reply.tokens or 0) // 2)
        try:
            async with asyncio.timeout(_STREAM_WITHIN_SECONDS / self._speed):
                async for chunk in reply.parts:
                    events = chunk[: end - passed_on] if breaks else chunk
                    if events:
                        yield frame(b"".join(events))
                    passed_on += len(events)
                    if breaks and passed_on == end:
                        break
        except TimeoutError:
            status, closing = 504, answers.stream_error("ModelInvocationTimeExceeded", _TIMED_OUT)
        else:
            if breaks:
                status = 500
                closing = answers.stream_error("StreamBroken", "the connection to the model container broke")
        finally:
            visit.end(status)  # before the error is sent: a client that gets it can send its next request at once
            await reply.parts.aclose()
        if closing and not call.is_openai:
            yield closing

    # ---- copies

    def _loads(self, destination: Destination) -> dict[str, int]:
        """Return the requests in flight by copy id. Idle containers of copies that no longer exist are dropped."""
        known = self._copies.setdefault(destination.copies[0].component_name, {})
        here = {copy.id for copy in destination.copies}
        for gone in [id for id, running in known.items() if id not in here and not running.outstanding]:
            del known[gone]
        return {id: running.outstanding for id, running in known.items()}

    def _running(self, copy: ServingCopy, container: Container) -> RunningContainer:
        known = self._copies.setdefault(copy.component_name, {})
        if copy.id not in known:
            known[copy.id] = container.start(self._speed)
        return known[copy.id]

    def _strike(self, copy: ServingCopy) -> None:
        """Raise the error of an injected fault that matches the call to SageMaker Runtime, before a container is
        called.
        """
        if self._faults.strike(FaultKind.NOT_READY, copy.component_name):
            raise ServiceError(
                "ModelNotReadyException",
                f"Model for inference component {copy.component_name} is not ready for inference yet.",
                documented("SageMaker Runtime API: ModelNotReadyException"),
                status=429,
            )
        if self._faults.strike(FaultKind.DEPENDENCY_ERROR, copy.component_name):
            raise ServiceError(
                "InternalDependencyException",
                "A dependency of SageMaker failed.",
                documented("SageMaker Runtime API: InternalDependencyException"),
                status=530,
            )


def _error_response(call: Call, error: ServiceError) -> Response:
    if call.is_openai:
        return answers.openai_error(error.status, error.message, error.code)
    return answers.refusal_response(error)


def _container_error(call: Call, copy: ServingCopy, status: int, body: str) -> Response:
    """Return the response for a container's error status.

    The OpenAI-compatible path returns the container's body unchanged, because AWS documents no other form.
    """
    if call.is_openai:
        return Response(body, status, media_type="application/json")
    return answers.model_error(call.region, copy.component_name, status, body)
