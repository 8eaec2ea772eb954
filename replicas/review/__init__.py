"""Shows the effect of a change before it is merged: plans, forecasts and synthesises two revisions and compares
them.
"""
