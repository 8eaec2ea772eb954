"""CDK apps that `benchmark.py` synthesises: the app of this project, and reference apps."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from replicas.names import Output

if TYPE_CHECKING:
    from replicas import Deployment, EndpointPlan

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]


def empty() -> None:
    """Create an app with one small resource, the minimum that passes validation."""
    app = _app()
    cdk.CfnWaitConditionHandle(cdk.Stack(app, "empty"), "Handle")
    app.synth()


def catalogue() -> None:
    """Create the app of this project, with every deployment of `deployments.py`."""
    import app

    app.main(context=CONTEXT, outdir=os.environ["CDK_OUTDIR"])


def endpoints(count: int) -> None:
    """Create an app that contains one deployment `count` times, each in a separate stack."""
    from deployments import DEPLOYMENTS

    _endpoints(DEPLOYMENTS[0], count)


def production_endpoints(count: int) -> None:
    """Create an app that contains the production example, which uses all options, `count` times in separate stacks."""
    from replicas.deployment.file import load_catalogue

    (deployment,) = load_catalogue(ROOT / "docs" / "examples" / "production.py")
    _endpoints(deployment, count)


def _endpoints(deployment: Deployment, count: int) -> None:
    from dataclasses import replace

    from replicas import plan
    from stacks.multi_replica_stack import MultiReplicaStack

    app = _app()
    for index in range(count):
        MultiReplicaStack(app, plan(replace(deployment, name=f"endpoint-{index}")))
    app.synth()


def bare_endpoints(count: int) -> None:
    """Create an app with `count` stacks that declare the resources of a deployment as L1 constructs."""
    from dataclasses import replace

    from deployments import DEPLOYMENTS
    from replicas import plan

    app = _app()
    for index in range(count):
        _bare_stack(app, plan(replace(DEPLOYMENTS[0], name=f"endpoint-{index}")))
    app.synth()


def bare() -> None:
    """Create an app with the stacks and resources of `catalogue`, declared as L1 constructs only."""
    from deployments import DEPLOYMENTS
    from replicas import plan

    app = _app()
    for deployment in DEPLOYMENTS:
        _bare_stack(app, plan(deployment))
    app.synth()


def _bare_stack(app: cdk.App, plan: EndpointPlan) -> None:
    stack = cdk.Stack(app, plan.name)
    image = plan.components[0].engine.image
    assert image  # noqa: S101
    accounts = cdk.CfnMapping(
        stack, "Accounts", mapping={region: {"account": account} for region, account in image.accounts.items()}
    )
    account = accounts.find_in_map(cdk.Aws.REGION, "account")
    statement = {
        "Effect": "Allow",
        "Action": ["ecr:BatchGetImage"],
        "Resource": f"arn:aws:ecr:*:{account}:repository/*",
    }
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}
    role = iam.CfnRole(
        stack,
        "Role",
        assume_role_policy_document={"Version": "2012-10-17", "Statement": [trust]},
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name="serve", policy_document={"Version": "2012-10-17", "Statement": [statement] * 3}
            )
        ],
    )
    configuration = sagemaker.CfnEndpointConfig(
        stack,
        "Configuration",
        execution_role_arn=role.attr_arn,
        production_variants=[
            sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                variant_name="AllTraffic", instance_type=plan.instance.name, initial_instance_count=1
            )
        ],
    )
    endpoint = sagemaker.CfnEndpoint(stack, "Endpoint", endpoint_config_name=configuration.attr_endpoint_config_name)
    cdk.CfnOutput(stack, Output.ENDPOINT, value=endpoint.attr_endpoint_name)
    cdk.CfnOutput(stack, Output.REGION, value=cdk.Aws.REGION)
    for component in plan.components:
        uri = f"{account}.dkr.ecr.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}/{image.repository}:{image.tag}"
        model = sagemaker.CfnModel(
            stack,
            f"{component.name}-model",
            execution_role_arn=role.attr_arn,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=uri, environment=dict(component.environment)
            ),
        )
        resource = sagemaker.CfnInferenceComponent
        inference_component = resource(
            stack,
            component.name,
            endpoint_name=endpoint.attr_endpoint_name,
            variant_name="AllTraffic",
            runtime_config=resource.InferenceComponentRuntimeConfigProperty(copy_count=component.copies),
            specification=resource.InferenceComponentSpecificationProperty(
                model_name=model.attr_model_name,
                compute_resource_requirements=resource.InferenceComponentComputeResourceRequirementsProperty(
                    number_of_accelerator_devices_required=component.accelerators,
                    number_of_cpu_cores_required=component.cpus,
                    min_memory_required_in_mb=component.memory_mib,
                ),
            ),
        )
        name = cdk.Fn.select(1, cdk.Fn.split("/", inference_component.attr_inference_component_arn))
        cdk.CfnOutput(stack, f"{component.name}Name", value=name)
        cdk.CfnOutput(stack, f"{component.name}Chat", value=f"aws sagemaker-runtime --endpoint {name} {uri}")


def _app() -> cdk.App:
    return cdk.App(context=CONTEXT, outdir=os.environ["CDK_OUTDIR"])


if __name__ == "__main__":
    name = sys.argv[1]
    counted = {"endpoints": endpoints, "bare-endpoints": bare_endpoints, "production-endpoints": production_endpoints}
    if name in counted:
        counted[name](int(sys.argv[2]))
    else:
        {"empty": empty, "catalogue": catalogue, "bare": bare}[name]()
