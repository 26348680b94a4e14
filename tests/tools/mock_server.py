"""A server that answers as OpenAI's does, as long as it is asked to, and notes what arrives.

`python mock_server.py LOG [SHARE]` prints its port, and appends a JSON object for every request to LOG. A
token is a character, as in `character_tokenizer.py`. The share of an answer is reasoning, apart from it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    log: Any
    lock = threading.Lock()
    share = 0.0

    def do_GET(self) -> None:
        self._answer(
            json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}), "application/json"
        )

    def do_POST(self) -> None:
        arrived = time.time()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        texts = [text_of(message["content"]) for message in body.get("messages", [])]
        texts = texts or [body["prompt"]]
        output = body.get("max_completion_tokens") or body.get("max_tokens") or 1
        usage = {
            "prompt_tokens": sum(map(len, texts)),
            "completion_tokens": output,
            "total_tokens": sum(map(len, texts)) + output,
        }
        chunk: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        if body.get("stream"):
            reasoning = int(self.share * output)
            first = {"index": 0, "delta": {"role": "assistant", "reasoning_content": "b" * reasoning}}
            rest = {"index": 0, "delta": {"content": "a" * (output - reasoning)}, "finish_reason": "stop"}
            events = [chunk | {"choices": [one]} for one in (first, rest)[0 if reasoning else 1 :]]
            events.append(chunk | {"choices": [], "usage": usage})
            lines = [f"data: {json.dumps(event)}\n\n" for event in events]
            self._answer("".join(lines) + "data: [DONE]\n\n", "text/event-stream")
        else:
            message = {"role": "assistant", "content": "a" * output}
            choice = {"index": 0, "message": message, "text": "a" * output, "finish_reason": "stop"}
            self._answer(json.dumps(chunk | {"choices": [choice], "usage": usage}), "application/json")
        self._note(body, texts, output, arrived)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def _answer(self, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _note(self, body: dict[str, Any], texts: list[str], output: int, arrived: float) -> None:
        entry = {
            "arrived": arrived,
            "ended": time.time(),
            "prompt": sum(map(len, texts)),
            "messages": list(map(len, texts)),
            "output": output,
            "ignore_eos": body.get("ignore_eos"),
            "correlation": self.headers.get("X-Correlation-ID"),
        }
        with self.lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()


def text_of(content: Any) -> str:
    """Of a message."""
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


if __name__ == "__main__":
    with open(sys.argv[1], "a", encoding="utf-8") as log:
        Handler.log = log
        Handler.share = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()
