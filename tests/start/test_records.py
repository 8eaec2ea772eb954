"""Records of measured starts: read, refused, kept."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from replicas.errors import OperationError
from replicas.start.records import StartRecord, is_records_file, keep_records, read_records, write_records
from tests.documents import validated

RECORD = StartRecord(
    deployment="qwen3-8b",
    component="qwen3-8b",
    model="Qwen/Qwen3-8B",
    engine="vllm-0.29.0",
    instance_type="ml.g6e.xlarge",
    accelerators=1,
    copies=1,
    weights="hub",
    region="us-west-2",
    measured="2026-11-20",
    origin="aws",
    endpoint_seconds=230.0,
    component_seconds=310.0,
    phase_seconds={"load": 12.5},
)


def test_records_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "starts.json"
    write_records([RECORD], path)
    assert is_records_file(path)
    assert read_records(path) == (RECORD,)
    validated(json.loads(path.read_text()))


def test_a_newer_record_of_the_same_start_replaces_the_older_one(tmp_path: Path) -> None:
    path = tmp_path / "starts.json"
    newer, other = replace(RECORD, measured="2026-11-28"), replace(RECORD, instance_type="ml.g5.xlarge")
    keep_records([RECORD, other], path)
    assert keep_records([newer], path) == (newer, other)
    assert keep_records([RECORD], path) == (newer, other)


def test_a_record_of_an_embedded_aws_replaces_none_of_aws(tmp_path: Path) -> None:
    path = tmp_path / "starts.json"
    simulated = replace(RECORD, origin="embedded-aws", measured="2026-11-30")
    assert keep_records([RECORD, simulated], path) == (RECORD, simulated)


def document(**changes: Any) -> dict[str, Any]:
    return {"schema": "replicas.starts/1", "records": [{**RECORD.to_document(), **changes}]}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "contains no records of starts in the format of this version"),
        (
            json.dumps({**document(), "schema": "replicas.starts/2"}),
            "contains no records of starts in the format of this version",
        ),
        (json.dumps({"schema": "replicas.starts/1", "records": []}), "has no record of a start"),
        (json.dumps(document(component_seconds=-1)), "0: .*seconds must be between 0 and 1,000,000"),
        (json.dumps(document(component_seconds="soon")), "0.component_seconds: .*valid number"),
        (json.dumps(document(measured="yesterday")), "0: .*[Ii]so"),
        (json.dumps(document(origin="mars")), "0.origin: .*'aws' or 'embedded-aws'"),
        (json.dumps(document(copies=0)), "copies and accelerators must be at least 1"),
        (json.dumps(document(phase_seconds={"sleep": 1})), "0.phase_seconds"),
    ],
)
def test_a_file_that_is_none_is_refused_in_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "starts.json"
    path.write_text(content)
    with pytest.raises(OperationError, match=sentence) as refused:
        read_records(path)
    assert "\n" not in str(refused.value)
    assert re.search("replicas status NAME --probe --record", str(refused.value))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperationError, match="cannot be read"):
        read_records(tmp_path / "none.json")
    assert not is_records_file(tmp_path / "none.json")
