"""Rebuild the generated blocks of README.md and docs/, or report outdated pages (`--check`).

A block between `<!-- output: COMMAND -->` and `<!-- end -->` contains the output of the command. A block after
`<!-- table: NAME -->` contains a table that is generated from data. `docs/cli.md` contains the help of every command. A
test compares the committed files with newly generated files.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from replicas import plan
from replicas.cli import main as replicas
from replicas.cli.commands import COMMANDS
from replicas.cli.tables.options import usd
from replicas.deployment.file import load_catalogue
from replicas.rules import PRACTICE_RULES, RULES
from scripts import embedded_docs, forecast_docs, recommend_docs, rooms, start_docs, troubleshooting, write_schemas
from scripts.exam import report
from tests.sizing import published

ROOT = Path(__file__).parent.parent
HELP = ROOT / "docs" / "cli.md"
PAGES = [ROOT / "README.md", *sorted({HELP, *(ROOT / "docs").rglob("*.md")})]
SUBCOMMANDS = {"local": ("local start", "local stop", "local status", "local fault")}
BLOCK = re.compile(r"<!-- (?P<kind>output|table): (?P<what>.+?) -->\n.*?<!-- end -->", re.DOTALL)


def main() -> None:
    """Write the pages. With `--check`, only compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page is out of date")
    check = parser.parse_args().check
    pages = {path: current(path) for path in PAGES}
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text() != text]
    pictures = recommend_docs.stale_pictures(redraw=not check)
    if check and (stale or pictures):
        names = ", ".join(str(path.relative_to(ROOT)) for path in [*stale, *pictures])
        sys.exit(f"out of date: {names}: run `make docs`")
    for path in stale:
        path.write_text(pages[path])
    for path in [*stale, *pictures]:
        print(path.relative_to(ROOT))


def current(path: Path) -> str:
    """Return the text that a page should have: the generated help, or the file with newly generated blocks."""
    return help_page() if path == HELP else filled(path.read_text())


def filled(page: str) -> str:
    """Return a page with newly generated blocks."""

    def block(match: re.Match[str]) -> str:
        what = match["what"]
        output = match["kind"] == "output"
        content = f"```console\n$ {what}\n{printed(what)}\n```" if output else TABLES[what]()
        return f"<!-- {match['kind']}: {what} -->\n{content}\n<!-- end -->"

    return BLOCK.sub(block, page)


def article() -> str:
    """Return a table of the nine deployments of `deployments.py` that reproduce the article's table."""
    listed = load_catalogue(ROOT / "deployments.py")[:9]
    rows = [
        (
            f"`{planned.name}`",
            part.model.id,
            str(part.copies),
            str(part.accelerators),
            f"{part.kv_cache_tokens:,}",
            usd(planned.usd_per_hour, planned.price),
        )
        for planned in map(plan, listed)
        for part in planned.components
    ]
    return markdown(("deployment", "model", ">copies", ">accelerators", ">KV-cache tokens", ">USD an hour"), rows)


def deployments() -> str:
    """Return a table of `deployments.py` with one row per component."""
    rows = []
    for planned in map(plan, load_catalogue(ROOT / "deployments.py")):
        for index, part in enumerate(planned.components):
            first = index == 0
            rows.append(
                (
                    f"`{planned.name}`" if first else "",
                    part.model.id,
                    str(part.quantization or "none"),
                    str(part.engine),
                    f"{planned.instances} x {planned.instance.name}" if first else "",
                    str(part.copies),
                    str(part.accelerators),
                    f"{part.kv_cache_tokens:,}",
                    usd(planned.usd_per_hour, planned.price) if first else "",
                )
            )
    head = ("deployment", "model", "quantization", "engine", "instance", ">copies", ">accelerators")
    return markdown((*head, ">KV-cache tokens", ">USD an hour"), rows)


def published_counts() -> str:
    """Return a table of KV cache sizes in tokens: printed by engines, and predicted by the memory model."""
    rows = []
    for count in published.PUBLISHED["counts"]:
        if published.name_of(count) in published.LEFT_OUT:
            continue
        predicted = published.memory_of(count).kv_cache_tokens
        rows.append(
            (
                f"[{count['engine']}]({count['source']})",
                count["model"],
                f"{count['tensor_parallel']} x {count['accelerator']}",
                f"{count['gpu_memory_share']:g}",
                f"{count['kv_cache_tokens']:,}",
                f"{predicted:,}",
                f"{100 * (predicted / count['kv_cache_tokens'] - 1):+.1f} %",
            )
        )
    return markdown(("engine", "model", "cards", ">share", ">tokens printed", ">tokens predicted", ">error"), rows)


def forecast_of_the_article() -> str:
    """Return a table of the article's nine measurements and their forecasts."""
    return markdown(forecast_docs.ARTICLE_COLUMNS, forecast_docs.article_rows())


def forecast_held_out() -> str:
    """Return a table of published runs that were not used for fitting, with the errors of their forecasts."""
    return markdown(forecast_docs.HELD_OUT_COLUMNS, forecast_docs.held_out_rows())


def proof_rules() -> str:
    """Return a table of the rules of the proof, with the AWS operations that refuse a violation."""
    rows = [
        (f"`{rule.id}`", rule.checks, ", ".join(f"{entry.operation} ({entry.evidence})" for entry in rule.enforced))
        for rule in RULES.values()
    ]
    return markdown(("rule", "broken where", "refused by"), rows)


def practice_rules() -> str:
    """Return a table of the rules of practice."""
    rows = [(f"`{rule.id}`", rule.severity, rule.checks, rule.why) for rule in PRACTICE_RULES.values()]
    return markdown(("rule", "severity", "broken where", "why it matters"), rows)


def documents() -> str:
    """Return a table of the JSON documents, with description and schema."""
    rows = [
        (f"`{name}`", write_schemas.description_of(name), f"[schema](schemas/{write_schemas.file_of(name).name})")
        for name in write_schemas.DOCUMENTS
    ]
    return markdown(("`schema`", "document", ""), rows)


def decisions() -> str:
    """Return a table of the decisions, by number."""
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    titles = [page.read_text().partition("\n")[0].removeprefix("# ").partition(". ") for page in pages]
    named = zip(pages, titles, strict=True)
    rows = [(str(int(number)), f"[{title}]({page.name})") for page, (number, _, title) in named]
    return markdown((">", "decision"), rows)


TABLES = {
    "article": article,
    "refusals of the embedded AWS": embedded_docs.refusal_tables,
    "refusals and rules": embedded_docs.refusals_by_rule,
    "resource types of the embedded AWS": embedded_docs.resource_types,
    "decisions": decisions,
    "documents": documents,
    "picture of the rooms": rooms.picture,
    "rooms": rooms.table,
    "deployments": deployments,
    "published counts": published_counts,
    "forecast of the article": forecast_of_the_article,
    "forecast held out": forecast_held_out,
    "exam goals": lambda: markdown(report.GOAL_COLUMNS, report.goal_rows(forecast_docs.exam_runs())),
    "exam groups": lambda: markdown(report.GROUP_COLUMNS, report.group_rows(forecast_docs.exam_runs())),
    "exam runs": lambda: markdown(report.RUN_COLUMNS, report.run_rows(forecast_docs.exam_runs(), 30)),
    "errors of starts": start_docs.errors,
    "published starts": start_docs.published,
    "published scale-outs": start_docs.scale_outs,
    "published downloads": start_docs.downloads,
    "rules of the proof": proof_rules,
    "rules of practice": practice_rules,
    "messages of AWS": troubleshooting.messages_of_aws,
    "findings of the rules": troubleshooting.findings,
}


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table. A column whose name starts with `>` is aligned to the right."""
    rule = ["---:" if column.startswith(">") else "---" for column in columns]
    lines = [[column.removeprefix(">") for column in columns], rule, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def help_page() -> str:
    """Return a page with the help of every command."""
    parts = ["# The command `replicas`\n\nThis page is generated by `make docs`.\n"]
    named = [command for name in COMMANDS for command in SUBCOMMANDS.get(name, (name,))]
    for arguments in ("", *named):
        command = f"replicas {arguments}".strip()
        parts.append(f"## {command}\n\n```console\n$ {command} --help\n{printed(f'{command} --help')}\n```\n")
    return "\n".join(parts)


def printed(command: str) -> str:
    """Run a `replicas` command, and return stdout and stderr together, without colours.

    The command runs in this process, so that pages with the same forecast share the cached result.
    """
    name, *arguments = shlex.split(command)
    output = io.StringIO()
    with (
        contextlib.chdir(ROOT),
        mock.patch.dict(os.environ, {"COLUMNS": "120", "TERM": "dumb"}),
        mock.patch.object(sys, "argv", [name, *arguments]),
        # otherwise the usage line would name this package
        mock.patch.object(sys.modules["__main__"], "__package__", None, create=True),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
        contextlib.suppress(SystemExit),
    ):
        replicas()
    lines = [line.rstrip() for line in output.getvalue().strip("\n").splitlines()]
    return "\n".join(lines).strip("\n")


if __name__ == "__main__":
    main()
