"""`MultiReplicaEndpoint`: one endpoint, many copies of one or several models, from a proven plan."""

from __future__ import annotations

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from replicas.sizing import ComponentPlan, EndpointPlan
from replicas_cdk.execution_role import ExecutionRole
from replicas_cdk.inference_component import InferenceComponent
from replicas_cdk.invocation import Invocable
from replicas_cdk.serving_container import ServingContainer

VARIANT = "AllTraffic"
ROUTING = "LEAST_OUTSTANDING_REQUESTS"


class MultiReplicaEndpoint(Construct, Invocable):
    """Role, Models, endpoint configuration, endpoint and inference components of an `EndpointPlan`.

    Model and endpoint configuration carry no fixed names: every change replaces them, and CloudFormation creates
    the new one before it deletes the old one. The endpoint is updated in place, except for its name.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, plan: EndpointPlan, role: iam.IRole | None = None
    ) -> None:
        """Define the endpoint of a plan.

        Args:
            scope: parent.
            construct_id: a contract: it is part of every logical id.
            plan: from `replicas.sizing.plan`.
            role: execution role. Default: an `ExecutionRole` with what this plan needs and no more.

        """
        super().__init__(scope, construct_id)
        self.plan = plan
        # Not the whole path: the same stack in a CDK stage is the same stack.
        within_stack = self.node.path.removeprefix(f"{Stack.of(self).node.path}/")
        self.endpoint_identity = plan.endpoint_name or within_stack
        containers = {component.name: ServingContainer(self, component) for component in plan.components}
        self.role = role or ExecutionRole(self, "ExecutionRole", containers=list(containers.values()))
        role_arn = self.role.role_arn
        configuration = sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            # Inference components take their role from here: a variant that names no model needs it.
            execution_role_arn=role_arn,
            enable_network_isolation=plan.network_isolation or None,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    instance_type=plan.instance.name,
                    initial_instance_count=plan.instances,
                    inference_ami_version=plan.inference_ami_version,
                    routing_config=sagemaker.CfnEndpointConfig.RoutingConfigProperty(routing_strategy=ROUTING),
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_config_name=configuration.attr_endpoint_config_name,
            endpoint_name=plan.endpoint_name,
        )
        self.endpoint_name = endpoint.attr_endpoint_name
        self.endpoint_arn = endpoint.ref
        self.components = {
            part.name: self._component(part, containers[part.name], role_arn) for part in plan.components
        }

    @property
    def invocation_arns(self) -> list[str]:
        """The endpoint and all its components."""
        return [self.endpoint_arn, *(part.inference_component_arn for part in self.components.values())]

    def _component(self, plan: ComponentPlan, container: ServingContainer, role_arn: str) -> InferenceComponent:
        model = sagemaker.CfnModel(
            self,
            f"Model-{plan.name}",
            execution_role_arn=role_arn,
            enable_network_isolation=self.plan.network_isolation or None,
            primary_container=container.definition,
        )
        timeout = Duration.seconds(plan.startup_timeout_seconds)
        return InferenceComponent(
            self,
            f"Component-{plan.name}",
            endpoint=self,
            variant_name=VARIANT,
            model_name=model.attr_model_name,
            copies=plan.copies,
            accelerators=plan.accelerators,
            cpus=plan.cpus,
            memory_mib=plan.memory_mib,
            startup_timeout=timeout,
            model_download_timeout=timeout if plan.weights else None,
        )
