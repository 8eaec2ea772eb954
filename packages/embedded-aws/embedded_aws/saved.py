"""The state file of an embedded AWS: a JSON header line, then a compressed pickle.

Unpickling executes code from the file. So a file is loaded only if the user owns it, no other user can read or write
it, and its header says that the same version of the code wrote it.
"""

from __future__ import annotations

import contextlib
import copyreg
import fcntl
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
    """A state cannot be saved or loaded; the message contains the reason and a fix."""


class StateFile:
    """A state file that this embedded AWS locks until it is released.

    The lock is on the inode, because two spellings of a path, a symbolic link and a hard link can name the same file. A
    file that does not exist is created empty, and removed again if no state is saved in it.
    """

    def __init__(self, path: Path) -> None:
        """Open and lock the file.

        Raises:
            StateError: another embedded AWS has locked the file, or the file cannot be loaded and written.

        """
        self.path = Path(os.path.realpath(path))  # saving replaces the file that a symbolic link names, not the link
        _check_folder(self.path.parent)
        try:
            self._file = _locked(self.path)
        except OSError as fault:
            raise StateError(f"{path} cannot be read ({fault.strerror}): name another file with --state") from None

    def load(self) -> Any:
        """Load the state; None if nothing has been saved yet.

        Raises:
            StateError: the file is not private to the user, was written by another version, or is damaged.

        """
        ours = _versions()  # cached now: the sources on disk may change before the state is saved
        header = self._file.readline(10_000)
        content = self._file.read()
        _check_header(self.path, header, ours)
        if not content:
            return None
        try:
            return pickle.loads(zlib.decompress(content))  # noqa: S301 (see the top of this file)
        except Exception as fault:  # unpickling can raise any exception
            message = f"{self.path} is damaged ({type(fault).__name__}): delete it, or name another file"
            raise StateError(message) from None

    def save(self, state: object) -> None:
        """Write the state. Raises `StateError` as the function `save` does."""
        save(self.path, state)

    def release(self) -> None:
        """Release the lock. A file in which no state was saved is removed."""
        if not self._file.closed:
            with contextlib.suppress(OSError):
                if os.fstat(self._file.fileno()).st_size == len(_header()) and _is_at(self._file, self.path):
                    self.path.unlink()
            self._file.close()


def load(path: Path) -> Any:
    """Load the state from a file that no embedded AWS uses; None if the file does not exist.

    Raises:
        StateError: an embedded AWS uses the file, or the file cannot be loaded.

    """
    file = StateFile(path)
    try:
        return file.load()
    finally:
        file.release()


def _locked(path: Path) -> BinaryIO:
    """Open a file and lock its inode. Raises `StateError` if another embedded AWS has locked it."""
    while True:
        try:
            is_new, handle = False, os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # does not block on a pipe
        except FileNotFoundError:
            try:
                is_new, handle = True, os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
        file = os.fdopen(handle, "rb")
        try:
            _check_owner(path, file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another embedded AWS uses {path}: stop it, or name another file with --state"
                raise StateError(message) from None
            if is_new:
                os.write(handle, _header())
                file.seek(0)
        except BaseException:
            file.close()
            raise
        if _is_at(file, path):
            return file
        file.close()  # another embedded AWS saved its state, and so replaced the file, between opening and locking


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Return whether a path still names the open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def save(path: Path, state: object) -> None:
    """Write a state atomically: readers see the previous file or the complete new one.

    Raises:
        StateError: an object in the state cannot be pickled, or the file cannot be written.

    """
    content = io.BytesIO()
    try:
        _Pickler(content, protocol=5).dump(state)
    except Exception as fault:  # objects of other libraries can raise any exception
        raise StateError(f"an object of the state cannot be saved: {fault}") from None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # with mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_header() + zlib.compress(content.getbuffer(), 1))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as fault:
        raise StateError(f"{path} cannot be written ({fault.strerror})") from None


def _header() -> bytes:
    return json.dumps({"kind": _KIND, "versions": _versions()}).encode() + b"\n"


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no types
    """Pickler for moto's objects: also supports locks, private keys, lambdas and moto's dict classes."""

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
        raise StateError(f"{path} is not a file: name a file with --state")
    if status.st_uid != os.getuid():
        raise StateError(f"{path} belongs to another user: only your own state files are loaded")
    if status.st_mode & 0o077:
        raise StateError(
            f"{path} can be read or written by other users: if you trust its content, run chmod 600 {path}"
        )


def _check_folder(folder: Path) -> None:
    """Check at load time that the state can be saved in the folder later."""
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise StateError(f"{folder} is not a writable folder: name another file with --state")


def _check_header(path: Path, line: bytes, ours: dict[str, str]) -> None:
    try:
        header = json.loads(line)
        versions = dict(header["versions"]) if header["kind"] == _KIND else None
    except (ValueError, KeyError, TypeError):
        versions = None
    if versions is None:
        raise StateError(f"{path} is not a state of an embedded AWS: name another file with --state")
    different = [f"{name} {versions.get(name)}, here {ours[name]}" for name in ours if versions.get(name) != ours[name]]
    if different:
        raise StateError(
            f"{path} was saved by another version ({'; '.join(different)}): delete it, or name another file"
        )


@cache
def _versions() -> dict[str, str]:
    """Return the versions of all code whose objects are pickled.

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
