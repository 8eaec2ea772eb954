"""Modules that run in the environment of the engine. They import nothing else from this project."""
