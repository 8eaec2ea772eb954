"""Traffic that is assumed for the choice of a layout if a component declares no traffic."""

from __future__ import annotations

from replicas.catalogue.tasks import Task
from replicas.deployment.options import Traffic

USERS_PER_ACCELERATOR = 16
"""Assumed users in a closed loop for each accelerator: enough that copies compute batches, and few enough that requests
do not queue on accelerators of 24 GB."""
INPUT_TOKENS = 1000
OUTPUT_TOKENS = 250
"""Assumed lengths of a request in tokens: a question with its context, and a paragraph."""


def default_traffic(task: Task, accelerators: int, max_input_tokens: int, max_total_tokens: int) -> Traffic:
    """Return the traffic that is assumed for a component, with lengths cut to the limits of its copies."""
    output = min(OUTPUT_TOKENS, max(1, max_total_tokens // 2)) if task == "generate" else 0
    return Traffic(
        users=USERS_PER_ACCELERATOR * accelerators,
        input_tokens=max(1, min(INPUT_TOKENS, max_input_tokens, max_total_tokens - output)),
        output_tokens=output,
    )
