"""Every input of this folder is named by a test that says what the right answer to it is."""

from __future__ import annotations

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INPUTS = sorted(path for kind in ("apps", "configs", "hostile", "templates") for path in (HERE / kind).iterdir())


def strings_of(module: Path) -> set[str]:
    """Every string that is written in a module, as a whole and as the name of a file at the end of a path."""
    literals = {
        node.value
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return literals | {literal.rpartition("/")[2] for literal in literals}


WRITTEN = set().union(*(strings_of(module) for module in HERE.glob("test_*.py") if module != Path(__file__)))
PATTERNS = {literal for literal in WRITTEN if "*" in literal and not literal.startswith("*")}
"""Inputs of one kind with one answer."""


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: str(path.relative_to(HERE)))
def test_an_input_is_named_by_a_test(path: Path) -> None:
    named = {path.name, path.stem} & WRITTEN or any(fnmatch(path.name, pattern) for pattern in PATTERNS)

    assert named, "no test of tests/cases names it: what is the right answer to it?"
