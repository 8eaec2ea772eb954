"""Writes the HTML page about deployments: instances, cost, forecasts, what-if and findings. Needs no network.

The entry point is `write_report(names, folder)`.
"""

from replicas.report.report import Report, write_report

__all__ = ["Report", "write_report"]
