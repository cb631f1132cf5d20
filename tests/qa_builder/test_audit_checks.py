"""Copying, retrieval, overlap, form, shift, limits: each by small examples."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import Path

import pytest
from audit_help import question_set, rows
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.audit.copy_scores import (
    copy_scores,
    likeness,
    longest_common_run,
    longest_common_subsequence,
    rouge_l,
)  # fmt: skip
from qa_builder.audit.form import faults_of, form
from qa_builder.audit.gates import failures, gate_values, parse_gates
from qa_builder.audit.overlap import NEAR, _grams, overlap
from qa_builder.audit.question_set import of_dataset
from qa_builder.audit.retrieval import retrieval
from qa_builder.audit.run import Audit, audit
from qa_builder.audit.shift import shift
from qa_builder.build import build
from qa_builder.config import BuildConfig
from qa_builder.corpora import open_corpus
from qa_builder.corpora.base import Notes
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError
from qa_builder.questions import open_source

WORDS = st.lists(st.sampled_from("abcd"), max_size=8)


def slow_lcs(a: list[str], b: list[str]) -> int:
    if not a or not b:
        return 0
    if a[-1] == b[-1]:
        return slow_lcs(a[:-1], b[:-1]) + 1
    return max(slow_lcs(a[:-1], b), slow_lcs(a, b[:-1]))


@given(st.lists(st.sampled_from("abc"), max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_longest_common_subsequence(a: list[str], b: list[str]) -> None:
    assert longest_common_subsequence(a, b) == slow_lcs(a, b)


@given(WORDS, WORDS)
def test_longest_common_run(a: list[str], b: list[str]) -> None:
    match = SequenceMatcher(None, a, b, autojunk=False).find_longest_match()
    assert longest_common_run(a, b) == match.size


def test_rouge_by_hand() -> None:
    """Two of two and of four: P = 1, R = 1/2, F = 2.44 * 0.5 / (0.5 + 1.44)."""
    assert rouge_l(["a", "b"], ["a", "x", "b", "y"]) == pytest.approx(2.44 * 0.5 / 1.94)
    assert rouge_l(["a"], ["b"]) == rouge_l([], ["b"]) == 0


def test_copying_the_question() -> None:
    made = copy_scores(rows([("morgen scheint die sonne sehr", "Morgen scheint die Sonne sehr?")]))
    assert made["bleu4"] == made["rouge_l"] == made["chrf"] == 100 and made["equal"] == 1
    chinese = copy_scores(rows([("你 是 谁？", "你是谁？"), ("你 好。", "你好吗？")], "zh"))
    assert chinese["equal"] == 1 and 0 < chinese["bleu4"] < 100
    assert "tok:zh" in chinese["signature"]


def test_reordered_and_runs() -> None:
    made = likeness(rows([("es regnet im norden stark", "Regnet es im Norden stark?"),
                          ("es regnet", "Was?"), ("es regnet", "?")]))  # fmt: skip
    assert made == [(3, True), (0, False), (0, False)]


def test_retrieval() -> None:
    pairs = [(f"wort{i} am tag", f"Was ist wort{i}?") for i in range(12)]
    assert retrieval(rows(pairs)) == {"top1": 1.0, "top10": 1.0, "mrr": 1.0, "of": 12}
    lost = retrieval(rows([(f"wort{i}", "Und?") for i in range(12)]))
    assert lost["top1"] == 0 and lost["mrr"] == pytest.approx(1 / 6.5, abs=1e-4)


def test_overlap_counts_clips_of_a_split() -> None:
    found = overlap(question_set(
        train=[("es regnet", "Was?"), ("es schneit", "Was?")],
        dev=[("es regnet", "Was?"), ("es regnet", "Wo?")],
        test=[("es taut", "Wo?")],
    ))  # fmt: skip
    assert found["sentence"]["dev"] == {"n": 2, "distinct": 1, "in": {"train": 2, "test": 0}}
    assert found["sentence"]["train"]["in"] == {"dev": 1, "test": 0}
    assert found["question"]["test"]["in"] == {"train": 0, "dev": 1}
    assert found["pair"]["dev"]["in"] == {"train": 1, "test": 0}
    assert found["signer"]["test"]["in"] == {"train": 1, "dev": 1}


def test_near_duplicates() -> None:
    long = "am mittwoch verbreitet regen oder schauer im norden und im osten auch gewitter"
    found = overlap(question_set(train=[(long, "Was?")], test=[(f"{long} n", "Was?"),
                                 (long, "Was?"), ("etwas ganz anderes", "Was?")]))  # fmt: skip
    assert found["near"] == {"test": {"n": 3, "in": {"train": 1}}}


def test_near_duplicates_of_a_corpus(shared: Path) -> None:
    """On the real sentences: nearly all that comparing each with each finds."""
    corpus = open_corpus(BuildConfig(corpus="phoenix"), str(shared / "PHOENIX-2014-T-release-v3"))
    texts: dict[str, list[str]] = {}
    for batch in corpus.read(Notes()):
        texts.setdefault(batch.split, []).extend(batch.text)
    texts["train"] = texts["train"][:2000]
    grams = {s: {t: _grams(t, 4) for t in v} for s, v in texts.items()}
    near = sum(
        any(len(g & o) >= NEAR * len(g | o) for o in grams["train"].values())
        for t, g in grams["test"].items() if t not in grams["train"]
    )  # fmt: skip
    found = overlap(question_set(**{s: [(t, "?") for t in v] for s, v in texts.items()}))
    assert near >= 5 and near - 2 <= found["near"]["test"]["in"]["train"] <= near


FAULTS = {
    "Wird es\u200b warm?": {"invisible"}, " Wird es warm?": {"blanks"},
    "Wird es warm": {"no-mark"}, "天气怎么样？": {"script", "short"},
    "What is the weather?": {"language"},
    "Warm?": {"short"}, "?!": {"nothing", "no-mark"}, "Es taut im Süden?": {"answer"},
    "Es schneit im Norden?": {"answer-elsewhere"}, "wie " * 41 + "?": {"long"},
    "Wird es warm?": set(),
}  # fmt: skip


@pytest.mark.parametrize("question", FAULTS)
def test_form(question: str) -> None:
    found = faults_of(rows([("es taut im süden", question)]), {"es schneit im norden"})
    assert set(found[0]) == FAULTS[question]


def test_form_of_chinese_and_of_a_set() -> None:
    found = form(question_set("zh", train=[("你好。", "Hello?"), ("他来了。", "谁来了？")],
                              test=[("谁来了。", "谁？"), ("你来了。", "谁？")]))  # fmt: skip
    assert found["train"] == {"script": 1, "answer-elsewhere": 1}
    assert found["test"] == {"short": 2, "repeated": 2}


def test_the_same_question_of_one_sentence_is_not_repeated() -> None:
    assert form(question_set(train=[("es taut", "Was ist?")] * 3)) == {"train": {}}


def test_shift() -> None:
    alike = [("es regnet stark", "Was ist?"), ("es taut", "Wo ist es?")] * 40
    other = [("es regnet stark", "Regnet es stark?"), ("es taut", "Taut es?")] * 40
    same, differ = (shift(question_set(dev=alike, test=t))[0] for t in (alike, other))
    assert (same["kinds"], same["leakage"]) == (0, 0) and not same["kinds_differ"]
    assert (differ["kinds"], differ["leakage"]) == (1, 1)
    assert differ["kinds_differ"] and differ["leakage_differs"]
    assert shift(question_set(dev=alike[:10], test=other)) == []  # too few to say


@pytest.fixture(scope="module")
def small() -> Audit:
    return audit(question_set(
        train=[("morgen scheint die sonne", "Morgen scheint die Sonne?"), ("es taut", "Was?")],
        test=[("morgen scheint die sonne", "Was scheint?")],
    ))  # fmt: skip


def test_limits(small: Audit) -> None:
    figures = small.figures
    assert gate_values(figures)["leakage"] == {"train": 0.75, "test": 0.3333}
    assert failures(parse_gates("leakage>0.8, overlap<=0,empty>0"), figures) == []
    assert failures(parse_gates("leakage>0.5,overlap>0"), figures) == [
        "leakage>0.5: leakage of train is 0.75", "overlap>0: overlap of test is 1"]  # fmt: skip
    assert failures(parse_gates("leakage.test>0.5"), figures) == []
    assert len(failures(parse_gates("equal>=1,shift<1"), figures)) == 2


@pytest.mark.parametrize(
    "text", ["leakage", "leakage=1", "leakage>high", "leek>1", ">1", "leakage>1,"]
)
def test_a_limit_that_is_none(text: str) -> None:
    with pytest.raises(QbsltError, match="leakage"):
        parse_gates(text)


def test_limits_of_what_was_not_measured(small: Audit) -> None:
    with pytest.raises(QbsltError, match="could not be measured"):
        failures(parse_gates("bits<0.1"), small.figures)
    with pytest.raises(QbsltError, match=r"known are: test, train"):
        failures(parse_gates("leakage.dev>1"), small.figures)


def test_findings_have_a_cure(small: Audit) -> None:
    found = {(f.id, f.split): f for f in small.findings}
    assert found["equal", "train"].count == 1 and found["equal", "train"].severity == "finding"
    assert found["overlap-sentence", "test"].count == 1
    assert all(f.cure.endswith(".") and not f.message.endswith(".") for f in small.findings)


def test_figures_of_phoenix(shared: Path, tmp_path: Path) -> None:
    """The public questions, as others measured them: see docs/audit.md."""
    figures = audit_of(shared, tmp_path, "phoenix").figures["splits"]
    assert {s: round(f["copied"]["bleu4"], 1) for s, f in figures.items()} == {
        "train": 31.6, "dev": 11.7, "test": 32.4}  # fmt: skip
    assert [figures[s]["copied"]["equal"] for s in ("train", "dev", "test")] == [39, 0, 4]
    assert [figures[s]["leakage"]["reordered"] for s in ("dev", "test")] == [3, 71]
    for split, recall in (("train", 0.52), ("dev", 0.31), ("test", 0.56)):
        assert figures[split]["leakage"]["recall"] == pytest.approx(recall, abs=0.02)
        assert figures[split]["bits"]["low"] > 0.15 > abs(figures[split]["bits"]["shuffled"]) + 0.1


def test_figures_of_csl_daily(shared: Path, tmp_path: Path) -> None:
    found = audit_of(shared, tmp_path, "csl-daily")
    dev = found.figures["splits"]["dev"]
    assert (dev["copied"]["bleu4"], dev["copied"]["equal"]) == (35.75, 89)
    assert dev["leakage"]["recall"] == pytest.approx(0.55, abs=0.01)
    assert found.figures["overlap"]["sentence"]["test"]["in"]["dev"] == 1173
    assert found.figures["empty"] == 1


def audit_of(shared: Path, out: Path, corpus: str) -> Audit:
    """The audit of a corpus with its public questions."""
    files = {"phoenix": "phoenix.[tdt]*.txt", "csl-daily": "csl-daily.dev.txt"}[corpus]
    named = sorted((shared / "annotated-questions").glob(files))
    root = shared / {"phoenix": "PHOENIX-2014-T-release-v3", "csl-daily": "CSL-Daily"}[corpus]
    config = BuildConfig(corpus=corpus, questions=f"annotated:{','.join(map(str, named))}")
    opened = open_corpus(config, str(root))
    build(config, opened, open_source(config, opened), out / "qa")
    return audit(of_dataset(open_dataset(out / "qa")))
