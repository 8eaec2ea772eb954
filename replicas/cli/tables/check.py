"""Report of `replicas check` as lines of text."""

from __future__ import annotations

from replicas.rules import Report


def report_lines(report: Report) -> list[str]:
    """Lines of a report: endpoints, findings with reason and fix, points that were not judged, then the counts."""
    lines = []
    for endpoint in report.endpoints:
        instance_type = endpoint.instance_type or " or ".join(endpoint.instance_pools)
        if not instance_type:
            continue
        used, available = endpoint.accelerators_used, endpoint.accelerators_available
        use = f": {used} of {available} accelerators claimed" if used is not None and available is not None else ""
        ceiling = "".join(
            f"; {component.logical_id} up to {component.max_copies} copies"
            for component in endpoint.components
            if component.max_copies is not None and component.max_copies != component.copies
        )
        proven = "; all copies placed" if endpoint.placement is not None else ""
        regions = f"; hosted in {len(endpoint.regions)} regions" if endpoint.regions else ""
        lines.append(
            f"{endpoint.logical_id}: {endpoint.instances or '?'} x {instance_type}{use}{ceiling}{proven}{regions}"
        )
        if endpoint.roles_elsewhere:
            roles = ", ".join(endpoint.roles_elsewhere)
            lines.append(f"    rights of roles that are made elsewhere are not judged: {roles}")
    for kind, findings in (("problem", report.problems), ("warning", report.warnings)):
        for finding in findings:
            lines += [
                f"{kind}: {finding.logical_id}: {finding.what} [{finding.rule}]",
                f"    why: {finding.why}",
                f"    fix: {finding.fix}",
            ]
    for entry in report.acknowledged:
        finding = entry.finding
        lines.append(f"acknowledged: {finding.logical_id}: {finding.what} [{finding.rule}]: {entry.reason}")
    for question in report.unjudged:
        lines.append(f"not judged: {question.logical_id}: {question.question}: {question.why}")
        if question.options:
            lines.append(f"    give: {' '.join(question.options)}")
    summary = [
        f"{len(entries)} {name}{'' if len(entries) == 1 else 's'}"
        for name, entries in (("problem", report.problems), ("warning", report.warnings))
    ]
    if report.unjudged:
        summary.append(f"{len(report.unjudged)} not judged")
    return [*lines, ", ".join(summary)]
