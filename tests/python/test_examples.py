"""The Python examples, run as users run them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tracetide as tt
from tracetide.profile.bundled import bundled

EXAMPLES = Path(__file__).resolve().parents[2] / "python" / "examples"


class Stub(BaseHTTPRequestHandler):
    """As much of an OpenAI-compatible server as a completion needs."""

    protocol_version = "HTTP/1.1"
    seen: list[dict]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append({"path": self.path, **body})
        answer = json.dumps({"choices": [{"text": "x"}], "usage": {"completion_tokens": 1}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict]]]:
    """A server's address, and the requests that it has seen."""
    seen: list[dict] = []
    handler = type("OwnStub", (Stub,), {"seen": seen})
    # Connections that wait to be taken: the default of five is for other servers.
    server = type("OwnServer", (ThreadingHTTPServer,), {"request_queue_size": 1024, "daemon_threads": True})
    with server(("127.0.0.1", 0), handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_address[1]}", seen
        finally:
            made.shutdown()
            thread.join()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the example uses asyncio.TaskGroup of Python 3.11")
@pytest.mark.skipif("m-small" not in bundled(), reason="the profiles are not bundled in this build")
@pytest.mark.filterwarnings("ignore::tracetide.MissingDataWarning")
def test_a_server_gets_every_request(server):
    pytest.importorskip("httpx")
    url, seen = server
    done = subprocess.run(
        [sys.executable, EXAMPLES / "replay_openai.py", "--url", url, "--model", "stub", "--rate", "20",
         "--duration", "30", "--speed", "10", "--seed", "3"],
        capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    trace = tt.generate(tt.load("m-small"), rate=20, duration=30, seed=3)
    assert found["failed"] == 0
    assert found["requests"] == len(trace) == len(seen)
    assert {body["path"] for body in seen} == {"/v1/completions"}
    lengths = sorted((len(body["prompt"].split()), body["max_tokens"]) for body in seen)
    assert lengths == sorted(
        (int(i), max(int(o), 1)) for i, o in zip(trace.input_tokens, trace.output_tokens, strict=True)
    )
