"""Client of the Hugging Face Hub, the only module that sends requests to the Hub. It does so only on a user's command.

Messages from this module never contain a token or the signed address of a file.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicas.errors import HubError, HubUnreachableError

if TYPE_CHECKING:
    import httpx2

_ATTEMPTS = 6
"""Number of consecutive requests without a new byte after which a read fails."""
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 30.0
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class _BrokenRead(Exception):  # noqa: N818 (a state, not an error)
    """A request ended before the last byte of its range. `fault` is None if the connection just closed."""

    def __init__(self, fault: Exception | None) -> None:
        super().__init__()
        self.fault = fault


@dataclass(frozen=True)
class HubFile:
    """One file of a repository at a commit."""

    path: str
    size_bytes: int
    blob_sha1: str
    """Git's id of the file; for a large file, Git's id of the file's pointer."""
    sha256: str | None
    """SHA-256 of the file, which the Hub reports for large files (LFS, Xet); None for files that are stored in git."""


@dataclass(frozen=True)
class Snapshot:
    """A repository at one commit."""

    repository: str
    """Name of the repository, in the Hub's spelling."""
    commit: str
    files: tuple[HubFile, ...]
    gated: bool | None = None
    """True if downloads need an accepted licence; None if the Hub does not state it."""
    chat: bool | None = None
    """True if the repository has a chat template; None if the Hub does not state it."""
    stored_parameters: Mapping[str, int] = field(default_factory=dict)
    """Number of elements in the safetensors by data type (`BF16`), counted by the Hub; empty without a count."""

    def file(self, path: str) -> HubFile | None:
        """Return the file at a path; None if the repository has no such file."""
        return next((file for file in self.files if file.path == path), None)


class Hub:
    """Client of the Hub, with or without a token."""

    def __init__(
        self, token: str | None = None, endpoint: str | None = None, access_hint: str = "set HF_TOKEN"
    ) -> None:
        """Create a client.

        By default, the token comes from HF_TOKEN or `hf auth login`. `access_hint` is the part of error messages that
        tells the user how to pass a token. The environment variable `HF_ENDPOINT` replaces huggingface.co by another
        Hub.

        Raises:
            HubError: the token does not have the form of a Hugging Face token.

        """
        from huggingface_hub import constants, get_token

        self._token = (token if token is not None else get_token() or "").strip() or None
        is_given = token is not None or self._token is not None
        if is_given and (self._token is None or not re.fullmatch(r"[!-~]+", self._token)):
            raise HubError(
                "the given text is not a Hugging Face token: a token is one word of letters, digits and punctuation"
            )
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self.address = re.sub(r"//[^/@]*@", "//", self.endpoint)
        """Address of the Hub for messages, without the user and password of a proxy."""
        self._hint = access_hint

    def snapshot(self, repository: str, revision: str | None = None) -> Snapshot:
        """Return all files of a repository at a branch, tag or commit (default: main branch), with sizes and hashes.

        Raises:
            HubError: the repository or revision does not exist, access is denied, or the Hub does not answer.

        """
        from huggingface_hub import HfApi

        what = repository if revision is None else f"{repository} at {revision}"
        try:
            info = HfApi(endpoint=self.endpoint, token=self._token or False).model_info(
                repository, revision=revision, files_metadata=True, timeout=_SILENCE_SECONDS
            )
        except Exception as fault:  # the library's errors have no common base class
            raise self._explained(fault, what, repository) from None
        if info.sha is None or info.siblings is None:
            raise HubError(f"the Hub does not list the commit or the files of {what}")
        files = tuple(
            HubFile(entry.rfilename, entry.size or 0, entry.blob_id or "", entry.lfs.sha256 if entry.lfs else None)
            for entry in info.siblings
        )
        counted = dict(info.safetensors.parameters) if info.safetensors else {}
        return Snapshot(info.id, info.sha, files, _is_gated(info.gated), _chats(info.config, files), counted)

    def download(self, snapshot: Snapshot, path: str) -> Path:
        """Download a small file at the snapshot's commit into the cache of Hugging Face's client, and return its path.

        Raises:
            HubError: the repository does not have the file, access is denied, or the Hub does not answer.

        """
        from huggingface_hub import hf_hub_download
        from huggingface_hub.utils import logging
        from huggingface_hub.utils.tqdm import disable_progress_bars

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # the last failure is reported, below
        disable_progress_bars()
        try:
            return Path(
                hf_hub_download(
                    snapshot.repository,
                    path,
                    revision=snapshot.commit,
                    endpoint=self.endpoint,
                    token=self._token or False,
                    etag_timeout=_CONNECT_SECONDS,
                )
            )
        except Exception as fault:  # the library's errors have no common base class
            raise self._explained(fault, f"{path} of {snapshot.repository}", snapshot.repository) from None

    def read(
        self, snapshot: Snapshot, file: HubFile, begin: int, end: int, stop: threading.Event | None = None
    ) -> bytearray:
        """Return the bytes from `begin` up to `end` of a file. A broken connection is resumed at the next missing byte.

        Raises:
            HubError: access is denied, the Hub does not answer after several attempts, the file's length differs from
                the listed one, or `stop` was set.

        """
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError
        from tenacity import RetryCallState, Retrying, retry_if_exception_type
        from tenacity.nap import sleep_using_event

        stop = stop or threading.Event()
        what = f"{file.path} of {snapshot.repository}"
        content = bytearray(end - begin)  # allocated at full size, because growing would need twice the memory
        received = attempt = 0

        def receive() -> None:
            """Request the missing bytes. `attempt` counts consecutive requests without a new byte."""
            nonlocal received, attempt
            first = received
            broke: Exception | None = None
            try:
                if stop.is_set():
                    raise HubError(f"{what}: the download was cancelled")
                for chunk in self._chunks(snapshot, file, begin + received, end):
                    content[received : received + len(chunk)] = chunk
                    received += len(chunk)
                    if stop.is_set():
                        raise HubError(f"{what}: the download was cancelled")
            except httpx2.TransportError as fault:
                broke = fault
            except (HfHubHTTPError, OSError) as fault:
                if _status_of(fault) not in _TRY_AGAIN:
                    raise self._explained(fault, what, snapshot.repository) from None
                broke = fault
            attempt = 1 if received > first else attempt + 1
            if received < len(content):
                raise _BrokenRead(broke)

        def pause_seconds(state: RetryCallState) -> float:
            broken = state.outcome.exception() if state.outcome else None
            return _pause_seconds(broken.fault if isinstance(broken, _BrokenRead) else None, attempt)

        retrying = Retrying(
            retry=retry_if_exception_type(_BrokenRead),
            stop=lambda _: attempt >= _ATTEMPTS,
            wait=pause_seconds,
            sleep=sleep_using_event(stop),
            reraise=True,
        )
        try:
            if content:
                retrying(receive)
        except _BrokenRead as broken:
            reason = self._reason(broken.fault) if broken.fault else "the connection ends early"
            raise HubError(f"{what}: byte {begin + received:,} cannot be read from the Hub: {reason}") from None
        return content

    def _chunks(self, snapshot: Snapshot, file: HubFile, begin: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `begin` up to `end` in the chunks of one request."""
        import httpx2
        from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

        headers = {
            **({"Authorization": f"Bearer {self._token}"} if self._token else {}),  # not sent to other hosts
            "Accept-Encoding": "identity",
            "Range": f"bytes={begin}-{end - 1}",
        }
        url = hf_hub_url(snapshot.repository, file.path, revision=snapshot.commit, endpoint=self.endpoint)
        timeout = httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS)
        with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
            if response.status_code != 416:
                hf_raise_for_status(response)
            _expect_length(response, file, begin)
            for chunk in response.iter_raw():
                yield chunk[: end - begin]
                begin += len(chunk)
                if begin >= end:
                    return

    # ---- messages for failures

    def _explained(self, fault: Exception, what: str, repository: str) -> HubError:
        import httpx2
        from huggingface_hub.errors import (
            GatedRepoError,
            HFValidationError,
            OfflineModeIsEnabled,
            RemoteEntryNotFoundError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        match fault:
            case HubError():
                return fault
            case GatedRepoError():
                terms = f"accept its terms at {self.address}/{repository}"
                if self._token:
                    return HubError(f"{what} is gated, and the token's account has no access: {terms}")
                return HubError(f"{what} is gated and no token was given: {terms}; then {self._hint}")
            case RepositoryNotFoundError():
                seen = "that this token can read" if self._token else f"that can be read without a token; {self._hint}"
                return HubError(f"the Hub has no model {repository!r} {seen}")
            case RevisionNotFoundError():
                return HubError(
                    f"the Hub has no branch, tag or commit {what.partition(' at ')[2] or '?'} of {repository}"
                )
            case RemoteEntryNotFoundError():
                return HubError(f"the Hub no longer has {what}")
            case HFValidationError():
                return HubError(f"{repository!r} is not a repository name: use owner/name")
            case OfflineModeIsEnabled():
                return HubUnreachableError(f"{what} cannot be read: HF_HUB_OFFLINE forbids requests to the Hub")
        status = _status_of(fault)
        if status == 401:
            return HubError(
                f"{what}: the Hub rejects the token: check that it is complete and neither expired nor revoked"
            )
        if status == 403:
            return HubError(f"{what}: the token has no read access: add the repository to the fine-grained token")
        if isinstance(fault, httpx2.TransportError):
            return HubUnreachableError(f"{what} cannot be read from the Hub: {self._reason(fault)}")
        return HubError(f"{what} cannot be read from the Hub: {self._reason(fault)}")

    def _reason(self, fault: Exception) -> str:
        """Return the reason for a failed request.

        Tokens and URLs are removed from the text, because a URL can be signed.
        """
        status = _status_of(fault)
        if status is not None:
            return f"it answers HTTP {status}"
        text = next(iter(str(fault).strip().splitlines()), "") or type(fault).__name__
        text = re.sub(r"https?://\S+", "an address", text)
        return text.replace(self._token, "***") if self._token else text


def _is_gated(access: object) -> bool | None:
    """Return whether downloads need an accepted licence; None if unknown.

    `access` is the Hub's field `gated`: False, or the way in which access is granted (`auto`, `manual`).
    """
    return None if access is None else access is not False


def _chats(config: object, files: Iterable[HubFile]) -> bool | None:
    """Return whether a repository has a chat template, as a file or in its tokenizer's settings; None if unknown."""
    if any(file.path == "chat_template.jinja" for file in files):
        return True
    if not isinstance(config, dict):
        return None
    return bool(config.get("chat_template_jinja") or (config.get("tokenizer_config") or {}).get("chat_template"))


def _status_of(fault: Exception | None) -> int | None:
    response: Any = getattr(fault, "response", None)
    return getattr(response, "status_code", None)


def _pause_seconds(fault: Exception | None, attempt: int) -> float:
    """Return the seconds to wait before the next attempt.

    This is the time that the Hub requests, or else a pause that doubles with each attempt.
    """
    response: Any = getattr(fault, "response", None)
    retry_after = response.headers.get("retry-after", "") if response is not None else ""
    pause = float(retry_after) if retry_after.isdecimal() else _FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
    return min(pause, _LONGEST_PAUSE_SECONDS)


def _expect_length(response: httpx2.Response, file: HubFile, first: int) -> None:
    """Check that the response has the listed file length and starts at the requested byte."""
    if response.status_code == 206:
        content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("content-range", ""))
        begins, length = (int(content_range[1]), int(content_range[2])) if content_range else (None, None)
    else:
        begins, length = 0, int(response.headers.get("content-length", file.size_bytes))
    if response.status_code == 416 or length != file.size_bytes:
        serves = f"{length:,}" if length is not None and response.status_code != 416 else "fewer"
        raise HubError(
            f"{file.path}: the Hub listed {file.size_bytes:,} bytes and serves {serves}: the file has changed: "
            "run the command again"
        )
    if begins != first:
        raise HubError(f"{file.path}: byte {first:,} was requested, but the Hub (or a proxy) sends from {begins}")
