"""The look of every HTML page: one template, one style, one script for charts. A page needs no network, no server."""

from replicas.pages.charts import Band, Chart, Line, Mark
from replicas.pages.rendering import render, write_page

__all__ = ["Band", "Chart", "Line", "Mark", "render", "write_page"]
