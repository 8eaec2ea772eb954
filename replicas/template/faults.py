"""Faults of a template itself: what CloudFormation refuses before it touches a resource."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Evidence(StrEnum):
    """How the message of a fault is known."""

    QUOTED = "quoted"
    """The message was reported from an answer of CloudFormation."""
    DOCUMENTED = "documented"
    """The CloudFormation guide states the rule; the wording is ours."""
    ASSUMED = "assumed"
    """No source states it: the text has no meaning that could be deployed."""


@dataclass(frozen=True)
class Fault:
    """A fault, in CloudFormation's words where these were seen."""

    message: str
    evidence: Evidence = Evidence.QUOTED
