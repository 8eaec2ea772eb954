"""CloudFormation of the embedded AWS: provisions stacks through the services' APIs, in CloudFormation's order."""

from embedded_aws.cloudformation.service import CloudFormation

__all__ = ["CloudFormation"]
