"""Chinese questions that need a cue in the sentence: lessons, books, news, examples of words."""

from __future__ import annotations

import re

import pytest

from qa_builder.questions.chinese import Chinese
from qa_builder.questions.chinese_fill import is_asked
from qa_builder.questions.wordings import FOLDER, pairs

CHINESE = Chinese()
LESSONS = re.compile(r"课上|课文|这一课|书上|书里|文章里|法律上|新闻里|路上要|吃东西要|买东西要")


def split(tagged: str) -> tuple[list[str], list[str]]:
    found = [p.split("/") for p in tagged.split()]
    return [w for w, _ in found], [t for _, t in found]


def texts(tagged: str) -> list[str]:
    words, tags = split(tagged)
    return [c.text for c in CHINESE.candidates("".join(words), words, tags)]


@pytest.mark.parametrize(
    ("text", "cue", "holds"),
    [
        ("坚持锻炼的人很少感冒。", "plain", True),
        ("我坚持锻炼。", "plain", False),
        ("离开船还有二十分钟。", "apart", False),
        ("真正的朋友会在困难时伸手。", "general", True),
        ("是的，他昨天到的。", "answer-so", True),
        ("是的确如此。", "answer-so", False),
    ],
)
def test_a_named_cue(text: str, cue: str, holds: bool) -> None:
    assert is_asked(f"true:@{cue}", "true", text) is holds
    assert not is_asked(f"true:@{cue}", "told", text)


def test_several_cues_must_all_be_found() -> None:
    assert is_asked("true:@plain&@general&朋友", "true", "真正的朋友会伸手。")
    assert not is_asked("true:@plain&@general&敌人", "true", "真正的朋友会伸手。")


def test_every_named_cue_is_a_regular_expression() -> None:
    known = dict(pairs(FOLDER / "zh_cues.txt"))
    assert len(known) > 8
    for pattern in known.values():
        assert pattern and re.compile(pattern)


@pytest.mark.parametrize(
    "tagged",
    [
        "离/p 开船/v 还/d 有/v 二十/m 分钟/q 。/w",  # a time that is left
        "下午/t 有/v 几/m 个/q 亲戚/n 来/v 家里/s 。/w",  # news of one's own
        "法院/n 可/d 不/d 是/v 菜市场/n ！/w",  # an exclamation
        "从/p 码头/n 到/v 灯塔/n 要/v 半/m 个/q 小时/n 。/w",  # no advice for the way
        "前天/t 摘/v 的/u 桃子/n 坏/a 了/u 。/w",
    ],
)
def test_what_is_nowhere_taught_or_written_has_no_lesson(tagged: str) -> None:
    assert not [q for q in texts(tagged) if LESSONS.search(q)]


def test_a_short_word_on_the_day_is_no_view() -> None:
    assert not {"你的看法是什么？", "你怎么看这件事？"} & set(texts("七点/t 开船/v 。/w"))


def test_a_clause_without_a_verb_is_not_asked_back() -> None:
    found = texts("他们/r 对/p 许多/m 老/a 规矩/n ，/w 看法/n 都/d 一样/a 。/w")
    assert "他们对许多老规矩，是吗？" not in found


def test_a_general_truth_has_its_lesson() -> None:
    assert [
        q
        for q in texts("真正/b 的/u 智慧/n 往往/d 来自/v 漫长/a 的/u 等待/v 。/w")
        if LESSONS.search(q)
    ]


@pytest.mark.parametrize(
    "tagged",
    [
        "渔夫/n 把/p 我/r 当成/v 他/r 的/u 出气筒/n 了/u 。/w",  # it is he who did it
        "我/r 实在/d 等不下去/v 了/u 。/w",
        "我/r 的/u 老/a 同学/n 去/v 海边/n 了/u 。/w",
        "我/r 碰到/v 了/u 一/m 场/q 暴风/n 。/w",
    ],
)
def test_who_did_nothing_is_not_asked_what_he_did(tagged: str) -> None:
    asked = {"你做什么了？", "你干什么了？", "你刚才在忙什么？"}
    words, tags = split(tagged)
    found = CHINESE.candidates("".join(words), words, tags)
    assert not [c.text for c in found if c.text in asked and c.misfit < 3]


def test_before_a_yes_it_is_asked_whether_it_is_so() -> None:
    words, tags = split("是/v ，/w 他/r 买/v 了/u 三/m 条/q 鱼/n 。/w")
    found = CHINESE.candidates("".join(words), words, tags)
    best = min((c for c in found if c.kind != "prompt"), key=lambda c: c.misfit)
    assert best.kind == "yes-no"


def test_a_trait_is_nowhere_and_what_is_about_to_happen_is_no_advice() -> None:
    assert not [q for q in texts("他/r 的/u 脾气/n 在/p 村里/s 吃亏/v 。/w") if "在什么地方" in q]
    assert "我们应该怎么做？" not in texts("我们/r 的/u 渡船/n 要/v 晚点/v 了/u 。/w")
