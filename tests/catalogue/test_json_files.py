"""A file that holds no JSON object: one sentence that says what it is, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas.catalogue.json_files import read_object

LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 661\n"
"""What a clone without Git LFS has in place of a large file (git-lfs specification)."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"model_type": "llama", "hidden_size": 40', "it is cut off at line 1, column 42"),
        (b'{\n "model_type": "lla', "it is cut off at line 2, column 16"),
        (b'{"model_type": "llama",\n "layers": }', "Expecting value at line 2, column 12"),
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (LFS_POINTER, "it is a Git LFS pointer instead of the file itself"),
        (b"<!doctype html><title>Access to model is restricted</title>", "it is a web page"),
        (b"\xff\xfe\x00", "it is not text in UTF-8"),
        (b"[" * 200_000, "its values are nested too deeply"),
    ],
)
def test_a_file_that_is_not_json_says_what_it_is(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="is not JSON") as fault:
        read_object(file, "config.json")
    assert str(fault.value) == f"{file} is not JSON: {reason}: download the repository's config.json again"


@pytest.mark.parametrize(
    ("content", "kind"), [("[]", "a list"), ("3", "a number"), ('"x"', "a text"), ("null", "null"), ("true", "true")]
)
def test_json_that_is_no_object_says_what_it_holds(tmp_path: Path, content: str, kind: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(
        ValueError, match=rf"not the config.json of a model: it contains {kind}\b.*instead of a JSON object"
    ):
        read_object(tmp_path / "config.json", "config.json")


def test_a_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(ValueError, match=r"config.json cannot be read: 'no/such/file': No such file or directory"):
        read_object(Path("no/such/file"), "config.json")
