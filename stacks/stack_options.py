"""Options of `Stack` that a stack of ours passes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from aws_cdk import Environment, IPropertyInjector, IStackSynthesizer, PermissionsBoundary


class StackOptions(TypedDict, total=False):
    """Keywords of `aws_cdk.Stack`. Each default is that of aws-cdk, unless the stack states another."""

    analytics_reporting: bool
    cross_region_references: bool
    description: str
    env: Environment
    notification_arns: Sequence[str]
    permissions_boundary: PermissionsBoundary
    property_injectors: Sequence[IPropertyInjector]
    stack_name: str
    suppress_template_indentation: bool
    synthesizer: IStackSynthesizer
    tags: Mapping[str, str]
    termination_protection: bool
