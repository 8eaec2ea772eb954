"""A load of an endpoint: how requests arrive, how long they are, and what their prompts have in common. Pure.

`Load` describes it, `requests(load, seed)` draws its requests, `read_trace(path)` reads one that was recorded.
Forecast, recommendation, benchmark and the embedded AWS take the same load, so that one measures what another predicts.
"""

from replicas.load.load import Load
from replicas.load.requests import DrawnRequest, requests
from replicas.load.trace import Trace, TracedRequest

__all__ = ["DrawnRequest", "Load", "Trace", "TracedRequest", "requests"]
