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
        lines.append(f"{endpoint.logical_id}: {endpoint.instances or '?'} x {instance_type}{use}{ceiling}{proven}")
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
    for open_point in report.unresolved:
        give = f" (give {', '.join(open_point.parameters)})" if open_point.parameters else ""
        lines.append(f"not judged: {open_point.logical_id}: {open_point.what}{give}")
    summary = [
        f"{len(entries)} {name}{'' if len(entries) == 1 else 's'}"
        for name, entries in (("problem", report.problems), ("warning", report.warnings))
    ]
    return [*lines, ", ".join(summary)]
