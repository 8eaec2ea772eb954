"""`MultiReplicaEndpoint`: creates one endpoint with copies of one or several models from an `EndpointPlan`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

import jsii
from aws_cdk import RemovalPolicies, RemovalPolicy, Stack, Tags
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from replicas import Alarms, ComponentPlan, EndpointPlan
from replicas.catalogue.models import model_ids
from replicas.deployment.deployment import DEFAULT_VARIANT
from replicas.names import LogGroup
from replicas_cdk import reasons
from replicas_cdk.binding import bind
from replicas_cdk.component_options import ComponentOptions
from replicas_cdk.copy_specification import CopySpecification, RollingUpdate
from replicas_cdk.durations import of_seconds
from replicas_cdk.endpoint_alarms import EndpointAlarms
from replicas_cdk.endpoint_base import EndpointBase
from replicas_cdk.endpoint_configuration import configuration_properties
from replicas_cdk.execution_role import LOG_GROUPS, Artifact, ExecutionRole
from replicas_cdk.identity import path_from_stack
from replicas_cdk.imported_endpoint import ImportedEndpoint
from replicas_cdk.inference_component import InferenceComponent
from replicas_cdk.network import NetworkProps
from replicas_cdk.plan_proof import ComponentProof
from replicas_cdk.references import EndpointProps
from replicas_cdk.role_rights import allow_keys, grant_references, warn_of_rights
from replicas_cdk.serving_container import RegistryAccounts, ServingContainer

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_secretsmanager as secretsmanager

    from replicas_cdk.component_alarms import ComponentAlarms
    from replicas_cdk.endpoint_dashboard import EndpointDashboard


class MultiReplicaEndpoint(EndpointBase):
    """Creates the role, Models, endpoint configuration, endpoint and inference components of an `EndpointPlan`.

    Models and the endpoint configuration have no fixed names. Any change replaces them: CloudFormation creates the new
    resource before it deletes the old one. The endpoint is updated in place, unless its name changes.

    An endpoint with `vpc=` is an `ec2.IConnectable`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: EndpointPlan,
        components: Mapping[str, ComponentOptions] | None = None,
        vpc: ec2.IVpc | None = None,
        vpc_subnets: ec2.SubnetSelection | None = None,
        security_groups: Sequence[ec2.ISecurityGroup] | None = None,
        allow_all_outbound: bool | None = None,
        role: iam.IRole | None = None,
        permissions_boundary: iam.IManagedPolicy | None = None,
        encryption_key: kms.IKey | None = None,
        weights_key: kms.IKey | None = None,
        token_secret: secretsmanager.ISecret | None = None,
        alarm_actions: Sequence[cloudwatch.IAlarmAction] = (),
        removal_policy: RemovalPolicy | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Define the endpoint of a plan.

        The plan decides all sizes. Constructs of the app (a VPC, a key, a bucket) are passed as arguments.

        Args:
            scope: parent.
            construct_id: part of every logical id; changing it replaces all resources.
            plan: plan of the endpoint (`replicas.plan`).
            components: buckets, secrets, images and variables of components, by the name of the component in the plan.
                Default: those that the plan names.
            vpc: VPC of the containers. Default: the VPC that the plan names, or none.
            vpc_subnets: subnets of the containers. Default: the private subnets of `vpc`.
            security_groups: security groups of the containers. Default: a new security group.
            allow_all_outbound: allow all outbound traffic in the new security group. Default: true.
            role: execution role. It is granted rights on the constructs that are passed as arguments. It must already
                have rights on resources that the plan names. Default: the role that the plan names, or a new
                `ExecutionRole` with the permissions that this plan needs.
            permissions_boundary: permissions boundary of the new role. Default: the boundary that the plan names, or
                none.
            encryption_key: KMS key of the volumes of the instances. Default: the key that the plan names, or
                SageMaker's own key.
            weights_key: KMS key that encrypts weights and adapters in buckets whose key the app does not know. The role
                is allowed to decrypt with this key and with the `encryption_key` of each bucket in `components`.
                Default: the key that the plan names, or none.
            token_secret: secret with a Hugging Face token, for every component whose weights come from the Hub.
                Default: the secrets that the plan names.
            alarm_actions: actions for the ALARM and OK states of all alarms, in addition to the SNS topic that the plan
                names. Default: none.
            removal_policy: policy for every resource of the endpoint that is removed or replaced. Default: DESTROY.
            tags: tags of every resource that supports tags, in addition to those of the plan. Default: none.

        Raises:
            ValueError: the plan cannot be deployed in the stack's region, or an argument does not belong to the plan or
                to the stack. The message has one line for each fault.

        """
        if vpc is not None:
            _implement_connectable()
        super().__init__(scope, construct_id)
        self.plan = plan
        stack = scope if isinstance(scope, Stack) else Stack.of(self)
        props = EndpointProps(
            components=components or {},
            network=NetworkProps(
                vpc=vpc,
                vpc_subnets=vpc_subnets,
                security_groups=security_groups,
                allow_all_outbound=allow_all_outbound,
            ),
            role=role,
            encryption_key=encryption_key,
            weights_key=weights_key,
            token_secret=token_secret,
            permissions_boundary=permissions_boundary,
            alarm_actions=alarm_actions,
            removal_policy=removal_policy,
            tags=tags or {},
        )
        bound = bind(self, plan, props, stack)
        self._bound, self._props = bound.plan, props
        plan = bound.plan
        self._connections = bound.network.connections if bound.network else None
        # The path of an endpoint directly below the stack is its id, in which `Node` replaces slashes with two hyphens.
        within_stack = construct_id.replace("/", "--") if scope is stack else self._path_within(stack)
        self.endpoint_identity = plan.endpoint_name or within_stack
        self._variant_name = plan.variant_name
        self._added_ranges: dict[str, tuple[int, int]] = {}
        self._stack = stack
        self._accounts = RegistryAccounts(stack, bound.region)
        containers = {component.name: self._container(component) for component in plan.components}
        existing = role or self._existing_role()
        self.role = existing or self._execution_role(containers.values())
        if role is not None:
            grant_references(role, props, stack.account)
        if existing is not None:
            warn_of_rights(self, existing, props, containers.values(), self._bound.data_capture)
        self._waits_for_role = role is not None
        # Reading an attribute is a call to the jsii process, so the value is read once.
        self._role_arn = self.role.role_arn
        configuration = sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            # Required because the variant names no model. Inference components use this role.
            execution_role_arn=self._role_arn,
            **configuration_properties(plan),
        )
        if role is not None:
            configuration.node.add_dependency(role)
        reasons.for_endpoint(self, plan)
        self._models_acknowledged = bool(reasons.for_models(plan))
        endpoint = sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_config_name=configuration.attr_endpoint_config_name,
            endpoint_name=plan.endpoint_name,
        )
        self.node.default_child = endpoint
        self._name, self._arn = endpoint.attr_endpoint_name, endpoint.ref
        self.alarms = EndpointAlarms(self)
        self.dashboard: EndpointDashboard | None = None
        self.components: Mapping[str, InferenceComponent] = {
            component.name: self._component(component, containers[component.name]) for component in plan.components
        }
        if plan.monitoring.dashboard:
            self.dashboard = self._dashboard(plan)
        if alarm_actions:
            self.alarms.add_alarm_action(*alarm_actions)
            self.alarms.add_ok_action(*alarm_actions)
        for key, value in plan.security.tags.items():
            Tags.of(self).add(key, value)
        if removal_policy is not None:
            self.apply_removal_policy(removal_policy)

    @property
    def connections(self) -> ec2.Connections:
        """Connections of the containers, through their security groups.

        Raises:
            ValueError: no VPC construct was passed to the endpoint.

        """
        if self._connections is None:
            raise ValueError(f"{self.node.path}: connections need a VPC: pass vpc= to MultiReplicaEndpoint")
        return self._connections

    @staticmethod
    def from_endpoint_attributes(
        scope: Construct,
        construct_id: str,
        *,
        endpoint_arn: str | None = None,
        endpoint_name: str | None = None,
        inference_component_names: Sequence[str] = (),
        variant_name: str = DEFAULT_VARIANT,
        role: iam.IRole | None = None,
    ) -> ImportedEndpoint:
        """Import an endpoint of inference components, with its components. Arguments as in `ImportedEndpoint`."""
        return ImportedEndpoint(
            scope,
            construct_id,
            endpoint_arn=endpoint_arn,
            endpoint_name=endpoint_name,
            inference_component_names=inference_component_names,
            variant_name=variant_name,
            role=role,
        )

    @staticmethod
    def from_endpoint_name(scope: Construct, construct_id: str, endpoint_name: str) -> ImportedEndpoint:
        """Import an endpoint from the stack's account and region. It names no components, so grants add a warning."""
        return ImportedEndpoint(scope, construct_id, endpoint_name=endpoint_name)

    @staticmethod
    def from_endpoint_arn(scope: Construct, construct_id: str, endpoint_arn: str) -> ImportedEndpoint:
        """Import an endpoint by ARN. It names no components, so grants add a warning."""
        return ImportedEndpoint(scope, construct_id, endpoint_arn=endpoint_arn)

    def apply_removal_policy(self, policy: RemovalPolicy) -> None:
        """Apply a removal policy to every resource of the endpoint, including resources that are added later.

        An endpoint that is retained without its components, models and role cannot serve. RETAIN also keeps resources
        that an update replaces.

        Raises:
            ValueError: `policy` is SNAPSHOT. No resource of an endpoint supports snapshots.

        """
        if policy == RemovalPolicy.SNAPSHOT:
            raise ValueError(f"{self.node.path}: an endpoint does not support snapshots: use RETAIN or DESTROY")
        RemovalPolicies.of(self).apply(policy)

    def _path_within(self, stack: Stack) -> str:
        """Return the path from the stack, because moving the stack into a CDK stage must not change the identity."""
        return self.node.path.removeprefix(f"{stack.node.path}/")

    def _container(self, plan: ComponentPlan) -> ServingContainer:
        given = self._props.components.get(plan.name)
        return ServingContainer(self, plan, accounts=self._accounts, image=given.image if given else None)

    def _existing_role(self) -> iam.IRole | None:
        """Return the role that the plan names, as an immutable import; None if the plan names no role."""
        arn = self._bound.security.execution_role
        return iam.Role.from_role_arn(self, "ExecutionRole", arn, mutable=False) if arn else None

    def _execution_role(self, containers: Iterable[ServingContainer]) -> ExecutionRole:
        plan = self._bound
        role = ExecutionRole(
            self,
            "ExecutionRole",
            containers=list(containers),
            artifact_urls=[
                Artifact(adapter.weights, adapter.weights_account)
                for component in plan.components
                for adapter in component.adapters
            ],
            weights_kms_key_arn=plan.security.weights_kms_key,
            in_vpc=plan.security.vpc is not None,
            permissions_boundary_arn=plan.security.permissions_boundary,
            permissions_boundary=self._props.permissions_boundary,
            log_groups=self._log_groups(),
        )
        allow_keys(role, self._props)
        if capture := plan.data_capture:
            role.allow_capturing(capture.destination, capture.kms_key)
        return role

    def _component(self, plan: ComponentPlan, container: ServingContainer) -> InferenceComponent:
        rolls_back = bool(plan.rollout and plan.rollout.roll_back)
        keeps_logs = self._bound.monitoring.log_retention_days
        fixed_name = self._fixed_name(plan)
        alarms = self._alarms(plan, fixed_name) if rolls_back and fixed_name else None
        component = InferenceComponent(
            self,
            f"Component-{plan.name}",
            endpoint=self,
            variant_name=self._variant_name,
            copies=plan.copies,
            specifications=self._specifications(plan, container),
            rolling_update=RollingUpdate(
                batch_copies=plan.rollout.batch_copies,
                wait=of_seconds(plan.rollout.wait_seconds),
                timeout=of_seconds(plan.rollout.timeout_seconds),
                rollback_alarm_names=alarms.alarm_names if alarms else (),
            )
            if plan.rollout
            else None,
            inference_component_name=fixed_name,
        )
        if keeps_logs and fixed_name:
            component.depend_on(self._log_group(plan, fixed_name, keeps_logs))
        if self._bound.monitoring.alarms and alarms is None:
            self._alarms(plan, component.inference_component_name)
        if plan.scaling:
            _scale(component, plan)
        for adapter in plan.adapters:
            component.place_adapter(adapter.name, adapter.weights)
        proof = ComponentProof(plan=self._bound, component=plan.name, added=self._added_ranges)
        component.belong_to_plan(proof, self._extend_grants)
        return component

    def _specifications(self, plan: ComponentPlan, container: ServingContainer) -> list[CopySpecification]:
        """Return the specification of a copy for the instance type and for each fallback type."""
        specifications = [self._specification(f"Model-{plan.name}", plan, container, self._bound)]
        for other in self._bound.fallbacks:
            (fallback,) = (component for component in other.components if component.name == plan.name)
            model_id = f"Model-{plan.name}-{other.instance.name.replace('.', '-')}"
            specifications.append(self._specification(model_id, fallback, self._container(fallback), other))
        return specifications

    def _specification(
        self, model_id: str, plan: ComponentPlan, container: ServingContainer, endpoint: EndpointPlan
    ) -> CopySpecification:
        vpc = self._bound.security.vpc
        model = sagemaker.CfnModel(
            self,
            model_id,
            execution_role_arn=self._role_arn,
            enable_network_isolation=self._bound.network_isolation or None,
            primary_container=container.definition,
            vpc_config=sagemaker.CfnModel.VpcConfigProperty(
                subnets=list(vpc.subnets), security_group_ids=list(vpc.security_groups)
            )
            if vpc
            else None,
        )
        if plan.weights is not None and plan.model.id in model_ids():
            # If the weights are in S3, no environment variable names the model. This metadata names it for template
            # checks.
            model.add_metadata("replicas", {"model": plan.model.id})
        if self._waits_for_role:
            # An existing role can have separate policies. A reference to the role does not wait for these policies.
            model.node.add_dependency(self.role)
        if not self._models_acknowledged:
            reasons.for_model(model, plan)
        placement = plan.placement
        return CopySpecification(
            model_name=model.attr_model_name,
            accelerators=plan.accelerators,
            cpus=plan.cpus,
            memory_mib=plan.memory_mib,
            startup_timeout=of_seconds(plan.startup_timeout_seconds),
            model_download_timeout=of_seconds(plan.download_timeout_seconds) if plan.download_timeout_seconds else None,
            placement_strategy=placement.strategy.upper() if placement else None,
            max_zone_imbalance=placement.max_zone_imbalance if placement else 0,
            data_cache=plan.data_cache,
            instance_type=endpoint.instance.name if self._bound.fallbacks else None,
        )

    def _log_group(self, plan: ComponentPlan, component_name: str, days: int) -> logs.CfnLogGroup:
        from aws_cdk import aws_logs as logs

        name = LogGroup.of_component(component_name)
        group = logs.CfnLogGroup(self, f"Logs-{plan.name}", log_group_name=name, retention_in_days=days)
        # DELETE is CloudFormation's default. aws-cdk requires an explicit policy below a Resource.
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        reasons.for_log_group(group)
        return group

    def _alarms(self, plan: ComponentPlan, component_name: str) -> ComponentAlarms:
        from replicas_cdk.component_alarms import ComponentAlarms

        alarms = ComponentAlarms(
            self,
            f"Alarms-{plan.name}",
            component_name=component_name,
            thresholds=self._bound.monitoring.alarms or Alarms(),
            topic_arn=self._bound.monitoring.topic,
            scales_to_zero=plan.fewest_copies == 0,
        )
        self.alarms.add(plan.name, alarms)
        return alarms

    def _dashboard(self, plan: EndpointPlan) -> EndpointDashboard:
        from replicas_cdk.endpoint_dashboard import EndpointDashboard

        return EndpointDashboard(
            self,
            "Dashboard",
            plans=plan.components,
            names={name: component.inference_component_name for name, component in self.components.items()},
            endpoint_name=self._name,
            variant_name=plan.variant_name,
        )

    def _log_groups(self) -> tuple[str, ...]:
        """Return the log groups of the endpoint and its components.

        For generated names, a pattern stands for all log groups.

        A name ends in `:*`, because IAM authorises actions on log streams by the ARN of the stream.
        """
        of_endpoints, of_components = LOG_GROUPS
        names = [self._fixed_name(component) for component in self._bound.components]
        endpoint = self._bound.endpoint_name
        return (
            f"{LogGroup.of_endpoint(endpoint)}:*" if endpoint else of_endpoints,
            *((f"{LogGroup.of_component(name)}:*" for name in names if name) if all(names) else (of_components,)),
        )

    @cached_property
    def _path(self) -> str:
        return path_from_stack(self, self._stack)

    def _fixed_name(self, plan: ComponentPlan) -> str | None:
        """Return a component name with a hash of stack name and path, so that it is unique. It is the same in all
        accounts and regions.

        Rollback alarms and the log group are created before the component and use its name, so the name must be fixed.
        If the component has neither rollback alarms nor a log group, the result is None: CloudFormation generates the
        name.
        """
        rolls_back = bool(plan.rollout and plan.rollout.roll_back)
        if not (rolls_back or self._bound.monitoring.log_retention_days):
            return None
        digest = hashlib.sha256(f"{self._path}/{plan.name}".encode()).hexdigest()
        return f"{plan.name[:50]}-{digest[:8]}"


def _scale(component: InferenceComponent, plan: ComponentPlan) -> None:
    from aws_cdk.aws_applicationautoscaling import Schedule

    scaling = plan.scaling
    assert scaling  # noqa: S101 (checked by the caller)
    copies = component.auto_scale_copies(min_copies=scaling.floor, max_copies=scaling.ceiling)
    track = copies.scale_on_concurrency if scaling.on_concurrent_requests else copies.scale_on_invocations
    track(
        target=scaling.target,
        scale_out_cooldown=of_seconds(scaling.scale_out_cooldown_seconds),
        scale_in_cooldown=of_seconds(scaling.scale_in_cooldown_seconds),
    )
    for schedule in scaling.schedules:
        copies.scale_on_schedule(
            schedule.name,
            schedule=Schedule.expression(schedule.at),
            timezone=schedule.timezone,
            min_copies=schedule.min_copies,
            max_copies=schedule.max_copies or scaling.ceiling,
        )
    if scaling.wakes:
        copies.wake_on_request()


@cache
def _implement_connectable() -> None:
    """Let `MultiReplicaEndpoint` implement `ec2.IConnectable`.

    This is done for the first endpoint with a VPC, because the import of `aws_ec2` takes 0.2 s, as long as the creation
    of twelve endpoints.
    """
    from aws_cdk import aws_ec2 as ec2

    jsii.implements(ec2.IConnectable)(MultiReplicaEndpoint)
