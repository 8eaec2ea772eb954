"""Options that the stacks of this project pass to `aws_cdk.Stack`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from aws_cdk import Environment, IPropertyInjector, IStackSynthesizer, PermissionsBoundary


class StackOptions(TypedDict, total=False):
    """Keywords of `aws_cdk.Stack`. Defaults are those of aws-cdk, unless the stack documents another default."""

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
