"""Adapter that provisions a resource type through moto's CloudFormation model.

It is used for a type if moto's model creates, updates in place and deletes as CloudFormation does. `OWN_HANDLERS` gives
the reason for every other type.
"""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import JsonRESTError, ServiceException

from embedded_aws.cloudformation.handlers.handler import Handler, Made, Properties, Work, gone
from replicas.names import ResourceType

_NO_MODEL = "moto has no model of the type"
_OWN_SERVICE = "the embedded AWS has its own service for the type, whose operations take time and can fail"
_NO_UPDATE = "moto's model cannot be updated"
OWN_HANDLERS: Mapping[str, str] = MappingProxyType(
    {
        ResourceType.SCALABLE_TARGET: _OWN_SERVICE,
        ResourceType.SCALING_POLICY: _OWN_SERVICE,
        "AWS::CDK::Metadata": _NO_MODEL,
        "AWS::CloudFormation::WaitConditionHandle": _NO_MODEL,
        ResourceType.ALARM: _OWN_SERVICE,
        ResourceType.DASHBOARD: "moto's model accepts a DashboardBody that is not JSON, and an update renames "
        "the dashboard",
        ResourceType.REPOSITORY: "moto's model leaves out RepositoryPolicyText and LifecyclePolicy",
        ResourceType.MANAGED_POLICY: _NO_UPDATE,
        ResourceType.ROLE: "moto's model leaves out ManagedPolicyArns, and an update sets MaxSessionDuration to 3600",
        "AWS::KMS::Alias": "moto's model accepts a name that another key already has",
        ResourceType.KEY: _NO_UPDATE,
        ResourceType.LOG_GROUP: _NO_UPDATE,
        ResourceType.BUCKET: "moto's model leaves out versioning, lifecycle, ownership and public access settings",
        ResourceType.BUCKET_POLICY: _NO_MODEL,
        "AWS::SNS::Subscription": _NO_MODEL,
        "AWS::SNS::Topic": "an update of moto's model deletes the topic with its subscriptions and creates a new one",
        "AWS::SNS::TopicPolicy": _NO_MODEL,
        "AWS::SSM::Parameter": "an update of moto's model deletes the parameter: its versions begin at 1 again",
        ResourceType.ENDPOINT: _OWN_SERVICE,
        ResourceType.ENDPOINT_CONFIG: _OWN_SERVICE,
        ResourceType.COMPONENT: _OWN_SERVICE,
        ResourceType.MODEL: _OWN_SERVICE,
        "AWS::SecretsManager::Secret": _NO_MODEL,
    }
)
"""Resource types with their own handler, each with the reason (moto 5.2.5)."""


class MotoModel(Handler):
    """Provisions a type through moto's model. Subclasses give the model, its existing objects and the physical id."""

    model: ClassVar[type[CloudFormationModel]]

    @staticmethod
    def existing(account: str, region: str, physical_id: str) -> CloudFormationModel:
        """Return moto's object of a resource; raise moto's not-found error if it does not exist."""
        raise NotImplementedError

    def physical_id(self, work: Work, desired: Properties) -> str:
        """Return the physical id for a new resource."""
        raise NotImplementedError

    def create(self, work: Work, desired: Properties) -> Made:
        physical_id = self.physical_id(work, desired)
        work.started(physical_id)  # so that a rollback deletes the resource if moto's model fails halfway
        with _as_client_errors():
            self.model.create_from_cloudformation_json(physical_id, _body(desired), work.account, work.region)
        return self._made(physical_id)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        with _as_client_errors():
            self.model.update_from_cloudformation_json(
                original_resource=self.existing(work.account, work.region, physical_id),
                new_resource_name=physical_id,
                cloudformation_json=_body(desired),
                account_id=work.account,
                region_name=work.region,
            )
        return self._made(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        try:
            with _as_client_errors():
                self.model.delete_from_cloudformation_json(physical_id, _body(properties), work.account, work.region)
        except ClientError as error:
            if not gone(error):
                raise

    def _made(self, physical_id: str) -> Made:
        return Made(physical_id, dict.fromkeys(self.attributes, physical_id))


def _body(properties: Properties) -> dict[str, Any]:
    """Return a resource definition in the form that moto's models expect."""
    return {"Properties": dict(properties)}


@contextmanager
def _as_client_errors() -> Iterator[None]:
    """Convert moto's errors to boto3's ClientError, so that all events have the same wording."""
    try:
        yield
    except ServiceException as error:
        code, message = error.code, error.message
    except JsonRESTError as error:
        code, message = error.relative_error_type, error.message
    else:
        return
    raise ClientError({"Error": {"Code": code, "Message": message}}, "CloudFormation")
