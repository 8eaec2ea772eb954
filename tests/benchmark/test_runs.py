"""A benchmark and a verification are one call from Python; the command only parses and prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas import benchmark
from replicas.errors import OperationError, UsageError
from replicas.load import Load
from tests.commands import TGI

Outputs = dict[str, dict[str, str]]
SHORT = {"duration_seconds": 1.0, "input_tokens": 20, "output_tokens": 5, "warmup_requests": 1}


def test_one_call_measures_and_writes_the_result(endpoints: Outputs, tmp_path: Path) -> None:
    done = benchmark.run(TGI, users=[2], settings=SHORT, out=tmp_path)

    assert (done.interrupted, done.failure, done.folder) == (False, None, tmp_path)
    assert [point.users for point in done.result.points] == [2]
    assert done.result.points[0].success_percent == 100
    assert done.page == tmp_path / "index.html"
    assert done.page.is_file()


def test_a_resumed_run_keeps_its_settings_and_users_unless_others_are_given(endpoints: Outputs, tmp_path: Path) -> None:
    benchmark.run(TGI, users=[1], settings=SHORT, out=tmp_path)

    again = benchmark.run(TGI, resume=tmp_path)
    more = benchmark.run(TGI, users=[1, 2], resume=tmp_path)

    assert again.result.users == (1,)
    assert (again.result.settings.duration_seconds, again.result.settings.input_tokens) == (1.0, 20)
    assert [point.users for point in more.result.points] == [1, 2]
    with pytest.raises(OperationError, match="input_tokens was 20, is 21"):
        benchmark.run(TGI, settings={"input_tokens": 21}, resume=tmp_path)


def test_a_folder_of_its_own_and_a_folder_to_resume_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="remove --out"):
        benchmark.run(TGI, out=tmp_path / "new", resume=tmp_path)


def test_an_engine_that_takes_no_messages_cannot_be_verified(endpoints: Outputs) -> None:
    with pytest.raises(OperationError, match="use `replicas benchmark` instead"):
        benchmark.verify(
            TGI,
            loads=[Load(users=1, input_tokens=8, output_tokens=8)],
            output="s3://bucket/prefix/",
            role="arn:aws:iam::1:role/judge",
        )
