"""A CDK app of one's own that uses the construct library: an endpoint in a stack, and the proof of every template."""

import aws_cdk as cdk

from replicas import Component, Deployment, plan
from replicas_cdk import MultiReplicaEndpoint, SageMakerChecks, TemplateProof

DEPLOYMENT = Deployment(
    name="chat",
    instance_type="ml.g6e.12xlarge",
    components=[Component(model="llama-2-13b", engine="vllm", copies=4, tensor_parallel=1)],
)


class ChatStack(cdk.Stack):
    """The endpoint beside whatever else the stack holds."""

    def __init__(self, scope: cdk.App, name: str) -> None:
        """Plan the deployment, which fails here where it does not fit, and create its resources."""
        super().__init__(scope, name)
        endpoint = MultiReplicaEndpoint(self, "Endpoint", plan=plan(DEPLOYMENT))
        cdk.CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)


app = cdk.App()
cdk.Validations.of(app).add_plugins(TemplateProof(), SageMakerChecks())
ChatStack(app, "chat")
app.synth()
