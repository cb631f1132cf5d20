"""What kind of question a question is, by its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.questions.kinds import kind_of, kinds_of
from qa_builder.samples import KINDS
from qa_builder.text import normalize_question

GERMAN = {
    "Wird es morgen regnen?": "yes-no", "Gibt's Schnee": "yes-no", "scheint die Sonne": "yes-no",
    "Können Gewitter entstehen": "yes-no", "Was erwartet uns": "what", "Womit rechnet man": "what",
    "Wann kommt der Regen?": "when", "Bis wann regnet es": "when", "Seit wann": "when",
    "Wo ist es kalt": "where", "Woher kommt die Luft": "where", "Wohin zieht das Tief": "where",
    "Wer spricht": "who", "Wem gilt die Warnung": "who", "Wessen Haus": "who",
    "Wie wird das Wetter": "how", "Wie viele Grad": "how-many", "Wieviel Regen": "how-many",
    "Wie oft": "how-many", "Welcher Tag ist morgen": "which", "In welchem Teil": "which",
    "Warum ist es nass": "why", "Weshalb": "why", "Wieso denn": "why",
    "Im Norden regnet es": "prompt", "Morgen wieder Sonne?": "prompt", "": "prompt",
    "Osten bleibt trocken": "prompt", "Guten Abend": "prompt", "Westwind?": "prompt",
}  # fmt: skip
CHINESE = {
    "你 为什么 哭？": "why", "什么时候开会？": "when", "几点了": "when", "去哪里？": "where",
    "你家在什么地方": "where", "谁来了": "who", "有多少人？": "how-many", "几个人": "how-many",
    "怎么去": "how", "结果如何": "how", "哪本书": "which", "这是什么": "what", "你好吗？": "yes-no",
    "有什么问题吗": "yes-no", "好吗，为什么": "why", "去不去": "yes-no", "是否同意": "yes-no",
    "我很好。": "prompt",
}  # fmt: skip
ENGLISH = {
    "How many?": "how-many", "How much snow": "how-many", "How is it": "how", "Who": "who",
    "To whom": "who", "Is it cold": "yes-no", "In which year": "which", "It rains": "prompt",
}  # fmt: skip


@pytest.mark.parametrize(
    ("language", "question", "kind"),
    [(lang, q, k) for lang, cases in (("de", GERMAN), ("zh", CHINESE), ("en", ENGLISH))
     for q, k in cases.items()],
)  # fmt: skip
def test_kinds(language: str, question: str, kind: str) -> None:
    assert kind_of(language)(normalize_question(question, language)) == kind


def test_another_language_has_prompts_alone() -> None:
    assert kind_of("fr")("où est-il") == "prompt"


@given(st.sampled_from(["de", "zh", "en", "fr"]), st.text())
def test_any_text_has_a_kind(language: str, text: str) -> None:
    assert kind_of(language)(normalize_question(text, language)) in KINDS


@given(st.sampled_from(["de", "zh", "fr"]), st.lists(st.sampled_from([*GERMAN, *CHINESE])))
def test_many_at_once_are_as_one_by_one(language: str, questions: list[str]) -> None:
    normal = [normalize_question(q, language) for q in questions]
    assert kinds_of(normal, language) == list(map(kind_of(language), normal))


OPENERS = ["in", "bis", "wie", "vielen", "viele", "oft", "wann", "was", "wo", "wird", "regnet"]


@given(st.lists(st.sampled_from(OPENERS), max_size=4))
def test_the_first_words_decide(words: list[str]) -> None:
    question = " ".join(words)
    assert kinds_of([question], "de") == [kind_of("de")(question)]
