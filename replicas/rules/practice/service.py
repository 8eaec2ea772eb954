"""Rules about serving: a long request that blocks all other requests of its copy."""

from __future__ import annotations

from collections.abc import Iterator

from replicas.endpoint.topology import Topology
from replicas.rules.declaration import rule
from replicas.rules.finding import Case
from replicas.rules.served import ServedCopy, copies_of


@rule(
    "one-request-at-a-time",
    pack="practice",
    severity="warning",
    checks="The KV cache of a copy has space for only one request of full length (only for recognised containers).",
    why="during a long request, all other requests of the copy wait for the whole answer",
    source="docs/sizing.md: the memory model, compared with KV cache sizes that engines printed",
)
def one_request_at_a_time(topology: Topology) -> Iterator[Case]:
    """The KV cache of a copy must have space for two requests of full length."""
    for copy in copies_of(topology):
        sized = copy.sized if isinstance(copy, ServedCopy) else None
        if not isinstance(copy, ServedCopy) or sized is None or sized.memory.pool.is_empty:
            continue
        if sized.memory.requests_at_once(sized.max_total_tokens) == 1:
            names = copy.kind.variables.max_total_tokens or ("limit of the request",)
            yield Case(subject=copy.subject, numbers={"tokens": f"{sized.max_total_tokens:,}", "variable": names[0]})
