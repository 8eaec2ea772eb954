"""Handlers for resource types whose service is not emulated: their resources only have a physical id."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from typing import ClassVar

from embedded_aws.cloudformation.handlers.handler import Handler, Made, Properties, Work, name_from_stack


class _Inert(Handler):
    def create(self, work: Work, desired: Properties) -> Made:
        return Made(name_from_stack(work, 128))

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        return Made(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        """Delete nothing: the service that has the resource is not emulated."""


class Metadata(_Inert):
    """The metadata resource in which the CDK records its version."""

    type = "AWS::CDK::Metadata"


class WaitConditionHandle(_Inert):
    """A wait condition handle; stacks use it as a placeholder, since a template needs at least one resource."""

    type = "AWS::CloudFormation::WaitConditionHandle"
    provisions: ClassVar[frozenset[str] | None] = frozenset()

    def create(self, work: Work, desired: Properties) -> Made:
        return Made(
            f"https://cloudformation-waitcondition-{work.region}.s3.amazonaws.com/{work.stack_id}/{work.logical_id}"
        )


HANDLERS: tuple[Handler, ...] = (Metadata(), WaitConditionHandle())
