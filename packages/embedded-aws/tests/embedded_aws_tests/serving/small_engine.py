"""A container as a process, without a model: `python small_engine.py PORT [end]`. It prints what it is asked."""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        print(f"{self.path}: {body.decode()}", flush=True)
        if body == b"refuse":
            self._answer(400, b'{"error": "no"}', "application/json")
        elif body == b"stream":
            self._answer(200, b"data: one\n\ndata: two\n\n", "text/event-stream; charset=utf-8")
        else:
            self._answer(200, body + os.environ["MARK"].encode(), "application/json")

    def log_message(self, *_: object) -> None: ...

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    print(f"process {os.getpid()} serves {os.environ['MODEL']}", flush=True)
    if sys.argv[2:] == ["end"]:
        sys.exit(3)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
