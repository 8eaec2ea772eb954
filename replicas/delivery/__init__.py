"""Deploys one stack with the CDK CLI: checks and price before the deploy, progress during it. Calls AWS.

`propose("llama-2-13b")` plans, synthesises and checks a stack. `deliver(proposal)` deploys exactly the checked
template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.delivery.delivery import Delivered, deliver
    from replicas.delivery.proposal import Proposal, propose
    from replicas.delivery.steps import Step

__all__ = ["Delivered", "Proposal", "Step", "deliver", "propose"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {"delivery": ("Delivered", "deliver"), "proposal": ("Proposal", "propose"), "steps": ("Step",)},
)
