"""docs/schemas describes what the commands print."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator

from scripts.write_schemas import DOCUMENTS, FOLDER, file_of, schema_of, texts
from tests.conftest import ROOT


def test_the_files_in_docs_are_those_of_the_code() -> None:
    assert {path.name: path.read_text() for path in FOLDER.glob("*.json")} == {
        path.name: text for path, text in texts().items()
    }, "`make docs` writes them"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_is_a_json_schema_of_its_draft_and_demands_its_own_name(name: str) -> None:
    schema = json.loads(file_of(name).read_text())
    Draft202012Validator.check_schema(schema)
    assert list(Draft202012Validator(schema).iter_errors({"schema": "replicas.other/1"}))
    assert schema_of(name)["$id"] == name


def test_every_schema_that_the_code_writes_is_published() -> None:
    folders = (ROOT / "replicas", ROOT / "packages" / "embedded-aws" / "embedded_aws")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    written = {
        name for path in sources for name in re.findall(r'"((?:replicas|embedded-aws)\.[a-z-]+/\d+)"', path.read_text())
    }
    assert written == set(DOCUMENTS)
