"""Push over real HTTP to a loopback double of the Hub, through every fault that it can have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_double import TOKEN, Fault, Hub, Repo, hub_double
from small_dataset import small_dataset

from qa_builder.dataset import open_dataset
from qa_builder.errors import FindingError, QbsltError
from qa_builder.publish.hub import push
from qa_builder.publish.release import make_release
from qa_builder.publish.remote import TRIES

ID = "me/small-qa"
FILES = {"README.md", "manifest.json", "config.yaml", "rejects.jsonl",
         "data/train.parquet", "data/dev.parquet", "data/test.parquet"}  # fmt: skip
PUTS = "PUT /lfs/"
COMMIT = f"POST /api/datasets/{ID}/commit/main"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A fresh double that this process's huggingface_hub talks to, logged in."""
    with hub_double() as double:
        double.login(monkeypatch)
        yield double


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between tries, ours and huggingface_hub's: noted and not slept."""
    noted: list[float] = []
    monkeypatch.setattr(time, "sleep", noted.append)
    return noted


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return small_dataset(tmp_path / "small")


def held(hub: Hub) -> dict[str, bytes]:
    return {p: d for p, d in hub.repos[ID].files.items() if p != ".gitattributes"}


def expected(dataset: Path, out: Path) -> dict[str, bytes]:
    make_release(open_dataset(dataset), out)
    return {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}


def test_new_repository(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    report = push(dataset, ID)
    assert hub.repos[ID].private
    assert held(hub) == expected(dataset, tmp_path / "release")
    assert set(report.sent) == set(held(hub)) == FILES
    assert report.url == f"{hub.url}/datasets/{ID}"
    assert not report.deleted
    assert {f.path: f.bytes for f in report.files} == {p: len(d) for p, d in held(hub).items()}
    assert any("3 questions hold the whole sentence" in w for w in report.warnings)


def test_second_push_sends_nothing(hub: Hub, dataset: Path) -> None:
    push(dataset, ID)
    head, puts = hub.repos[ID].head, len(hub.requests(PUTS))
    report = push(dataset, ID)
    assert report.sent == report.deleted == ()
    assert hub.repos[ID].head == head
    assert len(hub.requests(PUTS)) == puts == 3


def test_public_only_when_asked(hub: Hub, dataset: Path) -> None:
    push(dataset, ID, public=True)
    assert not hub.repos[ID].private
    with pytest.raises(QbsltError, match="exists and is public"):
        push(dataset, ID)
    push(dataset, "me/other")
    with pytest.raises(QbsltError, match="exists and is private"):
        push(dataset, "me/other", public=True)
    assert hub.repos["me/other"].private


def test_dry_run_lists_and_sends_nothing(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    report = push(dataset, ID, dry_run=True, echo=lines.append)
    sizes = {p: len(d) for p, d in expected(dataset, tmp_path / "release").items()}
    assert {f.path: f.bytes for f in report.files} == sizes
    assert report.url is None
    assert not report.sent
    assert not hub.log
    assert [line.split() for line in lines[:-1]] == [
        [f"{n:,}", p] for p, n in sorted(sizes.items())
    ]
    assert "nothing was sent" in lines[-1]


def test_full_content_needs_rights_and_a_licence(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(QbsltError, match="--i-hold-the-rights"):
        push(dataset, ID, content="full", licence="cc-by-4.0")
    with pytest.raises(QbsltError, match="--licence"):
        push(dataset, ID, content="full", rights=True)
    assert not hub.log
    push(dataset, ID, content="full", rights=True, licence="cc-by-nc-sa-4.0")
    assert b"\nlicense: cc-by-nc-sa-4.0\n" in b"\n" + held(hub)["README.md"]
    for path in FILES - {"README.md", "manifest.json"}:
        assert held(hub)[path] == (dataset / path).read_bytes()


@pytest.mark.parametrize("name", ["", "small", "a/b/c", "me/..", "me/sm all", "me/x--y"])
def test_wrong_repository_names(hub: Hub, dataset: Path, name: str) -> None:
    with pytest.raises(QbsltError, match="OWNER/NAME"):
        push(dataset, name)
    assert not hub.log


def test_dataset_with_findings_is_not_published(hub: Hub, dataset: Path) -> None:
    path = dataset / "data" / "dev.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(FindingError, match=r"dev\.parquet"):
        push(dataset, ID)
    assert not hub.log


@pytest.mark.parametrize(
    "refusal",
    [(401, "hf auth login"), (403, "write permission"), (404, "Check the name")],
)
@pytest.mark.parametrize("call", ["POST /api/repos/create", "/preupload/", PUTS, COMMIT])
def test_refusals_are_one_sentence(
    hub: Hub, dataset: Path, waits: list[float], refusal: tuple[int, str], call: str
) -> None:
    status, sentence = refusal
    hub.faults = [Fault(call, status=status, times=99)]
    with pytest.raises(QbsltError, match=sentence) as error:
        push(dataset, ID)
    assert f"HTTP {status}" in str(error.value)
    assert "\n" not in str(error.value)
    assert not waits


def test_wrong_token(hub: Hub, dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(QbsltError, match="hf auth login"):
        push(dataset, ID)


@pytest.mark.parametrize("call", ["POST /api/repos/create", "GET /api/datasets/.*/tree/",
                                  "/preupload/", PUTS, COMMIT])  # fmt: skip
@pytest.mark.parametrize(
    "fault",
    [{"status": 429, "headers": {"Retry-After": "7"}}, {"status": 500}, {"status": 503},
     {"cut": True}, {"cut_reply": True}],
    ids=["429", "500", "503", "cut", "cut-reply"],
)  # fmt: skip
def test_passing_faults_are_ridden_out(
    hub: Hub, dataset: Path, waits: list[float], call: str, fault: dict[str, object]
) -> None:
    times = 1 if call == COMMIT and "cut_reply" in fault else 2  # what was done isn't done again
    hub.faults = [Fault(call, **fault, times=times)]  # type: ignore[arg-type]
    report = push(dataset, ID)
    assert hub.faults[0].times == 0
    assert held(hub) == expected(dataset, dataset.parent / "release")
    assert set(report.sent) == FILES
    assert len(hub.repos[ID].commits) == 2  # the first, and ours once
    if fault.get("status") == 429:
        assert min(waits) >= 7


def test_faults_that_stay_end_in_a_sentence(hub: Hub, dataset: Path, waits: list[float]) -> None:
    hub.faults = [Fault(COMMIT, status=503, times=99)]
    with pytest.raises(QbsltError, match="Run the same command again later"):
        push(dataset, ID)
    assert len(hub.requests(COMMIT)) == TRIES
    assert waits == [1, 2, 4, 8]


def test_too_long_a_wait_is_reported(hub: Hub, dataset: Path, waits: list[float]) -> None:
    hub.faults = [Fault(COMMIT, status=429, headers={"Retry-After": "3600"}, times=99)]
    with pytest.raises(QbsltError, match="HTTP 429"):
        push(dataset, ID)
    assert not waits


def test_no_hub_at_all(hub: Hub, dataset: Path, waits: list[float]) -> None:
    hub.shutdown()
    hub.server_close()
    with pytest.raises(QbsltError, match="Check the network"):
        push(dataset, ID)


def test_other_refusals_show_what_the_hub_said(hub: Hub, dataset: Path) -> None:
    hub.faults = [Fault(COMMIT, status=400)]
    with pytest.raises(QbsltError, match=r"refused \(HTTP 400\): as asked, for Bearer \*\*\*"):
        push(dataset, ID)


def test_commit_by_somebody_else_meanwhile(hub: Hub, dataset: Path, waits: list[float]) -> None:
    push(dataset, ID)
    hub.repos[ID].commit({"theirs.txt": b"x", **hub.repos[ID].files, "config.yaml": b"theirs"})
    hub.faults = [Fault(COMMIT, status=412)]
    assert push(dataset, ID).sent == ("config.yaml",)
    assert held(hub)["theirs.txt"] == b"x"


@pytest.mark.parametrize("path", ["README.md", "data/test.parquet"])
def test_other_bytes_at_the_hub_are_found(hub: Hub, dataset: Path, path: str) -> None:
    hub.corrupt = {path}
    with pytest.raises(FindingError, match=f"other bytes .* {path}"):
        push(dataset, ID)
    hub.corrupt = set()
    assert push(dataset, ID).sent == (path,)


def test_stale_files_go_and_foreign_files_stay(hub: Hub, dataset: Path) -> None:
    push(dataset, ID)
    files = hub.repos[ID].files
    hub.repos[ID].commit({
        **files, "notes.txt": b"mine", "data/extra.parquet": b"mine", "data/old.parquet": b"ours",
        "manifest.json": files["manifest.json"].replace(
            b'"files": [', b'"files": [{"path": "data/old.parquet"}, {"path": "notes.txt"},', 1),
    })  # fmt: skip
    report = push(dataset, ID)
    assert report.deleted == ("data/old.parquet",)
    assert set(held(hub)) == FILES | {"notes.txt", "data/extra.parquet"}


def test_a_repository_of_other_making_is_left_alone(hub: Hub, dataset: Path) -> None:
    repo = hub.repos[ID] = Repo(private=True)
    theirs = {"README.md": b"theirs", "data/train.parquet": b"theirs"}
    repo.commit(theirs)
    with pytest.raises(QbsltError, match=r"other making: data/train\.parquet"):
        push(dataset, ID)
    assert repo.files == theirs
    repo.commit({"README.md": b"# a card made when the repository was\n"})
    push(dataset, ID)
    assert set(held(hub)) == FILES


# -- in a process of its own, with the environment that huggingface_hub reads at import -----------

CLI = "from qa_builder.cli import main; main()"


def environment(hub: Hub, home: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    return {**kept, "HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_VERBOSITY": "debug"}  # fmt: skip


def start(hub: Hub, home: Path, code: str, *args: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)], env=environment(hub, home),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def test_killed_push_is_continued(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    hub.faults = [Fault(COMMIT, hang=True)]
    process = start(hub, tmp_path / "home", CLI, "push-to-hub", dataset, ID)
    assert hub.hung.wait(30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not held(hub)
    puts = len(hub.requests(PUTS))
    assert puts == 3
    assert set(push(dataset, ID).sent) == FILES
    assert len(hub.requests(PUTS)) == puts  # what had arrived is not sent again
    assert held(hub) == expected(dataset, tmp_path / "release")


def test_killed_in_the_middle_of_a_file(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    hub.faults = [Fault(PUTS, hang=True)]
    process = start(hub, tmp_path / "home", CLI, "push-to-hub", dataset, ID)
    assert hub.hung.wait(30)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    push(dataset, ID)
    assert held(hub) == expected(dataset, tmp_path / "release")


def test_token_is_never_shown(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    hub.faults = [Fault(PUTS, cut=True), Fault(COMMIT, status=503), Fault(COMMIT, status=400)]
    process = start(hub, home, CLI, "push-to-hub", dataset, ID)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 2
    last = output.splitlines()[-1]
    assert last == f"error: [{ID}] the Hub refused (HTTP 400): as asked, for Bearer ***"
    process = start(hub, home, CLI, "push-to-hub", dataset, ID)
    output += process.communicate(timeout=60)[0]
    assert process.returncode == 0, output
    assert TOKEN not in output
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert not [p for p in files if TOKEN.encode() in p.read_bytes()]
    assert not [p for p, data in held(hub).items() if TOKEN.encode() in data]


LOAD = """
import datasets, sys
splits = datasets.load_dataset(sys.argv[1])
assert {s: len(d) for s, d in splits.items()} == {"train": 4, "dev": 4, "test": 4}, splits
row = splits["dev"][2]
assert row["sample_id"] == "dev-1#1" and row["question"] == "Wo ist es nass?", row
assert "text" not in row and "gloss" not in row
stream = datasets.load_dataset(sys.argv[1], streaming=True)
assert [list(stream[s]) for s in splits] == [splits[s].to_list() for s in splits]
print("both ways")
"""


def test_load_dataset_from_the_hub(hub: Hub, dataset: Path, tmp_path: Path) -> None:
    push(dataset, ID)
    process = start(hub, tmp_path / "home", LOAD, ID)
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    assert "both ways" in output
