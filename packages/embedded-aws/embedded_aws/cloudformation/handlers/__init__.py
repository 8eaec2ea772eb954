"""Handlers of the resource types that the embedded AWS provisions, each through the API of its service."""

from __future__ import annotations

from embedded_aws.cloudformation.handlers import (
    autoscaling,
    cloudwatch,
    ecr,
    iam,
    inert,
    inference_component,
    kms,
    logs,
    s3,
    sagemaker,
    secretsmanager,
    sns,
    ssm,
)
from embedded_aws.cloudformation.handlers.handler import Handler

_MODULES = (
    autoscaling,
    cloudwatch,
    ecr,
    iam,
    inert,
    inference_component,
    kms,
    logs,
    s3,
    sagemaker,
    secretsmanager,
    sns,
    ssm,
)
HANDLERS: dict[str, Handler] = {handler.type: handler for module in _MODULES for handler in module.HANDLERS}
"""The handlers by resource type."""
