"""Forecasts the load that a plan can serve, from the time of an engine's steps and the requests in each step. Makes no
AWS calls.

The entry point is `forecast(plan, component, loads)`.
"""

from replicas.errors import ForecastError
from replicas.forecast.forecasting import forecast
from replicas.forecast.loads import Forecast, Point, PointLimits, Saturation
from replicas.load import Load

__all__ = ["Forecast", "ForecastError", "Load", "Point", "PointLimits", "Saturation", "forecast"]
