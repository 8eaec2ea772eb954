"""Shared template, style and chart script of all HTML pages. A page needs no network and no server."""

from replicas.pages.charts import Band, Chart, Line, Mark
from replicas.pages.rendering import render, write_page

__all__ = ["Band", "Chart", "Line", "Mark", "render", "write_page"]
