"""Distils the arguments of an engine's server, by version, from the source in its wheels (`arguments.json`)."""
