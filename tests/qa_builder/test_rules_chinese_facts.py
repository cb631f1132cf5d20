"""Chinese questions on facts of things and of anybody, and what a scene asks only with a cue."""

from __future__ import annotations

import re

import pytest

from qa_builder.questions.chinese import Chinese
from qa_builder.questions.chinese_fill import is_asked
from qa_builder.questions.chinese_svo import bones_of, name_of
from qa_builder.questions.chinese_words import Token, mend
from qa_builder.questions.wordings import FOLDER, pairs, read_wordings

CHINESE = Chinese()


def tokens(tagged: str) -> list[Token]:
    """The words of a sentence written as word/tag word/tag."""
    pairs = [p.split("/") for p in tagged.split()]
    return mend([w for w, _ in pairs], [t for _, t in pairs])


def texts(tagged: str) -> list[str]:
    pairs = [p.split("/") for p in tagged.split()]
    words, tags = [w for w, _ in pairs], [t for _, t in pairs]
    return [c.text for c in CHINESE.candidates("".join(words), words, tags)]


def likely(tagged: str) -> list[str]:
    """The questions that are not worse than a general prompt, which most of them can be."""
    pairs = [p.split("/") for p in tagged.split()]
    words, tags = [w for w, _ in pairs], [t for _, t in pairs]
    return [c.text for c in CHINESE.candidates("".join(words), words, tags) if c.misfit < 2]


@pytest.mark.parametrize(
    ("tagged", "name", "verb", "head"),
    [
        ("许多/m 工厂/n 都/d 对/p 外/f 招收/v 了/u 年轻/a 的/u 工人/n", "工厂", "招收", "工人"),
        ("昨天/t 村民/n 修好/v 了/u 一/m 座/q 石桥/n", "村民", "修好", "石桥"),
        ("我/r 的/u 表妹/n 想/v 养/v 兔子/n", "你的表妹", "养", "兔子"),
    ],
)
def test_the_bones_of_a_clause(tagged: str, name: str, verb: str, head: str) -> None:
    bones = bones_of(tokens(tagged))
    assert bones is not None
    assert (bones.name, bones.verb, bones.head) == (name, verb, head)


@pytest.mark.parametrize(
    "tagged",
    [
        "他/r 只/d 知道/v 别人/n 的/u 名字/n",  # more than this: only this
        "火车/n 不/d 到/v 海边/n",
        "邮局/n 是/v 红色/n 的/u",
    ],
)
def test_what_has_no_bones(tagged: str) -> None:
    assert bones_of(tokens(tagged)) is None


def test_a_name_is_short_and_names_something() -> None:
    assert name_of(tokens("这/r 台/q 相机/n")) == "这台相机"
    assert name_of(tokens("村子/n 里/f")) == "" and name_of(tokens("别人/n")) == ""


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("剧场/n 里面/f 不能/v 使用/v 闪光灯/n 。/w", "可以使用闪光灯吗？"),
        ("去/v 露营/v 记得/v 带/v 帐篷/n 。/w", "要带什么？"),
        ("去/v 露营/v 记得/v 带/v 帐篷/n 。/w", "要带帐篷吗？"),
        ("扫描/v 海报/n 即可/d 领取/v 优惠券/n 。/w", "怎么领取优惠券？"),
        ("坐/v 轮船/n 到/v 那个/r 小岛/n 只/d 需要/v 两个/m 小时/n 。/w", "要多长时间？"),
        ("明天/t 开学/v ，/w 书包/n 已经/d 整理/v 好/a 了/u 。/w", "什么时候开学？"),
        ("爸爸/n 每天/r 早上/t 喂/v 鸽子/n 。/w", "你爸爸每天早上做什么？"),
        ("他/r 在/p 阳台/n 上/f 种/v 辣椒/n 。/w", "他在阳台上做什么？"),
        ("这/r 台/q 钢琴/n 一共/d 是/v 八千/m 元/q 。/w", "这台钢琴多少钱？"),
    ],
)
def test_what_is_allowed_and_how_much_it_is(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("没有/v 阳光/n ，/w 向日葵/n 就/d 长/v 不/d 高/a 。/w", "没有阳光会怎么样？"),
        ("竹子/n 的/u 家具/n 具有/v 明显/a 的/u 优点/n 。/w", "家具有什么优点？"),
        ("灯塔/n 的/u 台阶/n 特别/d 陡/a ，/w 走/v 慢/a 点/m 。/w", "台阶陡吗？"),
        ("包裹/n 可以/c 通过/p 编号/n 进行/v 查询/v 。/w", "包裹怎么查询？"),
        ("乐队/n 由/p 六/m 个/q 大学生/n 组成/v 。/w", "乐队是由什么人组成的？"),
        ("渔民/n 修补/v 了/u 破旧/a 的/u 渔网/n 。/w", "听说渔民修补了渔网，是吗？"),
        ("暴雨/n 冲毁/v 了/u 山下/s 的/u 石桥/n 。/w", "暴雨冲毁了什么？"),
        ("天气预报/n 说/v 后天/t 有/v 大风/n 。/w", "天气预报是怎么说的？"),
        ("茶壶/n 和/c 花瓶/n 的/u 颜色/n 差不多/l 。/w", "茶壶和花瓶一样吗？"),
        # Whether somebody knows a thing is no view of it; what has come to its end was done.
        ("我/r 对/p 这/r 条/q 山路/n 很/d 熟悉/v 。/w", "你对这条山路熟悉吗？"),
        ("他/r 走到/v 河边/n 。/w", "他做什么了？"),
    ],
)
def test_a_fact_is_asked_for_in_its_own_words(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


@pytest.mark.parametrize(
    ("tagged", "unasked"),
    [
        # The word of a scene stands in another sense, or tells something else.
        ("做/v 人/n 要/v 坚持/v 原则/n 。/w", "怎样才能做出成绩？"),
        ("快递员/n 弄丢/v 了/u 信/n ，/w 公司/n 会/v 赔/v 。/w", "东西找到了吗？"),
        ("他/r 的/u 普通话/n 老师/n 搬家/v 了/u 。/w", "他说得怎么样？"),
        # How it is, where it is not said what it is like.
        ("这/r 封/q 信/n 请/v 你/r 转交/v 给/p 他/r 。/w", "你觉得这封信怎么样？"),
        # A name alone is no claim; who does only this, or under a condition, is not asked for.
        ("他/r 的/u 钢琴/n 演奏/v ，/w 技巧/n 纯熟/a 。/w", "他的钢琴演奏，是吗？"),
        ("他/r 只/d 记得/v 自己/r 的/u 生日/n 。/w", "谁记得自己的生日？"),
        ("司机/n 弄丢/v 车票/n ，/w 就/d 要/v 补票/v 。/w", "谁弄丢车票？"),
        # No view of a thing; no act in the name of one; no whole sentence; an act that is over.
        ("我/r 对/p 这/r 条/q 山路/n 很/d 熟悉/v 。/w", "你对山路有什么看法？"),
        ("移动/v 公司/n 对/p 老人/n 很/d 客气/a 。/w", "移动公司怎么样？"),
        ("渔民/n 给/p 全/a 村/n 寄/v 一/m 封/q", "谁给全村寄一封？"),
        ("他/r 走到/v 河边/n 。/w", "他在做什么？"),
        # A plan that is over, a wish that is none, an amount that is no advice.
        ("我/r 准备/v 了/u 一/m 份/q 礼物/n 。/w", "你有什么打算？"),
        ("我/r 去/v 邮局/n 要/v 了/u 一/m 个/q 信封/n 。/w", "你有什么打算？"),
        ("从/p 码头/n 到/v 岛/n 上/f 要/v 一个/m 小时/n 。/w", "我该怎么办？"),
        ("你/r 再/d 逼/v 我/r ，/w 我/r 就/d 走/v 。/w", "我该怎么做？"),
    ],
)
def test_what_does_not_fit_is_not_asked(tagged: str, unasked: str) -> None:
    assert unasked not in likely(tagged)


def test_who_is_not_willing_is_asked_whether_he_is() -> None:
    found = texts("弟弟/n 不肯/v 道歉/v 。/w")
    assert "你弟弟愿意吗？" in found and "你弟弟怎么了？" not in found


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        ("你以后打算做什么？", "你想听听我的打算吗？"),
        ("孩子怎么可以不尊敬老人呢？", "你觉得这样做不对吗？"),
        ("这道汤好喝吗？味道怎么样？", "你要不要也尝一尝？"),
    ],
)
def test_what_comes_before_a_question(asked: str, before: str) -> None:
    assert CHINESE.candidates(asked, None, None)[0].text == before


def test_a_wording_with_a_cue_needs_it() -> None:
    assert is_asked("true:才|能", "true", "坚持才有收获") and is_asked("any", "me", "")
    assert not is_asked("true:才|能", "true", "坚持就好")
    assert not is_asked("true:才|能", "told", "坚持才有收获")


def test_every_cue_is_a_regular_expression_that_can_match() -> None:
    files = (
        "zh_scenes_mind",
        "zh_scenes_work",
        "zh_scenes_world",
        "zh_troubles",
        "zh_about_wordings",
    )
    named = dict(pairs(FOLDER / "zh_cues.txt"))
    cues = [
        cue
        for f in files
        for ws in read_wordings(FOLDER / f"{f}.txt").values()
        for w in ws
        if ":" in w.asks
        for cue in w.asks.partition(":")[2].split("&")
    ]
    assert len(cues) > 300
    assert all(cue[1:] in named if cue[0] == "@" else re.compile(cue) for cue in cues)
    assert "-" not in cues
