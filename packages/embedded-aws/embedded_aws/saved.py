"""The file that an embedded AWS is saved in: a line that says what it is, and then a compressed pickle.

To read a pickle is to run what it says. So it is read only from a file that belongs to the user and that nobody else
can read or write, and only where the line says that the very same code wrote it.
"""

from __future__ import annotations

import copyreg
import hashlib
import io
import json
import os
import pickle
import platform
import stat
import tempfile
import threading
import zlib
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, get_args

import cloudpickle
import moto
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from replicas import template
from replicas.errors import ReplicasError

_KIND = "state of an embedded AWS"
_PRIVATE_KEYS = get_args(PrivateKeyTypes)
_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}


class StateError(ReplicasError):
    """A state cannot be saved or loaded; the message says why and what to do."""


def load(path: Path) -> Any:
    """What was saved in a file; None where there is no file.

    Raises:
        StateError: it is not to be trusted, of another version, or broken.

    """
    _check_folder(path.parent)
    ours = _versions()  # now: the sources may be others when it is saved, but the code that runs is this
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # a pipe is not waited for
            _check_owner(path, file)
            header = file.readline(10_000)
            content = file.read()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise StateError(f"{path} cannot be read ({fault.strerror}): name another file with --state") from None
    _check_header(path, header, ours)
    try:
        return pickle.loads(zlib.decompress(content))  # noqa: S301 (see the top of this file)
    except Exception as fault:  # a pickle can fail in any way
        raise StateError(f"{path} is damaged ({type(fault).__name__}): delete it, or name another file") from None


def save(path: Path, state: object) -> None:
    """Write a state; the file is the former one or the whole new one.

    Raises:
        StateError: something in it cannot be saved, or the file cannot be written.

    """
    content = io.BytesIO()
    try:
        _Pickler(content, protocol=5).dump(state)
    except Exception as fault:  # whatever the objects of another library say to it
        raise StateError(f"something in it cannot be saved: {fault}") from None
    header = json.dumps({"kind": _KIND, "versions": _versions()}).encode() + b"\n"
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # for the user alone
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(header + zlib.compress(content.getbuffer(), 1))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise StateError(f"{path} cannot be written ({fault.strerror})") from None


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # it has no types
    """Takes what moto's objects hold beside plain data: locks, private keys, functions without a name, own dicts."""

    def reducer_override(self, thing: Any) -> Any:
        if type(thing) in _LOCKS:
            return _LOCKS[type(thing)], ()
        if isinstance(thing, _PRIVATE_KEYS):
            form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            content = thing.private_bytes(serialization.Encoding.DER, form, plain)
            return _private_key, (content,)
        if isinstance(thing, dict) and type(thing).__module__.startswith("moto."):
            # What is in it, and not what its own methods make of that (S3: the last version of each key).
            contents, factory = dict(dict.items(thing)), getattr(thing, "default_factory", None)
            return copyreg.__newobj__, (type(thing),), (contents, factory, vars(thing)), None, None, _fill  # type: ignore[attr-defined]
        return super().reducer_override(thing)


def _private_key(content: bytes) -> PrivateKeyTypes:
    return serialization.load_der_private_key(content, None)


def _fill(made: Any, state: tuple[dict[Any, Any], Any, dict[str, Any]]) -> None:
    """Give a dict of moto's what it held, past its own methods."""
    contents, factory, attributes = state
    dict.update(made, contents)
    vars(made).update(attributes)
    if factory:
        made.default_factory = factory


def _check_owner(path: Path, file: BinaryIO) -> None:
    about = os.fstat(file.fileno())
    if not stat.S_ISREG(about.st_mode):
        raise StateError(f"{path} is no file: name one with --state")
    if about.st_uid != os.getuid():
        raise StateError(f"{path} belongs to somebody else: a state is loaded only where it is your own")
    if about.st_mode & 0o077:
        raise StateError(f"{path} can be read or written by others: where you know it is your own, chmod 600 {path}")


def _check_folder(folder: Path) -> None:
    """Now, and not when the state is to be saved."""
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise StateError(f"{folder} is no folder that can be written: name another file with --state")


def _check_header(path: Path, line: bytes, ours: dict[str, str]) -> None:
    try:
        header = json.loads(line)
        versions = dict(header["versions"]) if header["kind"] == _KIND else None
    except (ValueError, KeyError, TypeError):
        versions = None
    if versions is None:
        raise StateError(f"{path} is no state of an embedded AWS: name another file with --state")
    different = [f"{name} {versions.get(name)}, here {ours[name]}" for name in ours if versions.get(name) != ours[name]]
    if different:
        raise StateError(f"{path} was saved by another version ({'; '.join(different)}): delete it, or name another")


@cache
def _versions() -> dict[str, str]:
    """Of everything whose objects are in the pickle; of our own code what it says, for it changes between releases."""
    folders = (Path(__file__).parent, Path(template.__file__).parent)  # stacks hold parameters of `replicas.template`
    sources = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return {
        "embedded-aws": digest,
        "moto": moto.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }
