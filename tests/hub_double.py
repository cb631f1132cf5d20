"""A double of the Hugging Face Hub on the loopback interface: real HTTP, dataset repositories only.

It serves the calls that huggingface_hub and datasets make with HF_HUB_DISABLE_XET=1, keeps every
commit, and breaks where a test asks for it: see `Fault`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

TOKEN = "hf_loopbackSecretToken"
LARGE = (".parquet",)  # goes through LFS, as the Hub's .gitattributes has it


@dataclass
class Fault:
    """What goes wrong with requests "METHOD PATH" that match, `times` times."""

    match: str
    status: int = 0  # answer this
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False  # take half of the body and close the connection
    cut_reply: bool = False  # do what was asked, then close without an answer
    hang: bool = False  # take half of the body and wait until the client goes
    times: int = 1


@dataclass
class Repo:
    private: bool
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)  # sha -> path -> bytes
    head: str = ""

    def commit(self, files: dict[str, bytes]) -> str:
        state = f"{len(self.commits)}{sorted((p, git_oid(d)) for p, d in files.items())}"
        self.head = hashlib.sha1(state.encode()).hexdigest()
        self.commits[self.head] = files
        return self.head

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[self.head]


class Hub(ThreadingHTTPServer):
    """The server and all that it holds; `log` has every request as "METHOD PATH"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}  # LFS: sha256 -> bytes
        self.faults: list[Fault] = []
        self.corrupt: set[str] = set()  # paths that are stored with a wrong byte
        self.log: list[str] = []
        self.hung = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that was killed, or a connection that we cut

    def login(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process's huggingface_hub talk to the double, with its token."""
        template = f"{self.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", self.url)
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)

    def requests(self, pattern: str) -> list[str]:
        return [r for r in self.log if re.search(pattern, r)]


@contextlib.contextmanager
def hub_double() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def entry(path: str, data: bytes) -> dict[str, Any]:
    """A file as the tree lists it."""
    found: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
    if path.endswith(LARGE):
        found["lfs"] = {
            "oid": hashlib.sha256(data).hexdigest(),
            "size": len(data),
            "pointerSize": 9,
        }
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for an acknowledgement
    server: Hub

    def log_message(self, *args: object) -> None:
        pass

    def reply(self, status: int, body: Any = None, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def missing(self, code: str) -> None:
        self.reply(404, {"error": "not found"}, X_Error_Code=code)

    def close(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def handle_request(self) -> None:
        path = unquote(urlsplit(self.path).path)
        request = f"{self.command} {path}"
        self.server.log.append(request)
        size = int(self.headers.get("Content-Length") or 0)
        fault = next(
            (f for f in self.server.faults if f.times and re.search(f.match, request)), None
        )
        if fault:
            fault.times -= 1
            if fault.cut or fault.hang:
                self.rfile.read(size // 2)
                if fault.hang:
                    self.server.hung.set()
                    while self.connection.recv(65536):
                        pass
                return self.close()
        body = self.rfile.read(size)
        if len(body) < size:  # the client was killed: half a file is none
            return self.close()
        if fault and fault.status:
            error = {"error": f"as asked, for {self.headers.get('Authorization')}"}
            return self.reply(fault.status, error, **fault.headers)
        if fault:  # cut_reply
            self.reply = lambda *_, **__: self.close()  # type: ignore[method-assign]
        if self.headers.get("Authorization") not in (None, f"Bearer {TOKEN}"):
            return self.reply(401, {"error": "Invalid credentials in Authorization header"})
        self.route(path, body)

    do_GET = do_HEAD = do_POST = do_PUT = handle_request

    def route(self, path: str, body: bytes) -> None:
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return self.reply(200, {"errors": [], "warnings": []})
        if path.startswith("/lfs/"):
            self.server.objects[path.removeprefix("/lfs/")] = body
            return self.reply(200, {})
        found = re.fullmatch(
            r"(?:/api)?/datasets/([\w.-]+/[\w.-]+?)(?:\.git)?(?:/([\w-]+)(/.*)?)?", path
        )
        repo = self.server.repos.get(found[1]) if found else None
        if found is None or repo is None or (repo.private and not self.headers["Authorization"]):
            return self.missing("RepoNotFound")
        rest = (found[3] or "").strip("/")
        call = getattr(self, "on_" + (found[2] or "revision").replace("-", "_"))
        call(found[1], repo, rest, body)

    def create(self, asked: dict[str, Any]) -> None:
        if self.headers["Authorization"] is None:
            return self.reply(401, {"error": "Invalid username or password."})
        id = f"{asked['organization']}/{asked['name']}"
        url = {"url": f"{self.server.url}/datasets/{id}"}
        if id in self.server.repos:
            return self.reply(409, {"error": "You already created this dataset repo", **url})
        repo = self.server.repos[id] = Repo(private=asked.get("visibility") == "private")
        repo.commit({".gitattributes": b"*.parquet filter=lfs\n"})
        self.reply(200, url)

    def at(self, repo: Repo, revision: str) -> tuple[str, dict[str, bytes]] | None:
        sha = repo.head if revision in ("", "main") else revision
        files = repo.commits.get(sha)
        if files is None:
            self.missing("RevisionNotFound")
        return None if files is None else (sha, files)

    def on_revision(self, id: str, repo: Repo, rest: str, body: bytes) -> None:
        if found := self.at(repo, rest):
            sha, files = found
            siblings = [{"rfilename": p} for p in files]
            info = {"id": id, "sha": sha, "private": repo.private, "siblings": siblings}
            self.reply(200, {**info, "tags": [], "downloads": 0, "likes": 0, "gated": False})

    def on_tree(self, id: str, repo: Repo, rest: str, body: bytes) -> None:
        revision, _, folder = rest.partition("/")
        if found := self.at(repo, revision):
            below = {p: d for p, d in found[1].items() if not folder or p.startswith(f"{folder}/")}
            if folder and not below:
                return self.missing("EntryNotFound")
            skip = len(folder) + 1 if folder else 0
            deep = parse_qs(urlsplit(self.path).query).get("recursive") in (["True"], ["true"])
            direct = {p: d for p, d in below.items() if deep or "/" not in p[skip:]}
            parents = {p[: p.index("/", skip)] for p in below if "/" in p[skip:]}
            folders = [
                {"type": "directory", "path": p, "oid": "0" * 40, "size": 0} for p in parents
            ]
            self.reply(200, [*folders, *(entry(p, d) for p, d in direct.items())])

    def on_paths_info(self, id: str, repo: Repo, rest: str, body: bytes) -> None:
        if found := self.at(repo, rest):
            form = parse_qs(body.decode())
            asked = form.get("paths") or json.loads(body)["paths"]
            self.reply(200, [entry(p, found[1][p]) for p in asked if p in found[1]])

    def on_preupload(self, id: str, repo: Repo, rest: str, body: bytes) -> None:
        paths = [f["path"] for f in json.loads(body)["files"]]
        held = {p: git_oid(d) for p, d in repo.files.items()}
        mode = {True: "lfs", False: "regular"}
        files = [
            {"path": p, "uploadMode": mode[p.endswith(LARGE)], "shouldIgnore": False,
             "oid": held.get(p)} for p in paths
        ]  # fmt: skip
        self.reply(200, {"files": files})

    def on_info(self, id: str, repo: Repo, rest: str, body: bytes) -> None:  # info/lfs/...
        if rest == "lfs/verify":
            known = json.loads(body)["oid"] in self.server.objects
            return self.reply(200 if known else 404, {})
        base = f"{self.server.url}/datasets/{id}.git/info/lfs/verify"
        objects = []
        for o in json.loads(body)["objects"]:
            if o["oid"] not in self.server.objects:
                upload = {"href": f"{self.server.url}/lfs/{o['oid']}"}
                o["actions"] = {"upload": upload, "verify": {"href": base}}
            objects.append(o)
        self.reply(200, {"transfer": "basic", "objects": objects})

    def on_commit(self, id: str, repo: Repo, rest: str, body: bytes) -> None:
        files = dict(repo.files)
        for line in map(json.loads, body.splitlines()):
            key, value = line["key"], line["value"]
            if key == "header" and value.get("parentCommit", repo.head) != repo.head:
                return self.reply(412, {"error": "A commit has happened since."})
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        for path in self.server.corrupt & files.keys():
            files[path] = files[path][:-1] + bytes([files[path][-1] ^ 1])
        sha = repo.commit(files)
        url = f"{self.server.url}/datasets/{id}/commit/{sha}"
        self.reply(200, {"commitUrl": url, "commitOid": sha})

    def on_resolve(self, id: str, repo: Repo, rest: str, body: bytes) -> None:
        revision, _, path = rest.partition("/")
        if not (found := self.at(repo, revision)):
            return None
        sha, files = found
        if path not in files:
            return self.reply(404, {}, X_Error_Code="EntryNotFound", X_Repo_Commit=sha)
        data = files[path]
        headers = {"ETag": f'"{git_oid(data)}"', "X_Repo_Commit": sha, "Accept_Ranges": "bytes"}
        if path.endswith(LARGE):
            digest = hashlib.sha256(data).hexdigest()
            headers |= {"X_Linked_ETag": f'"{digest}"', "X_Linked_Size": str(len(data))}
        status, size = 200, len(data)
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            first, last = int(span[1]), min(int(span[2] or size - 1), size - 1)
            status, data = 206, data[first : last + 1]
            headers["Content_Range"] = f"bytes {first}-{last}/{size}"
        self.reply(status, data, Content_Length=str(len(data)), **headers)
