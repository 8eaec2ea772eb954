"""Options that read a file: at every command they name the file and the reason in one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from replicas.chat.prompts import read_template
from replicas.cli.app import app
from replicas.cli.commands import COMMANDS
from replicas.errors import OperationError, unreadable
from tests.benchmark.test_foreign import BENCH_SERVE
from tests.commands import Run

SIZING = ("--model", "Qwen/Qwen3-8B", "--instance", "ml.g6e.xlarge")
USERS = ("--users", "1", "--input-tokens", "9", "--output-tokens", "9")
JOB = ("--output", "s3://bucket/jobs/", "--role", "arn:aws:iam::123456789012:role/benchmark")
DEPLOYED = ("llama-2-7b", "--region", "us-east-1")
READS: dict[tuple[str, str], tuple[str, ...]] = {
    ("plan", "config"): ("plan", *SIZING, "--config", "FILE"),
    ("plan", "quant_config"): ("plan", *SIZING, "--config", "CONFIG", "--quant-config", "FILE"),
    ("check", "templates"): ("check", "FILE"),
    ("forecast", "config"): ("forecast", *SIZING, *USERS, "--config", "FILE"),
    ("forecast", "quant_config"): ("forecast", *SIZING, *USERS, "--config", "CONFIG", "--quant-config", "FILE"),
    ("forecast", "trace"): ("forecast", *SIZING, "--trace", "FILE"),
    ("forecast", "profile"): ("forecast", *SIZING, *USERS, "--profile", "FILE"),
    ("recommend", "config"): ("recommend", "org/model", *USERS, "--config", "FILE"),
    ("recommend", "quant_config"): ("recommend", "org/model", *USERS, "--config", "CONFIG", "--quant-config", "FILE"),
    ("recommend", "trace"): ("recommend", "Qwen/Qwen3-8B", "--trace", "FILE"),
    ("fleet", "file"): ("fleet", "FILE"),
    ("cost", "config"): ("cost", *SIZING, "--config", "FILE"),
    ("cost", "quant_config"): ("cost", *SIZING, "--config", "CONFIG", "--quant-config", "FILE"),
    ("chat", "image"): ("chat", *DEPLOYED, "--image", "FILE"),
    ("invoke", "body"): ("invoke", *DEPLOYED, "--body", "FILE"),
    ("benchmark", "trace"): ("benchmark", *DEPLOYED, "--trace", "FILE"),
    ("benchmark", "resume"): ("benchmark", *DEPLOYED, "--resume", "FILE"),
    ("benchmark", "profile"): ("benchmark", *DEPLOYED, *USERS, "--profile", "FILE"),
    ("trace", "source"): ("trace", "FILE"),
    ("verify", "profile"): ("verify", *DEPLOYED, *JOB, "--profile", "FILE"),
    ("calibrate", "result"): ("calibrate", "FILE"),
    ("calibrate", "config"): ("calibrate", "RUN", *SIZING, "--config", "FILE"),
    ("calibrate", "quant_config"): ("calibrate", "RUN", *SIZING, "--config", "CONFIG", "--quant-config", "FILE"),
    ("history", "folder"): ("history", "FILE"),
}
"""A call of every option that reads a file, by command and name of the option."""
WRITES = {"sarif", "plot", "page", "output", "record", "out"}
OF_AN_ACCOUNT = {("preflight", "template"), ("chat", "chat_template")}
"""Read after the first call of AWS, as `check` and a test below do."""


def files_of(kind: str, folder: Path) -> Path:
    path = folder / "given.json"
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes({"empty": b"", "binary": bytes(range(128, 256)), "text": b"hello", "list": b"[]"}[kind])
    return path


def options() -> Iterator[tuple[str, str]]:
    group = typer.main.get_command(app)
    for name in COMMANDS:
        for option in group.get_command(None, name).params:  # type: ignore[attr-defined]
            if any(word in f"{option.metavar} {vars(option)}" for word in ("FILE", "FOLDER", "DIR", "Path")):
                yield name, option.name


def test_every_option_that_names_a_file_is_known_here() -> None:
    assert {(command, name) for command, name in options() if name not in WRITES} == READS.keys() | OF_AN_ACCOUNT


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "binary", "text", "list"])
@pytest.mark.parametrize("arguments", READS.values(), ids=[" ".join(key) for key in READS])
def test_a_file_that_cannot_be_read_is_one_sentence(
    arguments: tuple[str, ...], kind: str, run: Run, tmp_path: Path
) -> None:
    given = files_of(kind, tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "run.json").write_text(json.dumps(BENCH_SERVE))
    named = {"FILE": str(given), "CONFIG": str(tmp_path / "config.json"), "RUN": str(tmp_path / "run.json")}
    if (arguments[0], kind) == ("invoke", "list"):
        return  # a body of JSON, which is sent

    outcome = run(*[named.get(argument, argument) for argument in arguments])

    assert outcome.code in (1, 2), outcome.said
    said = outcome.said
    assert "given.json" in said
    assert not [words for words in ("Traceback", "[Errno", "codec", "(char") if words in said], said


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (PermissionError(13, "Permission denied", "x"), "Permission denied"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"), "it is not text in UTF-8"),
        (RecursionError("maximum"), "its values are nested too deeply"),
    ],
)
def test_the_reason_is_without_the_path_and_numbers_of_the_system(fault: Exception, words: str) -> None:
    assert unreadable(fault) == words


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "empty"])
def test_a_chat_template_that_cannot_be_read_is_one_sentence(kind: str, tmp_path: Path) -> None:
    given = files_of(kind, tmp_path)

    with pytest.raises(OperationError) as refused:
        read_template(given)
    assert str(refused.value).startswith(f"--chat-template {given} cannot be read: ")
    assert not [words for words in ("[Errno", "codec", "(char") if words in str(refused.value)]


def test_calibrate_says_what_writes_its_file(run: Run, tmp_path: Path) -> None:
    outcome = run("calibrate", str(tmp_path / "none.json"))

    assert outcome.code == 1
    assert outcome.err == (
        f"{tmp_path / 'none.json'} cannot be read: No such file or directory: write one with `replicas benchmark`\n"
    )
