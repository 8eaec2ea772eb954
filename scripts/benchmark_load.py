"""Measures the CPU time and the added latency of the load generator, with a stub server of fixed latency.

The stub runs in a separate process and implements only the protocol of SageMaker Runtime. CPU shares are relative to
one core, and are measured while all users run and none starts or stops.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from embedded_aws.process import client_environment
from embedded_aws.serving.answers import payload_part
from replicas.benchmark import records
from replicas.benchmark.settings import Settings

_CHUNKS = 50


@dataclass(frozen=True)
class Cost:
    """CPU share and added latency of the load generator in one run."""

    core_percent: float
    added_percent: float
    """Difference between the median latency and the stub's latency, as a percentage of the stub's latency."""
    requests: int


def cost(*, users: int, latency_seconds: float, stream: bool) -> Cost:
    """Run the load generator for three times the stub's latency. The users start during the first third."""
    settings = Settings(
        duration_seconds=3 * latency_seconds,
        input_tokens=1000,
        output_tokens=_CHUNKS,
        stream=stream,
        ramp_seconds=latency_seconds,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = folder / "requests.jsonl"
        order = {
            "endpoint": "stub",
            "component": "stub",
            "region": "us-west-2",
            "dialect": "tgi",
            "task": "generate",
            "users": users,
            "records": str(kept),
            "settings": asdict(settings),
        }
        (folder / "point.json").write_text(json.dumps(order))
        stub = subprocess.Popen([sys.executable, __file__, str(latency_seconds)], stdout=subprocess.PIPE, text=True)
        assert stub.stdout is not None  # noqa: S101 (it is a pipe)
        try:
            url = f"http://127.0.0.1:{stub.stdout.readline().strip()}"
            share = _core_share(folder / "point.json", url, latency_seconds)
        finally:
            stub.terminate()
            stub.wait()
            stub.stdout.close()
        measured = records.read(kept)
    failed = [record.error for record in measured if record.error]
    if failed:
        raise SystemExit(f"{len(failed)} of {len(measured)} requests failed: {failed[0]}")
    # The first requests are ignored, because they include the time to open connections.
    later = [record.seconds for record in measured if record.began > latency_seconds]
    added = 100 * (statistics.median(later) - latency_seconds) / latency_seconds
    return Cost(100 * share, added, len(measured))


def _core_share(point: Path, url: str, latency_seconds: float) -> float:
    load = subprocess.Popen(
        [sys.executable, "-m", "replicas.benchmark.load", str(point)],
        env={**os.environ, **client_environment(url)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert load.stdout is not None  # noqa: S101 (it is a pipe)
    process, marks = psutil.Process(load.pid), []
    for line in load.stdout:
        elapsed = json.loads(line).get("elapsed", 0.0)
        if 1.1 * latency_seconds <= elapsed <= 2.9 * latency_seconds:
            used = process.cpu_times()
            marks.append((time.monotonic(), used.user + used.system))
    load.stdout.close()
    if load.wait() or len(marks) < 2:
        raise SystemExit("the load generator failed")
    (began, before), (ended, after) = marks[0], marks[-1]
    return float((after - before) / (ended - began))


# ---- the stub


def _answers() -> tuple[bytes, list[bytes]]:
    """Return a whole HTTP response, and the chunks of a streamed response, both encoded."""
    body = json.dumps([{"generated_text": "x", "details": {"generated_tokens": _CHUNKS}}]).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    events = [json.dumps({"token": {"text": " x", "special": False}}) for _ in range(_CHUNKS)]
    frames = [payload_part(f"data:{event}\n\n".encode()) for event in events]
    return head + body, [b"%x\r\n%s\r\n" % (len(frame), frame) for frame in frames]


async def _serve(latency_seconds: float) -> None:
    whole, chunks = _answers()
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\nTransfer-Encoding: chunked\r\n"
        b"X-Amzn-SageMaker-Content-Type: text/event-stream\r\n\r\n"
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = int(request.split("content-length: ")[1].split("\r\n")[0])
            if "100-continue" in request:
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            await reader.readexactly(length)
            if "response-stream" in request.split("\r\n")[0]:
                began = asyncio.get_running_loop().time()
                writer.write(head)
                for index, chunk in enumerate(chunks, 1):
                    due = began + latency_seconds * index / len(chunks)
                    await asyncio.sleep(due - asyncio.get_running_loop().time())
                    writer.write(chunk)
                writer.write(b"0\r\n\r\n")
            else:
                await asyncio.sleep(latency_seconds)
                writer.write(whole)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=2**20, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
