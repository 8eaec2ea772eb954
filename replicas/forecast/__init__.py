"""What a plan will carry: how long an engine's steps take, which requests share them, and what comes of it. Pure.

`forecast(plan, component, loads)` is the way in.
"""

from replicas.errors import ForecastError
from replicas.forecast.forecasting import forecast
from replicas.forecast.loads import Forecast, Load, Point, PointLimits, Saturation

__all__ = ["Forecast", "ForecastError", "Load", "Point", "PointLimits", "Saturation", "forecast"]
