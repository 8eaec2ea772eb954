"""The CloudFormation service of one region."""

from __future__ import annotations

from embedded_aws.cloudformation.change_sets import ChangeSets
from embedded_aws.cloudformation.reading import Reading


class CloudFormation(ChangeSets, Reading):
    """CloudFormation's operations on the stacks and change sets of one region."""
