"""The Python text of an entry: what is written is what was meant, in the form of `ruff format`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from replicas import Component, Deployment
from replicas.adopt.source import source_of
from replicas.deployment.file import read_entries
from tests.conftest import ROOT


def written(deployment: Deployment, folder: Path) -> Path:
    file = folder / "deployments.py"
    file.write_text(source_of(deployment))
    return file


ENTRIES = [
    entry
    for file in ("deployments.py", "docs/examples/production.py")
    for entry in read_entries(ROOT / file)
    if isinstance(entry, Deployment)
]


def test_every_entry_of_the_project_is_read_as_it_was(tmp_path: Path) -> None:
    assert len(ENTRIES) > 20

    for entry in ENTRIES:
        assert read_entries(written(entry, tmp_path)) == [entry]


@pytest.mark.parametrize("text", ['say "yes"', "it's", "back\\slash", "ü\n", "both ' and \""])
def test_a_text_with_quotes_is_read_as_it_was(text: str, tmp_path: Path) -> None:
    entry = Deployment(
        name="chat",
        instance_type="ml.g5.xlarge",
        components=[Component(model="llama-3.1-8b", environment={"SYSTEM": text})],
    )

    assert read_entries(written(entry, tmp_path)) == [entry]


def test_a_file_is_formatted_as_the_formatter_does(tmp_path: Path) -> None:
    for number, entry in enumerate((ENTRIES[0], ENTRIES[-1])):
        (tmp_path / f"entry_{number}.py").write_text(source_of(entry))

    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--diff", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
