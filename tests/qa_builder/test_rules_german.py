"""German questions: topic and frame of a sentence, and the aims over the whole corpus."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from qa_builder.audit.leakage import content_overlaps
from qa_builder.corpora.base import ClipBatch, CorpusInfo, Notes
from qa_builder.errors import QbsltError
from qa_builder.questions.german import German
from qa_builder.questions.german_frame import find_places, find_times
from qa_builder.questions.kinds import kind_of
from qa_builder.questions.rules import Rules
from qa_builder.questions.wordings import FOLDER, read_wordings
from qa_builder.samples import Question
from qa_builder.text import normalize_all, normalize_question

GERMAN = German()


def questions(text: str) -> set[str]:
    return {c.text for c in GERMAN.candidates(text)}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (
            "am dienstag ist es im norden meist freundlich",
            r"Wie wird das Wetter am Dienstag i[mn] Nord\w+\?",
        ),
        ("morgen in bayern bis zwanzig grad", r"Wie warm wird es morgen in Bayern\?"),
        (
            "heute nacht kann es im süden gewittern",
            r"Wo kann es (heute|in der kommenden) Nacht gewittern\?",
        ),
        (
            "und nun die wettervorhersage für morgen",
            r"Für welchen Tag gilt die nächste Vorhersage\?",
        ),
        ("in der nacht minus drei grad an den alpen", r"Wie kalt wird es (nachts|in der Nacht)\?"),
        (
            "der wind weht an der see aus nordwest",
            r"Aus welcher Richtung weht der Wind a(n der See|m Meer)\?",
        ),
        ("am tag schneit es im äußersten westen", r"Wie stark schneit es .* im äußersten Westen\?"),
        ("guten abend liebe zuschauer", r"Wie begrüßen Sie Ihr Publikum\?"),
        ("gestern war es im osten schön", r"Wie war das Wetter gestern im Osten.*\?"),
        (
            "sonst ist es trocken",
            r"Braucht man in?m? (übrigen Land|den anderen Regionen) einen Schirm\?",
        ),
        ("Am Dienstag, im Norden: Regen!", r"Wann regnet es i[mn] Nord\w+\?"),
    ],
)
def test_a_question_that_fits(sentence: str, expected: str) -> None:
    assert any(re.fullmatch(expected, q) for q in questions(sentence)), sorted(questions(sentence))


@pytest.mark.parametrize(
    ("sentence", "wrong"),
    [
        ("am donnerstag wird es schön", r"gewitter|donner(?!stag)"),
        ("wärmer als heute wird es im süden", r"\bheute\b"),
        ("hier der blick auf das wetter für alle zuschauer", r"Schirm|Regen|nass"),
        ("von westen ziehen wolken heran", r"\bWesten\b"),
        ("der westen russlands ist warm", r"\bWesten\b"),
        ("heute nacht ist es im norden bewölkt", r"Sonne"),
        ("morgen kein regen im süden", r"^Wo (?:regnet|wird es)"),
        ("es bleibt heute nacht frostfrei", r"unter null"),
    ],
)
def test_a_question_that_would_not_fit(sentence: str, wrong: str) -> None:
    assert questions(sentence)
    assert not [q for q in questions(sentence) if re.search(wrong, q)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("im norden und osten", "im Norden und Osten"),
        ("in der mitte und im süden", "in der Mitte Deutschlands und im Süden"),
        ("südlich der donau", "südlich der Donau"),
        ("zwischen ostsee und erzgebirge", "zwischen Ostsee und Erzgebirge"),
        ("im östlichen bayern", "im östlichen Bayern"),
        ("dem norden deutschlands", "im Norden"),
        ("richtung osten", "im Osten"),
        ("in schleswig holstein", "in Schleswig-Holstein"),
        ("auf rügen", "auf Rügen"),
    ],
)
def test_places_are_said_in_good_german(text: str, kept: str) -> None:
    (place,) = find_places(text.split())
    assert place.ways[0] == kept
    assert (place.start, place.end) == (0, len(text.split())) or "zwischen" in text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("am montag", ["am Montag"]),
        ("montag und dienstag", ["am Montag und Dienstag"]),
        ("in der nacht zum freitag", ["in der Nacht zum Freitag"]),
        ("bis zum morgen", ["bis zum Morgen"]),
        ("morgen früh und am nachmittag", ["morgen früh", "am Nachmittag"]),
        ("im laufe des sonntags", ["im Laufe des Sonntags"]),
        ("am samstag vormittag", ["am Samstagvormittag"]),
        ("schönen abend", []),
    ],
)
def test_times_are_said_in_good_german(text: str, kept: list[str]) -> None:
    assert [t.ways[0] for t in find_times(text.split())] == kept


def test_the_asked_part_stands_in_the_sentence_and_not_in_the_question() -> None:
    sentence = "am montag regnet es im norden und an der donau"
    for c in GERMAN.candidates(sentence):
        assert c.asked in sentence
        if c.kind in ("where", "who") and c.asked:
            assert "norden" not in c.text.lower() and "donau" not in c.text.lower()
        if c.kind == "when":
            assert "montag" not in c.text.lower()


def test_every_wording_is_of_the_kind_that_it_says() -> None:
    kind = kind_of("de")
    for section in read_wordings(FOLDER / "de_wordings.txt").values():
        for w in section:
            text = w.fill(wann="am Montag", wo="im Norden")
            assert re.fullmatch(r"[A-ZÄÖÜ][^{}?]*\?", text), w
            assert w.kind in ("prompt", kind(normalize_question(text, "de"))), w


@pytest.mark.parametrize("sentence", ["", "   ", "ja", "1 2 3", "da steht ein pferd"])
def test_there_is_always_a_question(sentence: str) -> None:
    assert all(c.text.endswith("?") for c in GERMAN.candidates(sentence))
    assert len(questions(sentence)) > 5


def info(language: str) -> CorpusInfo:
    unknown = dict.fromkeys(("name", "dataset", "title", "where", "size", "licence"), "x")
    return CorpusInfo(**unknown, text_language=language, sign_language=None, fps=None,
                      redistribution="none")  # type: ignore[arg-type]  # fmt: skip


def batch(split: str, ids: list[str], texts: list[str]) -> ClipBatch:
    none = [None] * len(ids)
    return ClipBatch(split, ids, texts, none, none, none, none, none)


def test_bad_options_are_told() -> None:
    with pytest.raises(QbsltError, match=r"unknown language of rules 'fr'; known are: de"):
        Rules().start(info("fr"), Notes())
    with pytest.raises(QbsltError, match="at least one question"):
        Rules(per_clip=0).start(info("de"), Notes())
    with pytest.raises(QbsltError, match="budget"):
        Rules(budget=-1).start(info("de"), Notes())


def corpus(shared: Path) -> list[tuple[str, list[str], list[str]]]:
    folder = shared / "PHOENIX-2014-T-release-v3/PHOENIX-2014-T/annotations/manual"
    splits = []
    for split in ("train", "dev", "test"):
        with (folder / f"PHOENIX-2014-T.{split}.corpus.csv").open(encoding="utf-8") as f:
            rows = list(csv.DictReader(f, delimiter="|", quoting=csv.QUOTE_NONE))
        splits.append((split, [r["name"] for r in rows], [r["translation"] for r in rows]))
    return splits


def ask(rules: Rules, splits: list[tuple[str, list[str], list[str]]]) -> list[list[Question]]:
    notes = Notes()
    rules.start(info("de"), notes)
    asked = [q for split in splits for q in rules.ask(batch(*split), notes)]
    rules.finish(notes)
    assert not notes.findings
    return asked


def test_workers_make_no_difference_and_a_clip_gets_what_it_should(shared: Path) -> None:
    splits = [(s, ids[:600], texts[:600]) for s, ids, texts in corpus(shared)[:1]]
    alone, together = (ask(Rules(per_clip=3, workers=n), splits) for n in (0, 2))
    assert alone == together
    assert all(len({q.text for q in own}) == 3 for own in alone)


def test_the_aims_on_the_whole_corpus(shared: Path) -> None:
    import sacrebleu

    splits = corpus(shared)
    rules = Rules()
    asked = [q for (q,) in ask(rules, splits)]
    total = len(asked)
    assert total == 8257 and rules.facts()["rules"] == "de-2"
    normal = normalize_all([q.text for q in asked], "de")
    answers = normalize_all([t for _, _, texts in splits for t in texts], "de")
    assert not set(normal) & set(answers)
    recalls = [given / n for given, n in content_overlaps(answers, normal, "de")]
    assert max(recalls) <= 0.5 and sum(recalls) / total <= 0.30
    kinds, texts = Counter(q.kind for q in asked), Counter(normal)
    assert len(kinds) >= 6 and max(kinds.values()) <= 0.40 * total
    assert kinds["prompt"] <= 0.12 * total
    assert max(texts.values()) <= 0.03 * total and len(texts) > 2000
    start = 0
    for _, _, references in splits:
        copied = [q.lower() for q in normal[start : start + len(references)]]
        start += len(references)
        assert sacrebleu.corpus_bleu(copied, [references], tokenize="13a").score <= 3
