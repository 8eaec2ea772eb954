"""Load of an endpoint: arrivals of requests, their lengths, and common parts of prompts. Makes no AWS calls.

`Load` describes a load, `requests(load, seed)` draws its requests, and `read_trace(path)` reads a recorded trace.
Forecast, recommendation, benchmark and the embedded AWS use the same `Load`, so that a benchmark measures exactly the
load that was forecast.
"""

from replicas.load.load import Load
from replicas.load.requests import DrawnRequest, requests
from replicas.load.trace import Trace, TracedRequest

__all__ = ["DrawnRequest", "Load", "Trace", "TracedRequest", "requests"]
