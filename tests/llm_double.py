"""A double of an OpenAI-compatible endpoint on the loopback interface: real HTTP.

It knows one model and one key, answers each sentence with questions, and breaks where a test asks
for it: see `Fault`.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-loopback-SECRET-0123456789"
MODEL = "small-model"
GERMAN = ["Was kommt da auf uns zu?", "Wann ist es so weit?", "Kann man das schon sagen?"]
CHINESE = ["那是怎么回事？", "什么时候呢？", "是谁说的？"]
_SENTENCE = re.compile(r"[«「\"](.*?)[»」\"]", re.DOTALL)


@dataclass
class Fault:
    """What goes wrong with requests for a sentence that matches, `times` times."""

    match: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None  # of the HTTP answer, instead of a completion
    content: str | None = None  # of the completion, instead of questions
    cut: bool = False  # close the connection in the middle of the body
    times: int = 1


@dataclass
class Asked:
    """A request as it came."""

    sentence: str
    message: str
    payload: dict[str, Any]
    at: float  # monotonic seconds
    status: int = 0  # 0: not answered yet


def questions(*texts: str) -> str:
    return json.dumps({"questions": texts}, ensure_ascii=False)


class LlmServer(ThreadingHTTPServer):
    """The server and what it saw."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.delay = 0.0  # seconds for each answer
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], str] = _answer
        self.usage = True
        self.key: str | None = KEY  # None: it wants none
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed, or a connection that we cut

    def fault_for(self, sentence: str) -> Fault:
        for fault in self.faults:
            if fault.times and re.search(fault.match, sentence):
                fault.times -= 1
                return fault
        return Fault()

    def answered(self) -> list[Asked]:
        return [a for a in self.asked if a.status == 200]


def _answer(asked: Asked) -> str:
    chinese = "「" in asked.message
    return questions(*(CHINESE if chinese else GERMAN))


@contextlib.contextmanager
def llm_double() -> Iterator[LlmServer]:
    server = LlmServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LlmServer

    def log_message(self, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        message = payload["messages"][-1]["content"]
        found = _SENTENCE.search(message)
        asked = Asked(found[1] if found else "", message, payload, time.monotonic())
        with self.server.lock:
            self.server.asked.append(asked)
            self.server.busy += 1
            self.server.most_busy = max(self.server.most_busy, self.server.busy)
        time.sleep(self.server.delay)
        with self.server.lock:
            self.server.busy -= 1
            fault = self.server.fault_for(asked.sentence)
        self.reply(asked, *self.made(asked, fault), fault.cut)

    def made(self, asked: Asked, fault: Fault) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of the answer."""
        if self.path != "/v1/chat/completions":
            return 404, {}, '{"error": {"message": "no such path"}}'
        given, key = self.headers.get("Authorization"), self.server.key
        if key is not None and given != f"Bearer {key}":
            return 401, {}, json.dumps({"error": {"message": f"Incorrect API key: {given}"}})
        if asked.payload["model"] != MODEL:
            return 404, {}, '{"error": {"message": "no such model", "code": "model_not_found"}}'
        if fault.status != 200 or fault.body is not None:
            return fault.status, fault.headers, fault.body or '{"error": {"message": "oh"}}'
        content = self.server.answer(asked) if fault.content is None else fault.content
        return 200, {}, json.dumps(self.completion(asked, content))

    def completion(self, asked: Asked, content: str) -> dict[str, Any]:
        n = len(self.server.asked)
        usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
        choice = {
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": content},
        }  # fmt: skip
        return {
            "id": f"c-{n}", "object": "chat.completion", "created": 1_750_000_000 + n,
            "model": f"{MODEL}-2025", "system_fingerprint": "fp_1", "choices": [choice],
            **({"usage": usage} if self.server.usage else {}),
        }  # fmt: skip

    def reply(
        self, asked: Asked, status: int, headers: dict[str, str], body: str, cut: bool
    ) -> None:
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if cut:
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
            return
        self.wfile.write(data)
        asked.status = status
