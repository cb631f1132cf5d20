"""Several workers ask one endpoint: the same dataset, one limit, one cache, nothing paid twice."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from ended import all_gone
from llm_double import KEY, MODEL, Fault, LlmServer, llm_double, questions
from llm_project import Project, bytes_of, everything
from pytest import MonkeyPatch

from qa_builder.dataset import open_dataset
from qa_builder.questions import llm_workers
from qa_builder.questions.llm_asking import Asking, Terms
from qa_builder.questions.llm_options import llm_options
from qa_builder.questions.llm_prompt import load_prompt
from qa_builder.questions.llm_workers import Fetch, Part, machine

CLIPS = {f"k-{i}": f"am {i}. mai regnet es im norden" for i in range(40)}
TWO = ("--workers", "2", "--llm", "concurrency=4")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with llm_double() as double:
        yield double


@pytest.fixture
def project(tmp_path: Path, server: LlmServer) -> Project:
    """Some sentences need a second round, and one never gets a usable reply."""
    server.faults = [
        Fault("am 7. mai", content=questions("Regnet es am 7. Mai im Norden?"), times=-1),
        Fault("am 8. mai", content="Das mache ich nicht.", times=-1),
    ]
    return Project(tmp_path, server, CLIPS)


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[Path]:
    """Where Ray writes; its path must be short, as it holds sockets."""
    pytest.importorskip("ray", reason="ray is not installed")
    with (
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as folder,
        MonkeyPatch.context() as m,
    ):
        m.setenv("RAY_TMPDIR", folder)
        yield Path(folder)


@pytest.fixture(scope="module")
def cluster(ray_folder: Path) -> Iterator[str]:
    """The address of a real Ray cluster of this machine alone, whose machines know no key."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        port, other = one.getsockname()[1], two.getsockname()[1]
    log = ray_folder / "log"
    environment = {k: v for k, v in os.environ.items() if k != "OPENAI_API_KEY"}
    environment |= {"RAY_USAGE_STATS_ENABLED": "0", "NO_PROXY": "127.0.0.1"}
    command = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--num-cpus", "2",
        "--node-ip-address", "127.0.0.1", "--port", str(port), "--include-dashboard", "false",
        "--ray-client-server-port", str(other),
    ]  # fmt: skip
    with log.open("w") as out:
        head = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 200
        while "Ray runtime started" not in log.read_text():
            assert head.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        family = psutil.Process(head.pid).children(recursive=True)
        head.terminate()
        head.wait(100)
        assert all_gone(family)


def spent(output: str) -> str:
    return re.search(r"small-model: .*", output)[0]  # type: ignore[index]


def test_processes_build_the_same_within_the_limit(project: Project) -> None:
    alone = project.build("--llm", f"cache={project.folder / 'alone.sqlite'}", out="alone")
    assert alone.exit_code == 0, alone.output
    asked, project.server.asked = project.server.asked, []
    project.server.most_busy, project.server.delay = 0, 0.2
    shared = project.build(*TWO, out="shared")
    assert shared.exit_code == 0, shared.output
    assert 1 < project.server.most_busy <= 4  # two workers, two requests each
    assert Counter(a.message for a in project.server.asked) == Counter(a.message for a in asked)
    assert spent(shared.output) == spent(alone.output)
    assert open_questions(project, "alone") == open_questions(project, "shared")
    assert project.facts("alone") == project.facts("shared")
    # And from its cache, by one process or many, the same bytes without a request for what is there
    project.server.asked = []
    assert project.build("--workers", "3", out="again").exit_code == 0
    assert {a.sentence for a in project.server.asked} == {CLIPS["k-8"]}
    assert bytes_of(project.folder / "shared") == bytes_of(project.folder / "again")


def open_questions(project: Project, out: str) -> tuple[str, list[str | None]]:
    dataset = open_dataset(project.folder / out)
    return dataset.manifest["fingerprint"], dataset.table("train")["question"].to_pylist()


def run(project: Project, *more: str, out: str = "out") -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "qa_builder.cli", *project.arguments(*more, out=out)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def children(process: subprocess.Popen[str]) -> set[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return set(psutil.Process(process.pid).children(recursive=True))
    return set()


def spawned(process: psutil.Process) -> list[psutil.Process]:
    """The workers of a process."""
    return [p for p in process.children() if "spawn_main" in " ".join(p.cmdline())]


def test_ray_on_this_machine(project: Project, ray_folder: Path) -> None:
    """It starts and ends with the command, leaves no process behind and writes the key nowhere."""
    project.server.delay = 0.05
    process = run(project, *TWO, "--executor", "ray")
    family: set[psutil.Process] = set()
    while process.poll() is None:
        family |= children(process)
        time.sleep(0.05)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert len(family) > 3 and all_gone(family)
    assert 0 < project.server.most_busy <= 4  # two workers, two requests each
    session = list(ray_folder.rglob("session_2*"))
    assert session and KEY.encode() not in everything(ray_folder)
    assert KEY not in said and KEY.encode() not in everything(project.folder)
    project.server.asked = []
    project.built(out="alone")
    assert {a.sentence for a in project.server.asked} == {CLIPS["k-8"]}
    assert open_questions(project, "out") == open_questions(project, "alone")
    assert project.facts("out") == project.facts("alone")


def test_a_ray_cluster_on_other_machines(
    project: Project, cluster: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real cluster; that its one machine is another than ours is simulated."""
    here = machine()
    monkeypatch.setattr(llm_workers, "machine", lambda: f"other than {here}")
    three = ("--workers", "3", "--llm", "concurrency=4")  # one more than it has room for
    ray = (*three, "--executor", "ray", "--address", cluster)
    refused = project.build(*ray)
    assert refused.exit_code == 2 and not project.server.asked
    assert re.fullmatch(r".*the worker on \S+ has no \$OPENAI_API_KEY. .*no key is sent.*\n",
                        refused.output)  # fmt: skip
    project.server.key = None
    monkeypatch.delenv("OPENAI_API_KEY")
    by_ray = project.build(*ray)
    assert by_ray.exit_code == 0, by_ray.output
    assert project.server.most_busy <= 4
    project.server.asked = []
    project.built(out="alone")  # all that was paid for came back into our cache
    assert {a.sentence for a in project.server.asked} == {CLIPS["k-8"]}
    assert open_questions(project, "out") == open_questions(project, "alone")
    assert project.facts("out") == project.facts("alone")


def test_another_machine_gets_what_is_known_and_opens_no_cache(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = project.folder / "cache.sqlite"
    options = llm_options({"base_url": project.server.url, "model": MODEL, "cache": str(cache)})
    terms = Terms(options, load_prompt(None, "de"), "de")
    sentences = [CLIPS["k-7"], CLIPS["k-9"]]
    asking = Asking(terms)
    with closing(Fetch(terms)) as fetch:
        first = fetch(Part(sentences[:1], {}))
    assert first.error is None and len(first.replies) == 2 and first.spent.requests == 2
    known = asking.known(sentences[0])
    assert known == first.replies
    asking.close()
    for file in project.folder.glob("cache.sqlite*"):
        file.unlink()
    project.server.asked = []
    fetch = Fetch(terms)
    monkeypatch.setattr(llm_workers, "machine", lambda: "another one")  # simulated
    with closing(fetch):
        second = fetch(Part(sentences, known))
    assert [a.sentence for a in project.server.asked] == sentences[1:]
    assert len(second.replies) == 1 and not cache.exists()


def test_killed_with_its_workers_and_resumed(project: Project) -> None:
    project.server.faults, project.server.delay = [], 0.05
    process = run(project, *TWO)
    while len(project.server.answered()) < 16:
        assert process.poll() is None
        time.sleep(0.005)
    workers = children(process)
    process.kill()
    process.communicate()
    assert len(workers) >= 2 and all_gone(workers)
    rows = project.built(*TWO)
    assert [r["question_source"] for r in rows] == ["llm"] * 40
    asked = Counter(a.sentence for a in project.server.asked)
    # Only what was on its way when the kill came is asked twice.
    assert len(project.server.asked) <= 40 + 4 and max(asked.values()) <= 2
    before = len(project.server.asked)
    project.built(out="again")
    assert len(project.server.asked) == before
    assert bytes_of(project.folder / "out") == bytes_of(project.folder / "again")


def test_a_worker_that_is_killed_loses_nothing(project: Project) -> None:
    project.server.faults, project.server.delay = [], 0.05
    process = run(project, *TWO)
    while len(project.server.answered()) < 12:
        assert process.poll() is None
        time.sleep(0.005)
    spawned(psutil.Process(process.pid))[0].kill()
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert len(project.server.asked) <= 40 + 4
    assert len({a.sentence for a in project.server.asked}) == 40


def test_an_endpoint_that_fails_for_good_stops_all_workers(project: Project) -> None:
    project.server.faults = [Fault("am 22. mai", status=400, times=-1)]
    result = project.build(*TWO)
    assert result.exit_code == 2 and "did not accept the request (HTTP 400" in result.output
    assert result.output.count("\n") == 1 and not (project.folder / "out").exists()
    assert not spawned(psutil.Process())
    answered = len(project.server.answered())
    project.server.faults = []
    project.built()
    assert len(project.server.answered()) <= 40 + 4 and answered > 0


def test_a_worker_that_failed_for_good_asks_no_more(project: Project) -> None:
    options = llm_options(
        {"model": MODEL, "base_url": project.server.url, "concurrency": "1",
         "cache": str(project.folder / "own.sqlite")}
    )  # fmt: skip
    project.server.faults = [Fault("am 3. mai", status=400, times=-1)]
    with closing(Fetch(Terms(options, load_prompt(None, "de"), "de"))) as fetch:
        first = fetch(Part([CLIPS["k-3"]], {}))
        asked = len(project.server.asked)
        second = fetch(Part([CLIPS["k-4"]], {}))
    assert first.error and second.error and asked == len(project.server.asked) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--executor", "threads"], "unknown executor 'threads'; known are: processes, ray."),
        (["--address", "auto"], "--address is that of a Ray cluster. Add --executor ray."),
        (["--workers", "-1"], "the value of workers is not a whole number from 0 to 1000."),
        (["--workers", "two"], "the value of workers is not a whole number from 0 to 1000."),
        (["--executor", "ray", "--address", "8.8.8.8:6379"], "leave this machine for 8.8.8.8:6379"),
    ],
)
def test_bad_options(project: Project, more: list[str], said: str) -> None:
    result = project.build(*more)
    assert result.exit_code == 2 and said in result.output, result.output
    assert not project.server.asked and not (project.folder / "out").exists()


@pytest.mark.parametrize(("package", "more"), [("ray", ["--executor", "ray"]), ("openai", [])])
def test_a_package_that_is_not_installed(project: Project, package: str, more: list[str]) -> None:
    """Hidden from one process, as an environment without it would."""
    code = f"import sys; sys.modules[{package!r}] = None\nfrom qa_builder.cli import main; main()"
    command = [sys.executable, "-c", code, *project.arguments(*more)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2 and f"needs the package {package}." in done.stderr
    assert "pip install 'qbslt[" in done.stderr and "Traceback" not in done.stderr
    assert not project.server.asked


def test_no_ray_cluster_at_the_address(project: Project, ray_folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    result = project.build("--executor", "ray", "--address", address)
    assert result.exit_code == 2 and address in result.output, result.output
    assert not project.server.asked
