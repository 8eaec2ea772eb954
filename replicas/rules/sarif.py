"""Reports in SARIF 2.1.0, the OASIS format that code scanning and editors read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from replicas.escaping import printable, uri_of
from replicas.installation import __version__
from replicas.rules.declaration import Rule
from replicas.rules.files import CheckedFile
from replicas.rules.registry import PRACTICE_RULES, RULES
from replicas.rules.report import Message

NOT_JUDGED = "not-judged"
"""Rule id of a question that could not be judged."""
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"problem": "error", "warning": "warning"}


def sarif_log(files: Sequence[CheckedFile], *, practice: bool) -> dict[str, Any]:
    """Return the SARIF log of checked files. `practice` is True if the rules of practice were applied."""
    rules = [*RULES.values(), *(PRACTICE_RULES.values() if practice else ())]
    described = [*map(_description, rules), _NOT_JUDGED]
    indexes = {rule["id"]: index for index, rule in enumerate(described)}
    results = [{**result, "ruleIndex": indexes[result["ruleId"]]} for file in files for result in _results(file)]
    driver = {
        "name": "replicas",
        "semanticVersion": __version__,
        "rules": described,
    }
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


_NOT_JUDGED: dict[str, Any] = {
    "id": NOT_JUDGED,
    "shortDescription": {"text": "A question that could not be judged."},
    "help": {"text": "The message names the unknown value, and the option that supplies it."},
    "defaultConfiguration": {"level": "none"},
}


def _description(rule: Rule) -> dict[str, Any]:
    enforced = [f"{entry.operation} refuses it ({entry.evidence}: {entry.source})." for entry in rule.enforced]
    source = [f"Source: {rule.source}."] if rule.source else []
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.checks},
        "help": {"text": " ".join([rule.checks, *source, *enforced])},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _results(file: CheckedFile) -> Iterable[dict[str, Any]]:
    report = file.report
    for level, findings in (("error", report.problems), ("warning", report.warnings)):
        for finding in findings:
            yield _finding(file, finding, level)
    for acknowledged in report.acknowledged:
        level = "error" if acknowledged.finding.certain else "warning"
        suppression = {"kind": "inSource", "justification": printable(acknowledged.reason)}
        yield {**_finding(file, acknowledged.finding, level), "suppressions": [suppression]}
    for question in report.unjudged:
        give = f" Give: {' '.join(question.options)}" if question.options else ""
        yield {
            "ruleId": NOT_JUDGED,
            "kind": "open",
            "level": "none",
            "message": {"text": printable(f"Not judged: {question.question}: {question.why}.{give}")},
            "locations": [_location(file, question.logical_id)],
        }


def _finding(file: CheckedFile, finding: Message, level: str) -> dict[str, Any]:
    return {
        "ruleId": finding.rule,
        "level": level,
        "message": {"text": printable(f"{finding.what}: {finding.why}. Fix: {finding.fix}")},
        "locations": [_location(file, finding.logical_id)],
    }


def _location(file: CheckedFile, logical_id: str) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri_of(file.path)}}
    if logical_id in file.lines:
        physical["region"] = {"startLine": file.lines[logical_id]}
    return {"physicalLocation": physical, "logicalLocations": [{"name": printable(logical_id), "kind": "resource"}]}
