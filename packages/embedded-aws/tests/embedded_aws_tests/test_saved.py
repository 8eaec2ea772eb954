"""The file of a state: what moto's objects hold comes back, and nothing is read that is not to be trusted."""

from __future__ import annotations

import json
import os
import pickle
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.s3.utils import _VersionedKeyStore
from moto.ssm.models import ParameterDict

from embedded_aws import saved
from embedded_aws.saved import StateError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "aws.state"


def again(path: Path, thing: Any) -> Any:
    saved.save(path, thing)
    return saved.load(path)


# ---- what can be saved


def test_no_file_is_no_state(path: Path) -> None:
    assert saved.load(path) is None


def test_locks_are_new_ones(path: Path) -> None:
    locked = threading.RLock()
    with locked:
        lock, rlock = again(path, [threading.Lock(), locked])

    assert lock.acquire(blocking=False)
    assert rlock.acquire(blocking=False)


def test_private_keys_are_the_same_ones(path: Path) -> None:
    keys = [rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())]

    for key, loaded in zip(keys, again(path, keys), strict=True):
        assert loaded.private_numbers() == key.private_numbers()


def test_functions_without_a_name_work(path: Path) -> None:
    tree = defaultdict(lambda: defaultdict(dict))  # type: ignore[var-annotated]
    tree["a"]["b"]["c"] = 1

    loaded = again(path, tree)

    assert loaded == {"a": {"b": {"c": 1}}}
    assert loaded["x"]["y"] == {}


def test_every_version_of_an_object_is_kept(path: Path) -> None:
    store = _VersionedKeyStore()
    store["key"] = "first"
    store["key"] = "second"

    loaded = again(path, store)

    assert loaded["key"] == "second"
    assert loaded.getlist("key") == ["first", "second"]


def test_parameters_are_kept_with_what_made_them(path: Path) -> None:
    parameters = ParameterDict("123456789012", "us-west-2")
    parameters["name"].append("value")  # type: ignore[arg-type]

    loaded = again(path, parameters)

    assert loaded["name"] == ["value"]
    assert loaded["other"] == []
    assert loaded.region_name == "us-west-2"


def test_what_refers_to_itself_does_so_again(path: Path) -> None:
    store = _VersionedKeyStore()
    store["self"] = store

    loaded = again(path, store)

    assert loaded["self"] is loaded


def test_the_file_is_for_its_owner_alone_from_the_first_byte(path: Path) -> None:
    former = os.umask(0)
    try:
        saved.save(path, {})
    finally:
        os.umask(former)

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_state_that_cannot_be_saved_leaves_the_former_one(path: Path) -> None:
    saved.save(path, "former")

    with pytest.raises(StateError, match="an object of the state cannot be saved: cannot pickle"):
        saved.save(path, {"generator": (part for part in "ab")})

    assert saved.load(path) == "former"
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full_leaves_the_former_one(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved.save(path, "former")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(StateError, match="No space left on device"):
        saved.save(path, "new")

    assert saved.load(path) == "former"
    assert list(path.parent.iterdir()) == [path]


# ---- what is not read


class Trap:
    """Whoever unpickles it has lost."""

    sprung = False

    @classmethod
    def spring(cls) -> None:
        cls.sprung = True

    def __reduce__(self) -> Any:
        return Trap.spring, ()


@pytest.fixture
def trap(path: Path) -> Path:
    Trap.sprung = False
    saved.save(path, Trap())
    return path


def test_a_trap_would_spring(trap: Path) -> None:
    saved.load(trap)

    assert Trap.sprung


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o604, 0o602])
def test_a_file_that_others_can_read_or_write_is_refused(trap: Path, mode: int) -> None:
    trap.chmod(mode)

    with pytest.raises(StateError, match=rf"can be read or written by other users: .*chmod 600 {trap}"):
        saved.load(trap)
    assert not Trap.sprung


def test_a_file_of_somebody_else_is_refused(trap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: trap.stat().st_uid + 1)

    with pytest.raises(StateError, match="belongs to another user"):
        saved.load(trap)
    assert not Trap.sprung


@pytest.mark.parametrize("what", ["embedded-aws", "moto", "python"])
def test_a_file_of_another_version_is_refused(trap: Path, what: str) -> None:
    header, _, content = trap.read_bytes().partition(b"\n")
    document = json.loads(header)
    here = document["versions"][what]
    document["versions"][what] = "0.9"
    trap.write_bytes(json.dumps(document).encode() + b"\n" + content)

    with pytest.raises(StateError, match=rf"saved by another version \({what} 0.9, here {here}\): delete it, or name"):
        saved.load(trap)
    assert not Trap.sprung


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"[]\n", b"{}\n", b'{"kind": "a"}\n', pickle.dumps(Trap()), b"x" * 20_000]
)
def test_any_other_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(StateError, match="is not a state of an embedded AWS"):
        saved.load(path)


def test_a_damaged_file_is_refused(path: Path) -> None:
    saved.save(path, {"a": 1})
    path.write_bytes(path.read_bytes()[:-4])

    with pytest.raises(StateError, match=r"is damaged \(error\): delete it"):
        saved.load(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        saved.load(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(path: Path) -> None:
    os.mkfifo(path)

    with pytest.raises(StateError, match="is not a file"):
        saved.load(path)


def test_a_folder_that_is_not_there_is_refused_before_there_is_anything_to_save(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="/nowhere is not a writable folder"):
        saved.load(tmp_path / "nowhere" / "aws.state")
