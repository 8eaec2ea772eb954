"""The state file of an embedded AWS: a JSON header line, then a compressed pickle.

Unpickling executes code from the file. So a file is loaded only if the user owns it, no other user can read or write
it, and its header says that the same version of the code wrote it.
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
    """Load the state from a file; None if the file does not exist.

    Raises:
        StateError: the file is not private to the user, was written by another version, or is damaged.

    """
    _check_folder(path.parent)
    ours = _versions()  # cached now: the sources on disk may change before the state is saved
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # does not block on a pipe
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
    except Exception as fault:  # unpickling can raise any exception
        raise StateError(f"{path} is damaged ({type(fault).__name__}): delete it, or name another file") from None


def save(path: Path, state: object) -> None:
    """Write a state atomically: the file is the former one or the complete new one.

    Raises:
        StateError: an object in the state cannot be pickled, or the file cannot be written.

    """
    content = io.BytesIO()
    try:
        _Pickler(content, protocol=5).dump(state)
    except Exception as fault:  # objects of other libraries can raise any exception
        raise StateError(f"something in it cannot be saved: {fault}") from None
    header = json.dumps({"kind": _KIND, "versions": _versions()}).encode() + b"\n"
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # with mode 0600
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


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Pickler that also supports locks, private keys, lambdas and moto's dict classes, which moto's objects hold."""

    def reducer_override(self, thing: Any) -> Any:
        if type(thing) in _LOCKS:
            return _LOCKS[type(thing)], ()
        if isinstance(thing, _PRIVATE_KEYS):
            form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            content = thing.private_bytes(serialization.Encoding.DER, form, plain)
            return _private_key, (content,)
        if isinstance(thing, dict) and type(thing).__module__.startswith("moto."):
            # Use dict's own methods: moto's overrides return less (S3: only the last version of each key).
            contents, factory = dict(dict.items(thing)), getattr(thing, "default_factory", None)
            return copyreg.__newobj__, (type(thing),), (contents, factory, vars(thing)), None, None, _fill  # type: ignore[attr-defined]
        return super().reducer_override(thing)


def _private_key(content: bytes) -> PrivateKeyTypes:
    return serialization.load_der_private_key(content, None)


def _fill(made: Any, state: tuple[dict[Any, Any], Any, dict[str, Any]]) -> None:
    """Restore the contents of one of moto's dicts without calling its overridden methods."""
    contents, factory, attributes = state
    dict.update(made, contents)
    vars(made).update(attributes)
    if factory:
        made.default_factory = factory


def _check_owner(path: Path, file: BinaryIO) -> None:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise StateError(f"{path} is no file: name one with --state")
    if status.st_uid != os.getuid():
        raise StateError(f"{path} belongs to somebody else: a state is loaded only where it is your own")
    if status.st_mode & 0o077:
        raise StateError(f"{path} can be read or written by others: where you know it is your own, chmod 600 {path}")


def _check_folder(folder: Path) -> None:
    """Check at load time that the state can be saved in the folder later."""
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
    """Versions of all code whose objects are pickled.

    The embedded AWS is identified by a hash of its sources, because these change between releases.
    """
    folders = (Path(__file__).parent, Path(template.__file__).parent)  # stacks hold parameters of `replicas.template`
    sources = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    return {
        "embedded-aws": digest,
        "moto": moto.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }
