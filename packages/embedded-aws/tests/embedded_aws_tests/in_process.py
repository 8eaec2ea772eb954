"""An embedded AWS without HTTP: its services call each other as functions, and moto answers for the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp
from moto import mock_aws

from embedded_aws import moto_state
from embedded_aws.clock import Clock
from embedded_aws.faults import Faults
from embedded_aws.server import SERVICES
from embedded_aws.service import Answer, Service, ServiceError, Surroundings
from embedded_aws.serving.engine import NoEngine
from embedded_aws.shapes import check_shape

REGION = "us-west-2"
_FASTEST = 1_000_000.0
"""Everything that takes time on AWS is due at once."""
_LIMITS = 100.0
"""Time scale of limits, such as the 120 minutes within which a resource must be stable."""


class _AtOnce(Clock):
    """What takes an hour or less on AWS is due as the scale says. Limits stay long enough to be kept."""

    def here(self, seconds: float) -> float:
        return seconds / (_LIMITS if seconds > 3_600 else self.scale)


class Client:
    """Calls a service of this package by the methods that boto3 has."""

    def __init__(self, service: Service, model: ServiceModel, of_moto: Any) -> None:
        self._service = service
        self._of_moto = of_moto
        self.meta = SimpleNamespace(service_model=model)
        self.exceptions = of_moto.exceptions

    def __getattr__(self, name: str) -> Any:
        operation = _operations(self._service.name)[name]
        method, shape = self._service.method(operation), self.meta.service_model.operation_model(operation).input_shape
        if method is None:
            return getattr(self._of_moto, name)

        def call(**parameters: Any) -> Answer:
            try:
                check_shape(parameters, shape)
                return method(_parsed(parameters, shape))
            except ServiceError as error:
                details = {"Code": error.code, "Message": error.message}
                about = {"HTTPStatusCode": error.status, "RequestId": "in-process"}
                raise ClientError({"Error": details, "ResponseMetadata": about}, operation) from error

        return call

    def close(self) -> None:
        """There is no connection."""


def _parsed(value: Any, shape: Shape | None) -> Any:
    """A copy of a value with the types that the front door reads it in."""
    match shape:
        case StructureShape():
            return {name: _parsed(entry, shape.members[name]) for name, entry in value.items() if entry is not None}
        case ListShape():
            return [_parsed(entry, shape.member) for entry in value]
        case MapShape():
            return {key: _parsed(entry, shape.value) for key, entry in value.items()}
        case Shape(type_name="timestamp"):
            return parse_timestamp(value)
    return value


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(service)


@cache
def _operations(service: str) -> dict[str, str]:
    return {xform_name(operation): operation for operation in _model(service).operation_names}


@dataclass(frozen=True)
class _InProcess(Surroundings):
    services: dict[str, Service] = field(default_factory=dict)
    moto: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self.moto:
            self.moto[service] = boto3.client(service, region_name=self.region)  # type: ignore[call-overload]
        of_moto = self.moto[service]
        return Client(self.service(service), _model(service), of_moto) if service in SERVICES else of_moto

    def service(self, name: str) -> Service:
        if name not in self.services:
            self.services[name] = SERVICES[name](self)
        return self.services[name]


class InProcessAws:
    """The services of one region."""

    def __init__(self) -> None:
        self._surroundings = _InProcess(REGION, "http://127.0.0.1:0", _AtOnce(_FASTEST), Faults(), NoEngine())

    def client(self, service: str) -> Any:
        """A client of a service, as `boto3.client` returns it."""
        return self._surroundings.client(service)

    def settled(self, stack: str) -> dict[str, Any]:
        """Wait until no operation on a stack is in progress; its description, empty when it is deleted."""
        deadline = time.monotonic() + 180
        while True:
            try:
                (described,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            except ClientError:
                return {}
            if not described["StackStatus"].endswith("_IN_PROGRESS"):
                return dict(described)
            assert time.monotonic() < deadline, described
            time.sleep(0.002)

    def shutdown(self) -> None:
        for service in self._surroundings.services.values():
            service.shutdown()


@contextmanager
def in_process_aws() -> Iterator[InProcessAws]:
    """An AWS that starts empty; moto's state is forgotten at the end."""
    with mock_aws():
        aws = InProcessAws()
        yield aws
        aws.shutdown()
    moto_state.forget()
