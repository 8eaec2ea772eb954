"""Estimates how long a new copy takes until it serves, by phase, from published and measured starts. Makes no AWS
calls.
"""

from replicas.start.forecast import Start, StartRequest, forecast_start
from replicas.start.phases import Phase, PhaseName

__all__ = ["Phase", "PhaseName", "Start", "StartRequest", "forecast_start"]
