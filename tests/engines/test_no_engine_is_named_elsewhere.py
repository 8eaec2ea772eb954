"""Only an engine's folder, data, docs and `deployments.py` name an engine: the sources are read token by token."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from replicas.engines import engine_kinds
from tests.conftest import ROOT

FOLDERS = ("replicas", "constructs/replicas_cdk", "stacks", "packages/embedded-aws/embedded_aws")
NAMES = sorted(engine_kinds())


def named(text: str) -> list[str]:
    """Engines that a text names: as a word, or as a part of one in any of the ways in which identifiers join words."""
    return [
        name
        for name in NAMES
        if re.search(rf"(?<![A-Za-z])(?i:{name})(?![a-z])|(?<=[a-z]){name.capitalize()}(?![a-z])", text)
    ]


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")


def mentions(source: str) -> list[str]:
    """`line: engine` for each token that names one, comments and docstrings too."""
    if not re.search("|".join(NAMES), source, re.IGNORECASE):
        return []
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [f"{token.start[0]}: {name}" for token in tokens for name in named(token.string)]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("x = 'tgi'", ["1: tgi"]),
        ("class VllmAnswer: ...", ["1: vllm"]),
        ("import useTgi", ["1: tgi"]),
        ("SM_VLLM_MODEL = 1", ["1: vllm"]),
        ("name = f'{x}-tgi-1.1.0'", ["1: tgi"]),
        ('def f():\n    """Asks vLLM."""', ["2: vllm"]),
        ("x = 1  # as SGLang does", ["1: sglang"]),
        ("image = 'huggingface-vllm'", ["1: vllm"]),
        ("filmed = 'filmic tgim'", []),
    ],
)
def test_a_mention_is_found_in_whatever_form_it_comes(source: str, found: list[str]) -> None:
    assert mentions(source) == found


def test_no_source_outside_the_engines_names_one() -> None:
    read = [path for path in sources() if not path.is_relative_to(ROOT / "replicas" / "engines")]
    assert len(read) > 250
    found = [f"{path.relative_to(ROOT)}:{mention}" for path in read for mention in mentions(path.read_text())]
    assert found == []


def test_engines_share_nothing_that_names_one_of_them() -> None:
    """Modules beside the folders serve every engine; the default and the example are declared in one of them."""
    shared = [path for path in (ROOT / "replicas" / "engines").glob("*.py") if path.name != "default.py"]
    found = {f"{path.name}: {name}" for path in shared for name in named(_without_docstrings(path.read_text())) if name}
    assert found == set()


def _without_docstrings(source: str) -> str:
    """The code of a module: examples in docstrings may show how an engine is written."""
    return re.sub(r'"""(?:.|\n)*?"""', "", source)
