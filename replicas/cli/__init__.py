"""The command `replicas`. Data goes to stdout, everything else to stderr; exit code 1 means failure, 2 wrong usage."""

from replicas.cli.main import main

__all__ = ["main"]
