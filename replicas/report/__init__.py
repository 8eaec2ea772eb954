"""The page that a person looks at: instances, cost, forecasts, what-if and findings of deployments. Offline.

The entry point is `write_report(names, folder)`.
"""

from replicas.report.report import Report, write_report

__all__ = ["Report", "write_report"]
