"""Calls as AWS's front door passes them on to a service: both ways are held against botocore's model."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from embedded_aws.service import Answer, Service
from embedded_aws.shapes import check_shape

_session = botocore.session.get_session()


def called(service: Service, operation: str, parameters: dict[str, Any]) -> Answer:
    """What a service answers to an operation, by its name."""
    model = _session.get_service_model(service.name).operation_model(operation)
    check_shape(parameters, model.input_shape)
    method = service.method(operation)
    assert method is not None, operation
    answer = method(parameters)
    if model.output_shape is not None:
        report = ParamValidator().validate(answer, model.output_shape)
        assert not report.has_errors(), report.generate_report()
    return answer


def input_members(service: Service, operation: str) -> Collection[str]:
    """What an operation takes."""
    return list(_session.get_service_model(service.name).operation_model(operation).input_shape.members)
