"""The gates that every generated question passes, and the parts of a model's reply and prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.errors import QbsltError
from qa_builder.questions.formats import read_questions
from qa_builder.questions.gates import REASONS, in_language, rejection
from qa_builder.questions.llm_cost import tokens
from qa_builder.questions.llm_prompt import FOLDER, load_prompt
from qa_builder.questions.llm_reply import questions_in
from qa_builder.text import normalize_all

WEATHER = "am mittwoch regnet es im süden und die sonne scheint im norden"


@pytest.mark.parametrize(
    ("question", "sentence", "language", "reason"),
    [
        ("Wie wird es am Mittwoch?", WEATHER, "de", None),
        ("Scheint irgendwo die Sonne?", WEATHER, "de", None),
        ("Gewittert es?", WEATHER, "de", None),
        ("When does it rain?", WEATHER, "de", "language"),
        ("Quel temps fera-t-il demain ?", WEATHER, "de", "language"),
        ("¿Qué tiempo hace mañana?", WEATHER, "de", "language"),
        ("Какая погода?", WEATHER, "de", "language"),
        ("周三天气怎么样？", WEATHER, "de", "language"),
        (WEATHER + "?", WEATHER, "de", "answer"),
        ("Und " + WEATHER[:-12] + "?", WEATHER, "de", "leakage"),
        ("Wie wird\u200b es?", WEATHER, "de", "form"),
        ("   ", WEATHER, "de", "form"),
        ("Wie?", WEATHER, "de", "length"),
        ("Wie ist " + "es " * 40 + "?", WEATHER, "de", "length"),
        ("Es wird dort schon gehen", WEATHER, "de", "no-question"),
        ("你什么时候去？", "我明天去北京。", "zh", None),
        ("我明天去北京吗？", "我明天去北京。", "zh", "leakage"),
        ("北京我明天去？", "我明天去北京。", "zh", "answer"),
        ("明日の天気はどうですか？", "明天下雨。", "zh", "language"),
        ("Where are you going?", "我明天去北京。", "zh", "language"),
        ("Who is at the door?", "my brother has come", "en", None),
        ("Wer ist an der Tür?", "my brother has come", "en", "language"),
    ],
)
def test_gates(question: str, sentence: str, language: str, reason: str | None) -> None:
    found = rejection(question, sentence, language)
    assert (found and found.reason) == reason


def test_the_budget_is_an_argument() -> None:
    question = "Regnet es am Mittwoch?"  # two of six content words
    assert rejection(question, WEATHER, "de", budget=0.34) is None
    found = rejection(question, WEATHER, "de", budget=0.3)
    assert found and found.reason == "leakage" and "2 of 6" in found.detail


def test_a_prompt_need_not_be_a_question() -> None:
    said = "Das ist schön von dir."
    assert rejection(said, "guten abend", "de") is not None
    assert rejection(said, "guten abend", "de", prompt=True) is None


@given(st.text(), st.text(), st.sampled_from(["de", "zh", "en", "fr"]))
def test_any_text_is_judged(question: str, sentence: str, language: str) -> None:
    found = rejection(question, sentence, language)
    assert found is None or found.reason in REASONS


def test_what_people_wrote_is_in_their_language(shared: Path) -> None:
    """Of 9,374 rows the language gate stops the English ones, and a few single words."""
    stopped = []
    for file in sorted((shared / "annotated-questions").glob("*.txt")):
        language = "de" if "phoenix" in file.name else "zh"
        for row in read_questions(file, None)[1].rows():
            asked, answer = normalize_all([row.question, row.text or ""], language)
            if asked and not in_language(asked, answer, language):
                stopped.append(row.question)
    assert len(stopped) < 15
    assert {"Good evening", "Is the rain fading in the west"} <= set(stopped)


# Replies


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"questions": ["a?", " b? "]}', ["a?", "b?"]),
        ('["a?"]', ["a?"]),
        ('Here: ```json\n{"questions": [{"question": "a?"}]}\n``` {x}', ["a?"]),
        ('<think>{"questions": ["no?"]}</think>{"questions": ["a?"]}', ["a?"]),
        ('{not} {"questions": ["a?"]}', ["a?"]),
        ('{"questions": ["a?", "b', []),
        ('{"questions": "a?"}', []),
        ('{"questions": [1, null]}', []),
        ('{"questions": ["\\ud800?"]}', ["??"]),
        ("", []),
        ('{"a":' * 30_000, []),
    ],
)
def test_questions_in(content: str, found: list[str]) -> None:
    assert questions_in(content) == found


@given(st.lists(st.text().map(str.strip)), st.text(alphabet=st.characters(exclude_characters="{<")))
def test_prose_round_json_is_skipped(texts: list[str], prose: str) -> None:
    reply = f"{prose}\n{json.dumps({'questions': texts})} {prose}"
    encodable = [t.encode("utf-8", "replace").decode() for t in texts]
    assert questions_in("x" + reply) == encodable


# Prompts


@pytest.mark.parametrize("language", ["de", "zh", "en"])
def test_shipped_prompts(language: str) -> None:
    prompt = load_prompt(None, language)
    message = prompt.message("ein $satz", 5)
    assert "ein $satz" in message and "5" in message and '{"questions"' in message


def changed(tmp_path: Path, old: str, new: str) -> str:
    text = (FOLDER / "de-1.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "p.yaml").write_text(text.replace(old, new), encoding="utf-8")
    return str(tmp_path / "p.yaml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("$sentence", "", "lacks the slot $sentence in 'ask'"),
        ("$rejected", "", "lacks the slot $rejected in 'again'"),
        ("$sentence", "$sentence $gloss", "has an unknown slot $gloss in 'ask'"),
        ("Satz:", "Satz: 5 $ ", "has a $ in 'ask' that starts no slot"),
        ("version: de-1", "version: 1", "has no text 'version'"),
        ("  leakage:", "  leak:", "has no text 'leakage' under `reasons`"),
        ("language: de", "language: zh", "is a prompt for 'zh', the corpus is in 'de'"),
        ("version:", "version: [", "is no YAML"),
    ],
)
def test_faulty_prompts(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = changed(tmp_path, old, new)
    with pytest.raises(QbsltError) as error:
        load_prompt(path, "de")
    assert said in str(error.value) and path in str(error.value)


def test_a_language_without_a_prompt() -> None:
    with pytest.raises(QbsltError, match=r"no prompt for the language 'fr'.*prompt=FILE"):
        load_prompt(None, "fr")


def test_tokens_are_counted_by_script() -> None:
    assert tokens("明天去北京") == 5 and tokens("a" * 35) == 10 and tokens("") == 0
