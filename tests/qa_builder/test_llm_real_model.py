"""A real small model behind a real server (transformers serve), on loopback.

It has some 120,000 weights and knows the prompt of seven sentences by heart: what it says of others
is worth nothing, and so is its German. Everything on the way from the sentence to the dataset is
what a large model would go through.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result
from small_model import save_models

from qa_builder.cli import main
from qa_builder.dataset import Dataset, open_dataset
from qa_builder.questions import llm_client
from qa_builder.questions.llm_prompt import load_prompt
from qa_builder.verify import verify

CANDIDATES = 2
GOOD = {
    "morgen regnet es im süden": ["Was kommt morgen auf uns zu?", "Wo wird es nass?"],
    "am freitag scheint überall die sonne": ["Wann wird es schön?", "Wie geht es weiter?"],
    "in der nacht sinken die werte auf null grad": ["Wie kalt wird es?", "Gibt es Frost?"],
}
BAD = {
    "am montag weht ein starker wind aus westen": ["am montag weht ein starker wind aus westen"],
    "heute schneit es auf den bergen": ["What will the weather be like in the mountains?"],
    "am abend ziehen im norden gewitter auf": ["Ziehen am Abend im Norden Gewitter auf?"],
}
PROSE = {"über der ostsee liegt nebel": "Das mache ich nicht."}


def reply(questions: list[str]) -> str:
    return json.dumps({"questions": questions}, ensure_ascii=False)


class Served(NamedTuple):
    """The server, and the folder of its models and of a table with the sentences they know."""

    url: str
    folder: Path

    def build(self, model: str, *more: str) -> Result:
        out = self.folder / f"{model}-qa"
        arguments = [
            "build", "table", "--table", str(self.folder / "clips.tsv"), "--language", "de",
            "--dataset", "d", "--questions", "llm", "--base-url", self.url, "--model", model,
            "--llm", f"cache={self.folder / 'cache.sqlite'}", "--llm", f"candidates={CANDIDATES}",
            "--out", str(out), *more,
        ]  # fmt: skip
        return CliRunner().invoke(main, arguments)

    def built(self, model: str, *more: str) -> Dataset:
        result = self.build(model, *more)
        assert result.exit_code == 0, result.output
        out = self.folder / f"{model}-qa"
        assert verify(out) == []
        return open_dataset(out)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    for package in ("openai", "torch", "transformers", "fastapi", "uvicorn"):
        pytest.importorskip(package, reason=f"{package} is not installed: no model can be served")
    folder = tmp_path_factory.mktemp("model")
    sentences = [*GOOD, *BAD, *PROSE]
    rows = [f"c-{i}\t{s}\ttrain\n" for i, s in enumerate(sentences)]
    (folder / "clips.tsv").write_text("clip_id\ttext\tsplit\n" + "".join(rows), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        Path(sys.executable).with_name("transformers"), "serve", "--host", "127.0.0.1",
        "--port", str(port), "--device", "cpu",
    ]  # fmt: skip
    # Its models are the folders beside it; it looks for none elsewhere.
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder), "OMP_NUM_THREADS": "1"}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        prompt = load_prompt(None, "de")
        taught = {s: reply(q) for s, q in (GOOD | BAD).items()} | PROSE
        prompts = {prompt.message(s, CANDIDATES): r for s, r in taught.items()}
        assert save_models(folder, prompts) < 0.1
        _wait_for(f"http://127.0.0.1:{port}/health", server, folder / "log")
        yield Served(f"http://127.0.0.1:{port}/v1", folder)
    finally:
        server.terminate()
        server.wait(100)


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 200
    while True:
        assert server.poll() is None and time.monotonic() < deadline, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)


def test_what_it_learnt_passes_the_gates_or_not(served: Served) -> None:
    built = served.built("trained", "--llm", "temperature=0")
    rows = {r["text"]: r for r in built.table("train").to_pylist()}
    for sentence, questions in GOOD.items():
        row = rows[sentence]
        assert row["question"] in questions and row["question_source"] == "llm"
        made = row["question_provenance"]
        assert json.loads(made["raw_reply"]) == {"questions": questions}
        assert made["model"] == "trained" and made["revision"].startswith("trained")
        assert made["file"] == served.url.removeprefix("http://").removesuffix("/v1")
        assert abs(time.time() - _seconds(made["date"])) < 600
    facts = built.manifest["questions"]["llm"]
    listed = [json.loads(s) for s in (built.path / "rejects.jsonl").read_text().splitlines()]
    found = {(r["id"], r["reason"]) for r in listed}
    for sentence, reason in zip(BAD, ("answer", "language", "answer"), strict=True):
        assert (rows[sentence]["clip_id"], f"llm-{reason}") in found
        assert facts["rejected"][reason] >= 1
    assert facts["unusable_replies"] + 3 * facts["unanswered"] >= 1
    assert facts["questions"] + facts["fallback"] == len(rows) == 7
    assert all(r["question"] for r in rows.values())
    assert facts["tokens_in"] > 100 * facts["replies"] and facts["tokens_out"] > 0


def _seconds(date: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(date).timestamp()


def test_gibberish_falls_back_to_the_rules_and_is_counted(served: Served) -> None:
    built = served.built("untrained")
    rows = built.table("train").to_pylist()
    assert [r["question_source"] for r in rows] == ["rules"] * 7
    assert all(r["question"].endswith("?") for r in rows)
    facts = built.manifest["questions"]["llm"]
    assert (facts["fallback"], facts["unanswered"], facts["questions"]) == (7, 7, 0)


def test_a_model_that_the_server_has_not(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_client, "FIRST_WAIT", 0.01)
    result = served.build("giant")
    assert result.exit_code == 2 and result.output.count("\n") == 1, result.output
    assert "HTTP 500" in result.output and "Has it the model 'giant'?" in result.output
    assert not (served.folder / "giant-qa").exists()
