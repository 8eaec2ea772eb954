"""CloudFormation: the service of one region."""

from __future__ import annotations

from replicas.local.cloudformation.change_sets import ChangeSets
from replicas.local.cloudformation.reading import Reading


class CloudFormation(ChangeSets, Reading):
    """Stacks and change sets of one region, behind CloudFormation's own operations."""
