"""Modules that run in the environment of the engine. They import nothing of this project."""
