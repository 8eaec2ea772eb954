"""Prints reports of `replicas check` as lines of text or as GitHub Actions annotations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from replicas.escaping import log_line, workflow_command
from replicas.rules import Message, Report
from replicas.rules.files import CheckedFile
from replicas.units import counted


def report_lines(report: Report) -> list[str]:
    """Return the lines of a report: endpoints, findings with reason and fix, questions not judged, then the counts."""
    note = "" if report.endpoints or report.unjudged else ": the template has no endpoint"
    return [log_line(line) for line in (*_report_lines(report), _summary([report]) + note)]


def files_lines(files: Sequence[CheckedFile]) -> list[str]:
    """Return the lines of several reports, each under the name of its file, then the total counts."""
    lines = []
    for file in files:
        region = f" ({file.region})" if file.region else ""
        lines += [f"{file.path}{region}", *(f"  {line}" for line in _report_lines(file.report))]
    without = sum(not file.report.endpoints for file in files)
    counts = counted(len(files), "template")
    if without:
        counts += f", {without} without an endpoint"
    lines.append(f"{counts}: {_summary([file.report for file in files])}")
    return [log_line(line) for line in lines]


def github_lines(files: Sequence[CheckedFile]) -> list[str]:
    """Return GitHub Actions commands that annotate the files of a pull request, then the total counts."""
    commands = [command for file in files for command in _commands(file)]
    return [*commands, log_line(_summary([file.report for file in files]))]


def _report_lines(report: Report) -> Iterator[str]:
    for endpoint in report.endpoints:
        instance_type = endpoint.instance_type or " or ".join(endpoint.instance_pools)
        if not instance_type:
            continue
        used, available = endpoint.accelerators_used, endpoint.accelerators_available
        use = f": {used} of {available} accelerators reserved" if used is not None and available is not None else ""
        ceiling = "".join(
            f"; {component.logical_id} up to {component.max_copies} copies"
            for component in endpoint.components
            if component.max_copies is not None and component.max_copies != component.copies
        )
        proven = "; all copies placed" if endpoint.placement is not None else ""
        regions = f"; hosted in {len(endpoint.regions)} regions" if endpoint.regions else ""
        yield f"{endpoint.logical_id}: {endpoint.instances or '?'} x {instance_type}{use}{ceiling}{proven}{regions}"
        if endpoint.roles_elsewhere:
            roles = ", ".join(endpoint.roles_elsewhere)
            yield f"    the rights of roles outside this template are not judged: {roles}"
    for kind, findings in (("problem", report.problems), ("warning", report.warnings)):
        for finding in findings:
            yield f"{kind}: {finding.logical_id}: {finding.what} [{finding.rule}]"
            yield f"    why: {finding.why}"
            yield f"    fix: {finding.fix}"
    for entry in report.acknowledged:
        finding = entry.finding
        yield f"acknowledged: {finding.logical_id}: {finding.what} [{finding.rule}]: {entry.reason}"
    for question in report.unjudged:
        yield f"not judged: {question.logical_id}: {question.question}: {question.why}"
        if question.options:
            yield f"    give: {' '.join(question.options)}"


def _summary(reports: Sequence[Report]) -> str:
    problems, warnings, unjudged = (
        sum(len(entries) for entries in counted)
        for counted in (
            [report.problems for report in reports],
            [report.warnings for report in reports],
            [report.unjudged for report in reports],
        )
    )
    counts = [counted(problems, "problem"), counted(warnings, "warning")]
    return ", ".join([*counts, f"{unjudged} not judged"] if unjudged else counts)


def _commands(file: CheckedFile) -> Iterator[str]:
    report = file.report
    kinds: tuple[tuple[Literal["error", "warning"], Sequence[Message]], ...] = (
        ("error", report.problems),
        ("warning", report.warnings),
    )
    for kind, findings in kinds:
        for finding in findings:
            message = f"{finding.logical_id}: {finding.what}: {finding.why}. Fix: {finding.fix}"
            yield _command(file, kind, finding.logical_id, finding.rule, message)
    for entry in report.acknowledged:
        finding = entry.finding
        message = f"{finding.logical_id}: {finding.what}: acknowledged: {entry.reason}"
        yield _command(file, "notice", finding.logical_id, finding.rule, message)
    for question in report.unjudged:
        give = f". Give: {' '.join(question.options)}" if question.options else ""
        message = f"{question.logical_id}: {question.question}: {question.why}{give}"
        yield _command(file, "warning", question.logical_id, "not judged", message)


def _command(file: CheckedFile, kind: str, logical_id: str, title: str, message: str) -> str:
    return workflow_command(kind, message, file=str(file.path), line=file.lines.get(logical_id), title=title)
