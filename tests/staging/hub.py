"""A Hugging Face Hub on loopback, with the faults of the real one."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_" + "TheTokenThatNobodyMaySee"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class Repository:
    """One model at one commit; weights are large files."""

    files: dict[str, bytes]
    gated: bool = False
    private: bool = False
    commit: str = COMMIT
    parameters: dict[str, int] = field(default_factory=dict)
    """Elements of the safetensors by type, as the Hub counts them."""
    chat_template: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    """By path: a size that is listed in place of the content's."""

    def is_large(self, path: str) -> bool:
        return path.endswith((".safetensors", ".bin"))

    def siblings(self) -> list[dict[str, object]]:
        return [
            {
                "rfilename": path,
                "size": self.sizes.get(path, len(content)),
                "blobId": git_sha1(content),
                **(
                    {
                        "lfs": {
                            "sha256": sha256(content),
                            "size": self.sizes.get(path, len(content)),
                            "pointerSize": 134,
                        }
                    }
                    if self.is_large(path)
                    else {}
                ),
            }
            for path, content in self.files.items()
        ]


@dataclass
class HubStandIn:
    """Repositories, what is to go wrong, and what was asked."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    served_instead: dict[str, bytes] = field(default_factory=dict)
    """By path: content that is not what was listed."""
    breaks: dict[str, list[int]] = field(default_factory=dict)
    """By path: after how many bytes the next answers end in the middle."""
    refusals: dict[str, list[int]] = field(default_factory=dict)
    """By path: statuses of the next answers."""
    no_ranges: bool = False
    asked: list[tuple[str, str | None, str | None]] = field(default_factory=list)
    """Path, Range and Authorization of each request of a file's bytes."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def bytes_asked(self, path: str) -> int:
        return sum(1 for asked, *_ in self.asked if asked == path)


@contextmanager
def running_hub() -> Iterator[HubStandIn]:
    hub = HubStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            if found := re.fullmatch(r"/api/models/(.+?)(?:/revision/(.+))?", url.path):
                self._model(unquote(found[1]), unquote(found[2] or "main"))
            elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/(.+)", url.path):
                assert parse_qs(url.query)["Signature"] == ["only-for-the-bearer"]
                self._content(hub.repositories[found[1]], unquote(found[2]))
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", url.path):
                self._resolve(found[1], unquote(found[2]), unquote(found[3]))
            else:
                self._refuse(404, "RepoNotFound")

        def _repository(self, name: str) -> Repository | None:
            if self.headers.get("Authorization") not in (None, f"Bearer {TOKEN}"):
                self._refuse(401, "", "Invalid credentials in Authorization header")
                return None
            repository = hub.repositories.get(name)
            if repository is None or (repository.private and not self.headers.get("Authorization")):
                self._refuse(401, "RepoNotFound")
                return None
            return repository

        def _model(self, name: str, revision: str) -> None:
            repository = self._repository(name)
            if repository is None:
                return
            if revision not in ("main", repository.commit):
                self._refuse(404, "RevisionNotFound")
                return
            document = {"id": name, "modelId": name, "sha": repository.commit, "siblings": repository.siblings()}
            document["gated"] = "manual" if repository.gated else False
            template = {"chat_template": repository.chat_template} if repository.chat_template else {}
            document["config"] = {"model_type": "llama", "tokenizer_config": {"eos_token": "</s>", **template}}
            if repository.parameters:
                total = sum(repository.parameters.values())
                document["safetensors"] = {"parameters": repository.parameters, "total": total}
            self._send(200, json.dumps(document).encode())

        def _resolve(self, name: str, commit: str, path: str) -> None:
            repository = self._repository(name)
            if repository is None:
                return
            if repository.gated and not self.headers.get("Authorization"):
                self._refuse(401, "GatedRepo")
            elif commit != repository.commit:
                self._refuse(404, "RevisionNotFound")
            elif path not in repository.files:
                self._refuse(404, "EntryNotFound")
            elif repository.is_large(path):
                where = f"http://localhost:{hub.port}/cdn/{name}/{path}?Signature=only-for-the-bearer"
                self._send(302, b"", {"Location": where})
            else:
                tag = {"ETag": f'"{git_sha1(repository.files[path])}"', "X-Repo-Commit": repository.commit}
                self._content(repository, path, tag)

        def _content(self, repository: Repository, path: str, tag: dict[str, str] | None = None) -> None:
            hub.asked.append((path, self.headers.get("Range"), self.headers.get("Authorization")))
            if hub.refusals.get(path):
                self._refuse(hub.refusals[path].pop(0), "")
                return
            content = hub.served_instead.get(path, repository.files[path])
            found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
            if found is None or hub.no_ranges:
                self._send(200, content, tag, breaks=path)
                return
            first, last = int(found[1]), min(int(found[2]), len(content) - 1)
            if first >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            told = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
            self._send(206, content[first : last + 1], told, breaks=path)

        def _refuse(self, status: int, code: str, message: str = "") -> None:
            headers = {"X-Error-Code": code} if code else {}
            self._send(
                status, b"", {**headers, **({"X-Error-Message": message} if message else {}), "Retry-After": "0"}
            )

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, breaks: str = "") -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if hub.breaks.get(breaks):
                self.wfile.write(body[: hub.breaks[breaks].pop(0)])
                self.close_connection = True
            else:
                self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that has seen enough is no fault."""
            if not isinstance(sys.exception(), ConnectionError):
                raise

    server = Server(("127.0.0.1", 0), Handler)
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
