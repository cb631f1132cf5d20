"""Variety: wordings counted on the question's own text, general prompts, and their limits."""

from __future__ import annotations

import pytest
from audit_help import question_set
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.audit.gates import failures, gate_values, parse_gates
from qa_builder.audit.run import audit
from qa_builder.audit.variety import variety, wording_of
from qa_builder.questions.kinds import asks_openly


@pytest.mark.parametrize(
    ("question", "sentence", "language", "wording"),
    [
        ("wie wird das wetter am dienstag im norden", "am dienstag regnet es im norden", "de",
         "wie wird das wetter _"),
        ("wie wird das wetter heute", "es regnet", "de", "wie wird das wetter _"),
        ("wo schneit es", "in bayern schneit es", "de", "wo _ es"),
        ("where does it rain on monday", "on monday it rains", "en", "where does it rain _"),
        ("你妈妈怎么样", "我妈妈很好", "zh", "_怎么样"),
        ("你的朋友怎么样", "我的朋友很好", "zh", "_怎么样"),
        ("天桥后来怎么样了", "天桥被拆掉了", "zh", "_后来怎么样了"),
        ("谁在哪里学习", "他在图书馆学习", "zh", "谁在哪里_"),
    ],
)  # fmt: skip
def test_a_wording_is_what_is_not_from_the_sentence(
    question: str, sentence: str, language: str, wording: str
) -> None:
    assert wording_of(question, sentence, language) == wording


@given(st.text("ab _", max_size=12), st.text("ab ", max_size=12))
def test_a_wording_of_itself_is_blank(question: str, sentence: str) -> None:
    found = wording_of(question, sentence, "de")
    assert set(found.split()) <= {*question.split(), "_"}
    assert wording_of("regen schnee", "schnee regen", "de") == "_"


@pytest.mark.parametrize(
    ("question", "language", "is_open"),
    [
        ("关于天气你想说什么", "zh", True), ("说到工作你有什么想说的", "zh", True),
        ("能跟我说说你妈妈吗", "zh", True), ("你对音乐有什么看法", "zh", True),
        ("他想说什么", "zh", False), ("你妈妈怎么样", "zh", False), ("你买了什么", "zh", False),
        ("was gibt es sonst noch zum wetter zu sagen", "de", True),
        ("können sie uns mehr dazu sagen", "de", True),
        ("wie wird das wetter morgen", "de", False), ("was zeigt das thermometer", "de", False),
        ("tell us more about the weather", "en", True), ("where does it rain", "en", False),
        ("quoi de neuf", "fr", False),
    ],
)  # fmt: skip
def test_what_asks_for_nothing_in_particular(question: str, language: str, is_open: bool) -> None:
    assert asks_openly(language)(question) is is_open


def test_shares_of_all_questions_and_their_limits() -> None:
    train = [(f"satz {n} über regen", f"Wo liegt {n}?") for n in range(60)]
    train += [(f"satz {n} über schnee", f"Was gibt es zu {n} zu sagen?") for n in range(60, 100)]
    asked = question_set("de", train=train, dev=[("wind", "Wie stark weht es?")] * 25)
    found = variety(asked.splits)
    assert found["all"]["questions"] == 125 and found["train"]["questions"] == 100
    assert found["train"]["wording"] == 0.6 and found["all"]["wording"] == 0.48
    assert found["all"]["prompts"] == 0.32 and found["dev"]["prompts"] == 0
    assert found["train"]["wording_example"] == "train0"
    assert (found["all"]["kinds"], found["dev"]["kind"]) == (3, 1.0)
    audited = audit(asked)
    values = gate_values(audited.figures)
    assert values["wording"] == {"all": 0.48} and values["prompts"] == {"all": 0.32}
    assert values["kind"]["dev"] == 1 and values["kinds"]["all"] == 3
    assert values["mean"].keys() == {"train", "dev", "all"}
    assert failures(parse_gates("wording>0.5,prompts>0.4,mean>1"), audited.figures) == []
    assert len(failures(parse_gates("wording>0.03,prompts>0.12,kinds.all<6"), audited.figures)) == 3
    assert {"one-wording", "prompts"} <= {f.id for f in audited.findings}
