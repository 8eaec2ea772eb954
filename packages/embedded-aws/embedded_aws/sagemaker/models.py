"""Operations on models and endpoint configurations, which are created and deleted, but never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.evidence import ASSUMED, LIMIT, documented, quoted
from embedded_aws.sagemaker.base import Base, exists, not_found, page, refused, when
from embedded_aws.sagemaker.enforcement import check_configuration, check_model
from embedded_aws.sagemaker.state import Named, instance_types_of
from embedded_aws.sagemaker.trust import may_assume
from embedded_aws.service import Answer, Parameters
from replicas.rules.hosting import host_types

_SUBNET = re.compile(r"subnet-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8}(?:[0-9a-f]{9})?")


class Models(Base):
    """Implements CreateModel, DescribeModel, ListModels and DeleteModel."""

    def create_model(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        if "PrimaryContainer" not in params and not params.get("Containers"):
            raise refused(
                "Either PrimaryContainer or Containers must be given.",
                documented("aws/amazon-sagemaker-operator-for-k8s, pull request 164"),
            )
        check_model(params, self.surroundings.region)
        check_vpc(params.get("VpcConfig"))
        if "ExecutionRoleArn" in params:
            self.check_role(params["ExecutionRoleArn"])
        return {"ModelArn": self._created("model", "model", params["ModelName"], params, self.hosting.models).arn}

    def describe_model(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            model = self.model(params["ModelName"])
            return {**_described(model), "ModelArn": model.arn}

    def list_models(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            entries = [_summary(model, "Model") for model in self.hosting.models.values()]
        return page(entries, params, "Models", name="ModelName")

    def delete_model(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            model = self.model(params["ModelName"])
            del self.hosting.models[model.name], self.hosting.tags[model.arn]
            return {}

    def model(self, name: str) -> Named:
        """Return a model by name."""
        if name not in self.hosting.models:
            raise not_found("model", self.arn("model", name))
        return self.hosting.models[name]

    def check_role(self, arn: str) -> None:
        """Refuse a role that does not exist, or whose trust policy does not let SageMaker assume it."""
        client = self.surroundings.client("iam")
        try:
            role = client.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except ClientError:
            role = None
        if role is None or not may_assume(role["AssumeRolePolicyDocument"], self.surroundings.region):
            raise refused(
                f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role.",
                quoted("awslabs/predictive-maintenance-using-machine-learning, issue 3 (CreateTransformJob)"),
            )

    def _created(self, kind: str, what: str, name: str, params: Parameters, table: dict[str, Named]) -> Named:
        with self.now() as now:
            arn = self.arn(kind, name)
            if name in table:
                raise exists(what, arn)
            table[name] = Named(name, arn, now, {key: value for key, value in params.items() if key != "Tags"})
            self.tag(arn, params.get("Tags"))
            return table[name]


class Configs(Models):
    """Implements CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs and DeleteEndpointConfig."""

    def create_endpoint_config(self, params: Parameters) -> Answer:  # noqa: D102
        variants = params["ProductionVariants"]
        if len(variants) != 1 or params.get("ShadowProductionVariants"):
            raise refused("The embedded AWS serves endpoints of one production variant.", LIMIT)
        self._check_variant(variants[0], params)
        check_vpc(params.get("VpcConfig"))
        if "ExecutionRoleArn" in params:
            self.check_role(params["ExecutionRoleArn"])
        name = params["EndpointConfigName"]
        made = self._created("endpoint-config", "endpoint configuration", name, params, self.hosting.configs)
        return {"EndpointConfigArn": made.arn}

    def describe_endpoint_config(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            config = self.config(params["EndpointConfigName"])
            return {**_described(config), "EndpointConfigArn": config.arn}

    def list_endpoint_configs(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            entries = [_summary(config, "EndpointConfig") for config in self.hosting.configs.values()]
        return page(entries, params, "EndpointConfigs", name="EndpointConfigName")

    def delete_endpoint_config(self, params: Parameters) -> Answer:  # noqa: D102
        # SageMaker also deletes the configuration of a live endpoint; the endpoint's next update then fails.
        with self.now():
            config = self.config(params["EndpointConfigName"])
            del self.hosting.configs[config.name], self.hosting.tags[config.arn]
            return {}

    def config(self, name: str) -> Named:
        """Return an endpoint configuration by name."""
        if name not in self.hosting.configs:
            raise not_found("endpoint configuration", self.arn("endpoint-config", name))
        return self.hosting.configs[name]

    def _check_variant(self, variant: dict[str, Any], params: Parameters) -> None:
        name = variant["VariantName"]
        if "ModelName" in variant:
            raise refused("The embedded AWS serves inference components: a variant must not name a model.", LIMIT)
        if variant.get("RoutingConfig", {}).get("RoutingStrategy") == "KV_AWARE":
            raise refused(f"The embedded AWS does not support the routing strategy KV_AWARE (variant {name}).", LIMIT)
        check_configuration(params, self.surroundings.region)
        for instance_type in instance_types_of(variant):
            if instance_type not in host_types():
                raise refused(f"The embedded AWS has only instances with accelerators, not {instance_type}.", LIMIT)


def check_vpc(config: Mapping[str, Any] | None) -> None:
    """Check the format of the ids of subnets and security groups: the embedded AWS has no VPC to look them up in."""
    for kind, ids in ((_SUBNET, "Subnets"), (_SECURITY_GROUP, "SecurityGroupIds")):
        wrong = [id_ for id_ in (config or {}).get(ids, ()) if not kind.fullmatch(id_)]
        if wrong:
            raise refused(
                f"VpcConfig.{ids}: {', '.join(wrong)} is not an id such as {kind.pattern.split('-')[0]}-0a1b2c3d.",
                ASSUMED,
            )


def _described(resource: Named) -> Answer:
    return {**resource.request, "CreationTime": when(resource.created)}


def _summary(resource: Named, kind: str) -> Answer:
    return {f"{kind}Name": resource.name, f"{kind}Arn": resource.arn, "CreationTime": when(resource.created)}
