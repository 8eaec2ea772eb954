"""A CDK app that uses nothing of ours but the plugin: a synth fails where copies do not fit the endpoint."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from replicas_cdk import TemplateProof

COPIES = 8


class EndpointStack(cdk.Stack):
    """An endpoint and its inference component, as L1 constructs."""

    def __init__(self, scope: cdk.App, name: str) -> None:
        """Create one instance of eight accelerators, and copies that take one accelerator each."""
        super().__init__(scope, name)
        role = iam.Role.from_role_name(self, "Role", "sagemaker-endpoint")
        config = sagemaker.CfnEndpointConfig(
            self,
            "Config",
            execution_role_arn=role.role_arn,
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name="all", instance_type="ml.p4d.24xlarge", initial_instance_count=1
                )
            ],
        )
        endpoint = sagemaker.CfnEndpoint(self, "Endpoint", endpoint_config_name=config.attr_endpoint_config_name)
        sagemaker.CfnInferenceComponent(
            self,
            "Component",
            endpoint_name=endpoint.attr_endpoint_name,
            variant_name="all",
            specification=sagemaker.CfnInferenceComponent.InferenceComponentSpecificationProperty(
                model_name="chat",
                compute_resource_requirements=(
                    sagemaker.CfnInferenceComponent.InferenceComponentComputeResourceRequirementsProperty(
                        number_of_accelerator_devices_required=1, min_memory_required_in_mb=1024
                    )
                ),
            ),
            runtime_config=sagemaker.CfnInferenceComponent.InferenceComponentRuntimeConfigProperty(copy_count=COPIES),
        )


app = cdk.App()
cdk.Validations.of(app).add_plugins(TemplateProof())
EndpointStack(app, "endpoint")
app.synth()
