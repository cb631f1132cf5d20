"""Questions of a language model over real HTTP: gates, back-off, cache, kills, errors, cost."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from llm_double import GERMAN, KEY, MODEL, Asked, Fault, LlmServer, llm_double, questions
from llm_project import SENTENCES, Project, bytes_of, everything

from qa_builder.build import build
from qa_builder.cli import main
from qa_builder.config import BuildConfig
from qa_builder.corpora import open_table
from qa_builder.corpora.base import ClipBatch, Notes
from qa_builder.dataset import open_dataset
from qa_builder.questions import llm_client
from qa_builder.questions.base import NoQuestions
from qa_builder.questions.llm import LanguageModel
from qa_builder.questions.llm_options import llm_options
from qa_builder.samples import Question
from qa_builder.verify import verify


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LlmServer]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(llm_client, "FIRST_WAIT", 0.01)
    with llm_double() as double:
        yield double


@pytest.fixture
def project(tmp_path: Path, server: LlmServer) -> Project:
    return Project(tmp_path, server, SENTENCES)


# What is asked, and what is kept of it


def test_every_clip_gets_a_question_with_provenance(project: Project) -> None:
    rows = project.built("--llm", "temperature=0.2", "--llm", "candidates=3")
    assert [r["clip_id"] for r in rows] == list(SENTENCES)
    assert all(r["question"] in GERMAN and r["question_source"] == "llm" for r in rows)
    assert len({r["question_kind"] for r in rows}) == 3  # varied, not the first of each reply
    made = rows[0]["question_provenance"]
    assert json.loads(made["raw_reply"]) == {"questions": GERMAN}
    assert made["model"] == MODEL and made["revision"] == f"{MODEL}-2025 fp_1"
    assert made["file"] == project.server.url.removeprefix("http://").removesuffix("/v1")
    assert made["version"] == "de-1 temperature=0.2 candidates=3"
    assert made["date"].startswith("2025-06-15T15:06:4")
    source = [s for s in open_dataset(project.folder / "out").manifest["sources"]
              if s["role"] == "prompt"]  # fmt: skip
    assert source[0]["path"] == "de-1.yaml" and source[0]["sha256"] == made["config_hash"]
    payload = project.server.asked[0].payload
    assert payload["temperature"] == 0.2 and "3 verschiedene" in payload["messages"][0]["content"]
    assert verify(project.folder / "out") == []


def test_equal_sentences_are_paid_once(project: Project) -> None:
    project.built()
    assert Counter(a.sentence for a in project.server.asked) == dict.fromkeys(SENTENCES.values(), 1)
    assert project.facts()["llm"]["replies"] == 3


def test_chinese(tmp_path: Path, server: LlmServer) -> None:
    rows = Project(tmp_path, server, {"c": "我明天去北京看朋友。"}).built(language="zh")
    assert rows[0]["question"] == "那是怎么回事？"
    assert server.asked[0].sentence == "我明天去北京看朋友。"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (questions(SENTENCES["a-1"]), "answer"),
        (questions("regnet es morgen im süden?"), "answer"),
        (questions("Regnet es morgen dort im Süden noch mehr?"), "leakage"),
        (questions("What will the weather be like tomorrow?"), "language"),
        (questions("明天天气怎么样？"), "language"),
        (questions("Das wird man sehen."), "no-question"),
        (questions("Wie?"), "length"),
        (questions("Wie ist\nes dort?"), "form"),
        (questions(""), "form"),
    ],
)
def test_rejected_questions_are_asked_again_with_the_reason(
    project: Project, content: str, reason: str
) -> None:
    project.server.faults = [Fault("süden", content=content)]
    rows = project.built()
    assert rows[0]["question"] in GERMAN
    assert project.facts()["llm"]["rejected"] == {reason: 1}
    assert project.facts()["llm"]["asked_again"] == 1
    second = [a for a in project.server.asked if "süden" in a.sentence][1]
    told = second.message.split("Diese Fragen waren nicht zu gebrauchen:")[1]
    assert json.loads(content)["questions"][0] in told
    listed = [r for r in project.rejects() if r["reason"] == f"llm-{reason}"]
    assert [r["id"] for r in listed] == ["a-1"]


def test_a_model_that_never_learns_falls_back(project: Project) -> None:
    """`fr` has no rules: the clip stays without a question, and all is counted."""
    project.server.answer = lambda asked: questions(asked.sentence)
    prompt = Path(llm_client.__file__).parent / "llm_prompts/de-1.yaml"
    french = project.folder / "fr.yaml"
    french.write_text(prompt.read_text("utf-8").replace("language: de", "language: fr"), "utf-8")
    rows = project.built("--llm", f"prompt={french}", language="fr")
    assert [r["question"] for r in rows] == [None] * 4
    facts = project.facts()
    assert facts["llm"]["fallback"] == 4 and facts["llm"]["questions"] == 0
    assert facts["fallback"] == {"source": "none"}
    # The same sentence again is no new candidate: the second round has nothing to say any more.
    assert facts["llm"]["rejected"] == {"answer": 3}
    assert {f["id"] for f in open_dataset(project.folder / "out").manifest["findings"]} >= {
        "llm-fallback"
    }


def test_prose_round_the_json(project: Project) -> None:
    project.server.answer = lambda a: (
        f"<think>{{no}}</think>Gerne! ```json\n{questions(*GERMAN)}\n``` Noch {{etwas}}?"
    )
    assert all(r["question"] in GERMAN for r in project.built())
    assert len(project.server.asked) == 3


def test_truncated_json_is_asked_again_and_never_kept(project: Project) -> None:
    project.server.faults = [Fault("süden", content=questions(*GERMAN)[:-9], times=1)]
    rows = project.built("--llm", "price_in=1", "--llm", "price_out=10")
    assert rows[0]["question"] in GERMAN
    facts = project.facts()["llm"]
    assert (facts["replies"], facts["unusable_replies"], facts["asked_again"]) == (3, 1, 0)
    # What was paid for the unusable one is in the sum.
    assert (facts["tokens_in"], facts["tokens_out"]) == (400, 40)
    assert facts["cost"] == pytest.approx((400 * 1 + 40 * 10) / 1e6)
    assert "kein JSON" in project.server.asked[-1].message or len(project.server.asked) == 4


def test_replies_without_questions_fall_back_and_are_not_cached(project: Project) -> None:
    project.server.faults = [Fault("sonne", content="Das mache ich nicht.", times=3)]
    result = project.build()
    assert result.exit_code == 0, result.output
    facts = project.facts()["llm"]
    assert (facts["unanswered"], facts["fallback"]) == (1, 1)
    assert [r["id"] for r in project.rejects() if r["reason"] == "llm-unanswered"] == ["a-2"]
    before = len(project.server.asked)
    rows = project.built(out="again")
    assert len(project.server.asked) == before + 1  # failures are asked anew, nothing else
    assert rows[1]["question"] in GERMAN


# The wire


def test_slow_and_within_the_limit(project: Project) -> None:
    project.server.delay = 0.5
    start = time.monotonic()
    project.built("--llm", "concurrency=2")
    assert project.server.most_busy == 2
    assert time.monotonic() - start >= 1  # three sentences, two at a time


def test_429_makes_everybody_wait(project: Project) -> None:
    project.server.faults = [Fault(status=429, headers={"Retry-After": "0.6"})]
    project.built("--llm", "concurrency=1")
    first, *others = project.server.asked
    assert first.status == 429 and len(others) == 3
    assert all(a.at - first.at >= 0.6 for a in others)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, times=2),
        Fault(status=503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, times=2),
        Fault(body='{"choices": [{"message": {"con', times=2),
        Fault(body="<html>hello</html>"),
        Fault(body="[1]"),
        Fault(body='{"choices": null}'),
    ],
    ids=["500", "503-date", "truncated-body", "html", "list", "no-choices"],
)
def test_passing_failures_are_tried_again(project: Project, fault: Fault) -> None:
    times = fault.times
    project.server.faults = [fault]
    result = project.build()
    assert result.exit_code == 0, result.output
    assert f"3 requests answered ({times} failed and sent again)" in result.output
    assert project.facts()["llm"]["unusable_replies"] == 0


def test_a_cut_connection_is_tried_again(project: Project) -> None:
    project.built()  # reached once
    project.server.faults = [Fault("freitag", cut=True)]
    rows = project.built("--llm", "temperature=0", "--llm", "concurrency=1", out="b")
    assert all(r["question"] for r in rows)


def test_an_endpoint_that_fails_for_good_loses_nothing(project: Project) -> None:
    project.server.faults = [Fault("null grad", status=500, times=99)]
    result = project.build("--llm", "concurrency=1")
    assert result.exit_code == 2 and not (project.folder / "out").exists()
    assert "gave no answer (HTTP 500: oh)" in result.output and "to go on" in result.output
    answered = len(project.server.answered())
    assert answered == 2
    project.server.faults = []
    project.built()
    assert len(project.server.answered()) == 3


def test_a_long_wait_is_refused(project: Project) -> None:
    project.server.faults = [Fault(status=429, headers={"Retry-After": "86400"}, times=9)]
    result = project.build()
    assert result.exit_code == 2 and "asks to wait 86400 s" in result.output


def test_used_up_quota(project: Project) -> None:
    body = '{"error": {"message": "no money", "code": "insufficient_quota"}}'
    project.server.faults = [Fault(status=429, body=body, times=9)]
    result = project.build()
    assert result.exit_code == 2 and "quota is used up" in result.output


# Keys, models, addresses


@pytest.mark.parametrize("key", ["sk-WRONG-aaaabbbbcccc", ""])
def test_wrong_key_is_never_echoed(
    project: Project, monkeypatch: pytest.MonkeyPatch, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    caplog.set_level("DEBUG")
    result = project.build()
    assert result.exit_code == 2 and "HTTP 401" in result.output
    assert ("refused the key" if key else "wants a key") in result.output
    assert result.output.count("\n") == 1
    if key:
        assert "WRONG" not in result.output + caplog.text
        assert b"WRONG" not in everything(project.folder)


def test_the_key_is_nowhere(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Not in the dataset, the cache or the log, even if a server sends it back."""
    caplog.set_level("DEBUG")
    project.server.answer = lambda a: f"Your key is {KEY}. {questions(*GERMAN)}"
    project.built()
    assert KEY.encode() not in everything(project.folder)
    assert KEY not in caplog.text
    project.server.faults = [Fault(status=400, body=json.dumps({"error": {"message": KEY}}))]
    result = project.build("--llm", "temperature=1", out="b")
    assert result.exit_code == 2 and "HTTP 400" in result.output and KEY not in result.output


@pytest.mark.parametrize("key", ["sk-abc def", "sk-abc\n", "sk-ä"])
def test_a_key_that_no_header_can_carry(
    project: Project, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    result = project.build()
    assert result.exit_code == 2 and "holds characters that no key has" in result.output
    assert key.strip() not in result.output and not project.server.asked


def test_unknown_model(project: Project) -> None:
    result = project.build("--model", "giant")
    assert result.exit_code == 2
    assert "knows no model 'giant'" in result.output and "HTTP 404" in result.output


def test_a_server_that_breaks_on_an_unknown_model(project: Project) -> None:
    """As some do, instead of HTTP 404: no use in minutes of waiting."""
    project.server.faults = [Fault(status=500, body="Internal Server Error", times=-1)]
    result = project.build("--llm", "concurrency=1")
    assert result.exit_code == 2 and len(project.server.asked) <= 2 * llm_client.FIRST_ATTEMPTS
    assert "can't answer (HTTP 500: Internal Server Error)" in result.output
    assert f"Has it the model {MODEL!r}?" in result.output


def test_endpoint_down(project: Project) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    start = time.monotonic()
    result = project.build("--base-url", url)
    assert result.exit_code == 2 and "can't be reached" in result.output and url in result.output
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--base-url", "http://user:hunter2@h/v1"], "without user, key or query"),
        (["--base-url", "localhost:8000"], "without user, key or query"),
        (["--llm", "temperature=hot"], "temperature is not a number"),
        (["--llm", "heat=1"], "unknown option of --llm 'heat'"),
        (["--llm", "concurrency=0"], "concurrency is not a whole number"),
        (["--llm", "price_in=nan"], "price_in is not a price"),
        (["--llm", "prompt=none-1"], "unknown prompt"),
        (["--llm", "heat"], "is no KEY=VALUE"),
        (["--questions", "none"], "unknown source of questions"),
        (["--budget", "2"], "a leakage budget of 2 is none"),
        (["--budget", "nan"], "a leakage budget of nan is none"),
        (["--per-clip", "0"], "a clip needs at least one question"),
    ],
)
def test_bad_options(project: Project, more: list[str], said: str) -> None:
    result = project.build(*more)
    assert result.exit_code == 2 and said in result.output, result.output
    assert "hunter2" not in result.output and not project.server.asked


def test_a_prompt_without_a_slot(project: Project) -> None:
    shipped = (Path(llm_client.__file__).parent / "llm_prompts/de-1.yaml").read_text("utf-8")
    mine = project.folder / "mine.yaml"
    mine.write_text(shipped.replace("$sentence", "..."), "utf-8")
    result = project.build("--llm", f"prompt={mine}")
    assert result.exit_code == 2 and result.output.count("\n") == 1
    assert f"{mine}: lacks the slot $sentence in 'ask'" in result.output
    assert not project.server.asked and not (project.folder / "out").exists()


def test_a_budget_that_no_question_of_the_model_keeps(project: Project) -> None:
    project.server.answer = lambda asked: questions(f"Stimmt es, {asked.sentence.split()[-1]}?")
    rows = project.built("--budget", "0")
    assert [r["question_source"] for r in rows] == ["rules"] * 4
    assert [r["question_leakage"] for r in rows] == [0] * 4
    facts = project.facts()["llm"]
    assert facts["rejected"] == {"leakage": 3} and facts["fallback"] == 4


def test_model_and_url_are_needed(project: Project) -> None:
    args = ["build", "table", "--table", str(project.table), "--language", "de"]
    result = CliRunner().invoke(main, [*args, "--questions", "llm"])
    assert result.exit_code == 2
    assert "needs --base-url" in result.output and "needs --model" in result.output
    result = CliRunner().invoke(main, [*args, "--model", "m"])
    assert result.exit_code == 2 and "are for --questions llm" in result.output


def test_sentences_leave_the_machine_only_with_the_users_word(project: Project) -> None:
    result = project.build("--base-url", "http://models.invalid/v1")
    assert result.exit_code == 2
    assert "would leave this machine for models.invalid" in result.output
    assert "rights=held" in result.output
    allowed = project.build("--base-url", "http://models.invalid/v1", "--llm", "rights=held")
    assert "can't be reached" in allowed.output


# The cache


def test_same_cache_same_bytes(project: Project) -> None:
    project.server.faults = [
        Fault("sonne", content=questions("regnet es?"), times=1),
        Fault("süden", content=questions("Regnet es morgen im Süden?"), times=1),
        Fault("grad", content="hm", times=1),
    ]
    project.built("--llm", "price_in=2")
    asked = len(project.server.asked)
    project.built("--llm", "price_in=2", "--llm", "concurrency=1", out="again")
    assert len(project.server.asked) == asked
    assert bytes_of(project.folder / "out") == bytes_of(project.folder / "again")


def test_what_asks_anew(project: Project) -> None:
    """A changed prompt, model parameter or number of candidates; not the endpoint's address."""
    project.built()
    assert len(project.server.asked) == 3
    project.built("--base-url", project.server.url.replace("127.0.0.1", "localhost"), out="url")
    assert len(project.server.asked) == 3
    project.built("--llm", "temperature=0.1", out="temperature")
    assert len(project.server.asked) == 6
    shipped = Path(llm_client.__file__).parent / "llm_prompts/de-1.yaml"
    mine = project.folder / "mine.yaml"
    mine.write_text(shipped.read_text("utf-8").replace("version: de-1", "version: de-1b"), "utf-8")
    rows = project.built("--llm", f"prompt={mine}", out="prompt")
    assert len(project.server.asked) == 9
    assert rows[0]["question_provenance"]["version"].startswith("de-1b ")
    manifest = open_dataset(project.folder / "prompt").manifest
    assert manifest["config"]["llm"]["prompt"] == "mine.yaml"
    assert str(project.folder) not in json.dumps(manifest)


def test_killed_and_resumed_without_paying_twice(tmp_path: Path, server: LlmServer) -> None:
    clips = {f"k-{i}": f"am {i}. mai regnet es im norden" for i in range(80)}
    project = Project(tmp_path, server, clips)
    server.delay, limit = 0.03, 4
    command = [sys.executable, "-m", "qa_builder.cli", *project.arguments()]
    command += ["--llm", f"concurrency={limit}"]
    for stop_at in (15, 40):
        process = subprocess.Popen(command, env=os.environ | {"OPENAI_API_KEY": KEY})
        while len(server.answered()) < stop_at:
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "out").exists()
    time.sleep(3 * server.delay)
    rows = project.built("--llm", f"concurrency={limit}")
    assert len(rows) == 80 and all(r["question"] for r in rows)
    times = Counter(a.sentence for a in server.asked)
    # Only what was on its way when a kill came is asked twice.
    assert len(server.asked) <= 80 + 2 * limit and max(times.values()) <= 3
    before = len(server.asked)
    project.built(out="again")
    assert len(server.asked) == before
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "again")


def test_ctrl_c_keeps_what_was_paid(tmp_path: Path, server: LlmServer) -> None:
    clips = {f"k-{i}": f"am {i}. mai regnet es im norden" for i in range(40)}
    project = Project(tmp_path, server, clips)
    server.delay = 0.05
    process = subprocess.Popen(
        [sys.executable, "-m", "qa_builder.cli", *project.arguments("--llm", "concurrency=2")],
        env=os.environ | {"OPENAI_API_KEY": KEY}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len(server.answered()) < 8:
        assert process.poll() is None, "the build ended before it could be interrupted"
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130 and "error: interrupted" in err
    project.built()
    assert len(server.asked) <= 40 + 2


def test_two_builds_share_a_cache(tmp_path: Path, server: LlmServer) -> None:
    clips = {f"k-{i}": f"am {i}. mai regnet es im norden" for i in range(30)}
    project = Project(tmp_path, server, clips)
    env = os.environ | {"OPENAI_API_KEY": KEY}
    running = [
        subprocess.Popen([sys.executable, "-m", "qa_builder.cli", *project.arguments(out=out)],
                         env=env, stdout=subprocess.DEVNULL)
        for out in ("a", "b")
    ]  # fmt: skip
    assert [p.wait(timeout=60) for p in running] == [0, 0]
    with sqlite3.connect(tmp_path / "cache.sqlite") as db:
        assert db.execute("SELECT COUNT(*) FROM replies").fetchone() == (30,)
    read = [open_dataset(tmp_path / out).manifest["fingerprint"] for out in ("a", "b")]
    assert read[0] == read[1]  # what the other wrote first is what counts


def test_many_may_make_the_cache_at_once(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path\n"
        "from qa_builder.questions.llm_cache import Cache\n"
        "from qa_builder.questions.llm_reply import Reply\n"
        "time.sleep(float(sys.argv[2]) - time.time())\n"
        "for i in range(20):\n"
        "    cache = Cache(Path(sys.argv[1] + str(i)))\n"
        "    cache.put(sys.argv[3], Reply('x', 'y', None, None, 1, 1))\n"
        "    assert cache.get(sys.argv[3]); cache.close()\n"
    )
    start = str(time.time() + 1)
    command = [sys.executable, "-c", code, str(tmp_path / "cache"), start]
    running = [subprocess.Popen([*command, str(i)], stderr=subprocess.PIPE) for i in range(4)]
    assert [p.communicate(timeout=60)[1] for p in running] == [b""] * 4


def test_a_file_that_is_no_cache(project: Project) -> None:
    cache = project.folder / "cache.sqlite"
    cache.write_text("this is no database, and much longer than a header of SQLite\n" * 9)
    result = project.build()
    assert result.exit_code == 2 and "can't be used as the cache" in result.output
    assert cache.read_text().startswith("this is")
    cache.unlink()
    with sqlite3.connect(cache) as db:
        db.execute("CREATE TABLE mine (x)")
    result = project.build()
    assert result.exit_code == 2 and "is no reply cache" in result.output


# Cost


def test_dry_run_sends_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    result = project.build("--dry-run", "--llm", "price_in=0.15", "--llm", "price_out=0.6")
    assert result.exit_code == 0, result.output
    assert "4 clips, 3 different sentences, 0 answered in the cache; 3 requests" in result.output
    assert "cost 0.0" in result.output and "Nothing was sent." in result.output
    assert not project.server.asked and not (project.folder / "out").exists()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    project.built()
    again = project.build("--dry-run")
    assert "3 answered in the cache; 0 requests of about 0 + 0 tokens" in again.output
    none = CliRunner().invoke(main, ["build", "table", "--table", str(project.table),
                                     "--language", "de", "--dry-run"])  # fmt: skip
    assert none.exit_code == 2 and "--dry-run is for" in none.output


def test_cost_after(project: Project) -> None:
    result = project.build("--llm", "price_in=10", "--llm", "price_out=100")
    assert "300 + 30 tokens (cost 0.0060)" in result.output
    assert project.facts()["llm"]["cost"] == 0.006
    again = project.build("--llm", "price_in=10", "--llm", "price_out=100", out="again")
    assert "0 requests answered" in again.output and "cost 0.0000" in again.output
    assert project.facts("again")["llm"]["cost"] == 0.006


def test_a_server_that_counts_no_tokens(project: Project) -> None:
    project.server.usage = False
    project.built()
    assert project.facts()["llm"]["tokens_in"] > 300


def test_the_options_may_stand_in_a_file(project: Project) -> None:
    file = project.folder / "config.yaml"
    file.write_text("llm:\n  temperature: 0.4\n  candidates: 2\n")
    project.built("--config", str(file), "--llm", "candidates=3")
    sent: Asked = project.server.asked[0]
    assert sent.payload["temperature"] == 0.4 and "Schreibe 3 " in sent.message


# What stands behind the model


class Fixed(NoQuestions):
    """A source that gives each clip the same question."""

    name = "rules"

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        self.asked = batch
        return [[Question("Wie geht es weiter?", source="rules")] for _ in batch.clip_id]


def test_another_source_gets_what_the_model_could_not(project: Project) -> None:
    """Two questions a clip where the model has them; the rest goes to the fallback, by clip."""
    project.server.faults = [Fault("süden", content=questions("Nein."), times=9)]
    config = BuildConfig(corpus="table", language="de", dataset="d", questions="llm")
    corpus = open_table(config, [project.table])
    options = llm_options({"base_url": project.server.url, "model": MODEL,
                           "cache": str(project.folder / "cache.sqlite")})  # fmt: skip
    fallback = Fixed()
    source = LanguageModel(options, corpus.info, fallback, per_clip=2,
                           sentences=lambda: (b.text for b in corpus.read(Notes())))  # fmt: skip
    build(config, corpus, source, project.folder / "out")
    rows = open_dataset(project.folder / "out").table("train").to_pylist()
    by_clip = [(r["sample_id"], r["question_source"]) for r in rows]
    assert by_clip == [
        ("a-1", "rules"), ("a-2#0", "llm"), ("a-2#1", "llm"), ("a-3#0", "llm"), ("a-3#1", "llm"),
        ("a-4", "rules"),
    ]  # fmt: skip
    assert fallback.asked.clip_id == ["a-1", "a-4"] and fallback.asked.line == [2, 5]
    assert len({r["question"] for r in rows[1:3]}) == 2
    facts = project.facts()
    assert facts["llm"]["fallback"] == 2 and facts["fallback"]["source"] == "rules"
