"""CloudFormation of the embedded AWS: stacks provisioned through the services' own APIs, updated in AWS's order."""

from embedded_aws.cloudformation.service import CloudFormation

__all__ = ["CloudFormation"]
