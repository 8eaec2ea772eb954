"""Operations on models and endpoint configurations, which are created and deleted, but never changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.evidence import ASSUMED, LIMIT, documented, quoted
from embedded_aws.sagemaker.base import Base, exists, not_found, page, refused, when
from embedded_aws.sagemaker.enforcement import check_configuration
from embedded_aws.sagemaker.state import Named, instance_types_of
from embedded_aws.sagemaker.trust import may_assume
from embedded_aws.service import Answer, Parameters, RequestProblem, refused_together
from replicas.rules.hosting import HostType, host_types

_MODEL_VARIABLES = 100
_VALUE_BYTES = 1024
_SUBNET = re.compile(r"subnet-[0-9a-f]{8}(?:[0-9a-f]{9})?")
_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8}(?:[0-9a-f]{9})?")


class Models(Base):
    """CreateModel, DescribeModel, ListModels, DeleteModel."""

    def create_model(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        if ("PrimaryContainer" in params) == bool(params.get("Containers")):
            raise refused(
                "Exactly one of PrimaryContainer and Containers must be given.",
                ASSUMED,
            )
        for container in [params.get("PrimaryContainer") or {}, *params.get("Containers", [])]:
            check_environment(container.get("Environment", {}), _MODEL_VARIABLES)
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
        """A model by name."""
        if name not in self.hosting.models:
            raise not_found("model", self.arn("model", name))
        return self.hosting.models[name]

    def check_role(self, arn: str) -> None:
        """Refuse a role that does not exist, or that SageMaker may not assume by its trust policy."""
        client = self.surroundings.client("iam")
        try:
            role = client.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except ClientError:
            role = None
        finally:
            client.close()
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
    """CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

    def create_endpoint_config(self, params: Parameters) -> Answer:  # noqa: D102
        variants = params["ProductionVariants"]
        if len(variants) != 1 or params.get("ShadowProductionVariants"):
            raise refused("The embedded AWS serves endpoints of one production variant.", LIMIT)
        self._check_variant(variants[0], params)
        check_configuration(params, self.surroundings.region)
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
        """An endpoint configuration by name."""
        if name not in self.hosting.configs:
            raise not_found("endpoint configuration", self.arn("endpoint-config", name))
        return self.hosting.configs[name]

    def _check_variant(self, variant: dict[str, Any], params: Parameters) -> None:
        name = variant["VariantName"]
        if "ModelName" in variant:
            raise refused("The embedded AWS serves inference components: a variant names no model.", LIMIT)
        if "ExecutionRoleArn" not in params:
            raise refused(
                f"ExecutionRoleArn is required on the endpoint configuration: variant {name} names no model.",
                documented(
                    "SageMaker Developer Guide, real-time inference components: role of the endpoint configuration"
                ),
            )
        problems = list(_problems(variant))
        if problems:
            raise refused_together("ValidationException", problems)
        for instance in map(self._instance, instance_types_of(variant)):
            # The SDK refuses this for these families. What SageMaker does is not known: strict interpretation.
            if instance.nvme_gb and "VolumeSizeInGB" in variant:
                raise refused(
                    f"VolumeSizeInGB is not supported for {instance.name}: it has local storage.",
                    documented("sagemaker 2.257.7, utils.volume_size_supported"),
                )
            if instance.nvme_gb and params.get("KmsKeyId"):
                raise refused(
                    f"KmsKeyId is not supported for {instance.name}: its local storage is encrypted in hardware.",
                    documented("SageMaker API: CreateEndpointConfig, KmsKeyId"),
                )

    def _instance(self, name: str) -> HostType:
        known = host_types().get(name)
        region = self.surroundings.region
        if known is None:
            raise refused(f"The embedded AWS has instances with accelerators only, not {name}.", LIMIT)
        if region not in known.regions:
            raise refused(f"Instance type {name} is not available for endpoints in {region}.", ASSUMED)
        return known


def _problems(variant: dict[str, Any]) -> Iterator[RequestProblem]:
    """Problems of a variant that do not depend on the rest of the request."""
    name, pools = variant["VariantName"], variant.get("InstancePools", [])
    if ("InstanceType" in variant) == bool(pools) or "InitialInstanceCount" not in variant:
        yield RequestProblem(
            f"InstanceType or InstancePools, and InitialInstanceCount, are required for variant {name}.",
            ASSUMED,
        )
        return
    for what in ("InstanceType", "Priority"):
        if len({pool[what] for pool in pools}) < len(pools):
            yield RequestProblem(f"The InstancePools of variant {name} have the same {what} twice.", ASSUMED)
    if any("ModelNameOverride" in pool for pool in pools):
        yield RequestProblem(
            f"ModelNameOverride of variant {name}: it serves inference components, which name their models.", ASSUMED
        )
    routing = variant.get("RoutingConfig", {})
    strategy = routing.get("RoutingStrategy")
    if pools and strategy != "LEAST_OUTSTANDING_REQUESTS":
        yield RequestProblem(
            f"InstancePools of variant {name} need the routing strategy LEAST_OUTSTANDING_REQUESTS.",
            documented("aws-samples, README on instance pools for inference components"),
        )
    if "PrefixAwareRoutingConfig" in routing and strategy != "PREFIX_AWARE":
        yield RequestProblem(
            f"PrefixAwareRoutingConfig of variant {name} needs the routing strategy PREFIX_AWARE.",
            documented("SageMaker API: ProductionVariantRoutingConfig, PrefixAwareRoutingConfig"),
        )
    if strategy == "KV_AWARE":
        yield RequestProblem(f"The embedded AWS does not route by KV_AWARE (variant {name}).", LIMIT)


def check_vpc(config: Mapping[str, Any] | None) -> None:
    """Check the format of the ids of subnets and security groups, but not whether they exist."""
    for kind, ids in ((_SUBNET, "Subnets"), (_SECURITY_GROUP, "SecurityGroupIds")):
        wrong = [id_ for id_ in (config or {}).get(ids, ()) if not kind.fullmatch(id_)]
        if wrong:
            raise refused(
                f"VpcConfig.{ids}: {', '.join(wrong)} is no id such as {kind.pattern.split('-')[0]}-0a1b2c3d.", ASSUMED
            )


def check_environment(variables: dict[str, str], most: int) -> None:
    """Check the limits of a container's environment: number of entries and size of values."""
    if len(variables) > most:
        raise refused(
            f"An environment of {len(variables)} entries: at most {most} are allowed.",
            documented("SageMaker API: ContainerDefinition and InferenceComponentContainerSpecification, Environment"),
        )
    long = [key for key, value in variables.items() if len(value.encode()) > _VALUE_BYTES]
    if long:
        raise refused(
            f"Values of more than {_VALUE_BYTES} bytes in the environment: {', '.join(long)}.",
            documented("SageMaker API: ContainerDefinition and InferenceComponentContainerSpecification, Environment"),
        )


def _described(resource: Named) -> Answer:
    return {**resource.request, "CreationTime": when(resource.created)}


def _summary(resource: Named, kind: str) -> Answer:
    return {f"{kind}Name": resource.name, f"{kind}Arn": resource.arn, "CreationTime": when(resource.created)}
