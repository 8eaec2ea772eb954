"""Compares forecasts with published measurements of the same runs ("exam")."""
