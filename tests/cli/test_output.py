"""All output of the commands leaves by one module, and every command is in the table of the help."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from replicas.cli.commands import COMMANDS, GROUPS
from tests.conftest import ROOT

CLI = ROOT / "replicas" / "cli"
GATEWAY = CLI / "output.py"
MODULES = sorted(set(CLI.rglob("*.py")) - {GATEWAY})


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CLI)))
def test_no_module_prints_past_the_gateway(module: Path) -> None:
    called = [node.func for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    names = {ast.unparse(function) for function in called}
    assert not names & {"print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write", "Console"}


def test_every_command_of_a_module_is_in_the_table() -> None:
    declared = {
        (node.name, module.stem)
        for module in CLI.glob("*.py")
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if ast.unparse(decorator).startswith("app.command(")
    }
    table = {(name, entry.module) for name, entry in COMMANDS.items() if name != "local"}
    assert declared == table


def test_summaries_fit_80_columns_and_no_command_is_in_two_groups() -> None:
    longest = max(map(len, COMMANDS))
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
    for entry in COMMANDS.values():
        assert len(f"  {'':{longest}}  {entry.summary}") <= 80
        assert entry.summary.endswith(".")
