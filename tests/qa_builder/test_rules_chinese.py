"""Chinese questions: frame, person, prompts, and the aims over the whole corpus."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_builder.audit.leakage import content_overlaps
from qa_builder.audit.variety import wording_of
from qa_builder.corpora.base import Notes
from qa_builder.corpora.csl_daily import CslDaily
from qa_builder.questions.chinese import Chinese
from qa_builder.questions.chinese_frame import Frame, read
from qa_builder.questions.chinese_scenes import scenes_of, words_of_scenes
from qa_builder.questions.chinese_shape import shape_of
from qa_builder.questions.chinese_words import Token, mend, segment
from qa_builder.questions.choose import Chooser
from qa_builder.questions.kinds import asks_openly, kind_of
from qa_builder.questions.reviewed import reviews
from qa_builder.questions.wordings import FOLDER, pairs, read_wordings
from qa_builder.samples import KINDS
from qa_builder.text import normalize_all, normalize_question

CHINESE = Chinese()
_WORDINGS = sorted(
    p.stem for p in FOLDER.glob("zh_*.txt") if "\n[" in p.read_text(encoding="utf-8")
)


def frame(tagged: str) -> Frame:
    """The frame of a sentence written as word/tag word/tag."""
    pairs = [p.split("/") for p in tagged.split()]
    return read(mend([w for w, _ in pairs], [t for _, t in pairs]))


def tokens(tagged: str) -> list[Token]:
    pairs = [p.split("/") for p in tagged.split()]
    return mend([w for w, _ in pairs], [t for _, t in pairs])


def texts(tagged: str) -> list[str]:
    pairs = [p.split("/") for p in tagged.split()]
    words, tags = [w for w, _ in pairs], [t for _, t in pairs]
    return [c.text for c in CHINESE.candidates("".join(words), words, tags)]


@pytest.mark.parametrize(
    ("tagged", "subject", "predicate", "mood"),
    [
        ("我/r 昨天/t 买/v 了/u 一/m 本/q 词典/n 。/w", "你", "买", "past"),
        ("你/r 应该/v 多/a 喝/v 水/n 。/w", "我", "喝", "should"),
        ("我们/r 明天/t 去/v 爬山/v 。/w", "你们", "爬山", "plan"),
        ("妈妈/n 在/p 厨房/n 里/f 做饭/v 。/w", "你妈妈", "做饭", "any"),
        ("我/r 的/u 手机/n 坏/a 了/u 。/w", "你的手机", "坏", "past"),
        ("他/r 没有/v 参加/v 会议/n 。/w", "他", "参加", "notyet"),
        ("我/r 妈妈/n 做/v 的/u 菜/n 很/d 好吃/a 。/w", "菜", "好吃", "any"),
        ("他/r 会/v 游泳/v 。/w", "他", "游泳", "can"),
        ("很/d 冷/a 。/w", "", "冷", "any"),
    ],
)
def test_the_frame(tagged: str, subject: str, predicate: str, mood: str) -> None:
    found = frame(tagged)
    assert (found.subject, found.predicate, found.mood) == (subject, predicate, mood)


def test_a_subordinate_clause_does_not_give_the_predicate() -> None:
    found = frame("因为/c 下雨/v ，/w 运动会/n 取消/v 了/u 。/w")
    assert found.predicate == "取消" and "because" in found.links


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("我/r 昨天/t 买/v 了/u 一/m 本/q 词典/n 。/w", "你买了什么？"),
        ("他/r 在/p 图书馆/n 里/f 学习/v 英语/n 语法/n 。/w", "他在什么地方学习语法？"),
        ("我/r 儿子/n 今年/t 六岁/m 了/u ，/w 很/d 可爱/a 。/w", "你儿子多大了？"),
        ("不要/d 在/p 这里/r 抽烟/v ，/w 谢谢/v 。/w", "我要注意什么？"),
        ("我们/r 的/u 教室/n 不/d 太/d 大/a ，/w 但是/c 很/d 干净/a 。/w", "你们的教室怎么样？"),
        ("小李/n 因为/p 迟到/v ，/w 被/p 老师/n 批评/v 了/u 。/w", "这是为什么呢？"),
        ("这/r 是/v 爷爷/n 送给/v 我/r 的/u 闹钟/n 。/w", "这是什么？"),
        ("学校/n 离/p 这里/r 不/d 远/a ，/w 走路/v 就/d 行/v 。/w", "学校怎么样？"),
        ("他/r 昨天/t 在/p 网上/s 买/v 了/u 一/m 本/q 词典/n 。/w", "他昨天在网上买了什么？"),
        ("如果/c 明天/t 下雨/v ，/w 运动会/n 就/d 取消/v 。/w", "如果明天下雨，运动会怎么办？"),
        ("他/r 很/d 努力/a ，/w 却/d 不大/d 聪明/a 。/w", "他很努力，是吗？"),
        ("这/r 条/q 裤子/n 比较/d 便宜/a 。/w", "这条裤子贵不贵？"),
        ("我/r 觉得/v 她/r 很/d 漂亮/a 。/w", "你觉得她怎么样？"),
        ("不要/d 在/p 这里/r 抽烟/v ，/w 谢谢/v 。/w", "我可以抽烟吗？"),
        ("妈妈/n 去/v 上海/n 出差/v 了/u 。/w", "你妈妈去上海做什么了？"),
        ("姐姐/n 心情/n 糟糕/a ，/w 大家/r 担心/v 。/w", "你姐姐心情怎么样？"),
        ("咱们/r 坐/v 船/n 去/v 那个/r 小岛/n 吧/y 。/w", "你有什么提议？"),
    ],
)
def test_what_is_asked(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


def test_the_person_is_turned_round() -> None:
    found = " ".join(texts("我/r 最近/t 在/p 找/v 一/m 份/q 新/a 工作/n 。/w"))
    assert "你" in found and "我找" not in found


def test_a_question_gets_the_utterance_before_it() -> None:
    sentence = "你/r 喜欢/v 哪个/r 季节/n ？/w"
    words, tags = zip(*(p.split("/") for p in sentence.split()), strict=True)
    found = CHINESE.candidates("".join(words), list(words), list(tags))
    assert found[0].text == "你知道我喜欢做什么吗？" and found[-1].kind == "prompt"
    assert len(found) >= 3 and "".join(words) not in {c.text for c in found}


@pytest.mark.parametrize(
    ("asked", "before"),
    [
        ("我的杯子在哪里？", "你在找什么？"),
        ("这条裤子多少钱？", "您想要什么？"),
        ("去火车站怎么走？", "你要去哪儿？"),
        ("你能帮我拿一下吗？", "有什么需要我帮忙的？"),
        ("你怎么还不睡觉？", "我怎么了？"),
        ("小王回来了吗？", "你找谁？"),
        ("你儿子几岁了？", "你认识我儿子吗？"),
        ("他什么时候回来？", "你知道他出去了吗？"),
        ("你想喝点什么？", "有什么喝的吗？"),
        ("你吃药了吗？", "你知道我病了吗？"),
        ("医生，我什么时候能出院？", "您今天感觉怎么样？"),
        ("你的论文写完了吗？", "我现在可以出去玩吗？"),
        ("那个戴帽子的人是谁？", "你在看谁？"),
        ("你的围巾真漂亮，在哪儿买的？", "你看我今天怎么样？"),
    ],
)
def test_a_question_can_answer_a_question(asked: str, before: str) -> None:
    found = CHINESE.candidates(asked, None, None)
    assert found[0].text == before and found[0].kind != "prompt"


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("因为/c 下雨/v ，/w 我们/r 没/d 去/v 超市/n 。/w", "为什么你们没去超市？"),
        ("他/r 因为/c 犯错/v 而/c 受到/v 处罚/v 。/w", "他为什么受到处罚？"),
        ("你/r 先/d 吃/v 午饭/n ，/w 才/d 能/v 吃/v 蛋糕/n 。/w", "怎样才能吃蛋糕？"),
        ("夏天/t 是/v 我/r 最/d 喜欢/v 的/u 季节/n 。/w", "你最喜欢的季节是什么？"),
        ("美丽/a 的/u 景色/n 让/v 我/r 沉迷/v 。/w", "是什么让你沉迷？"),
        ("我/r 比/p 他/r 高/a 。/w", "你和他谁更高？"),
        ("这/r 张/q 名片/n 做/v 得/u 不/d 好看/a 。/w", "这张名片做得怎么样？"),
        ("学校/n 附近/f 有/v 一家/m 饭店/n 。/w", "学校附近有什么？"),
        ("弟弟/n 考上/v 了/u 大学/n ，/w 大家/r 很/d 高兴/a 。/w", "谁考上了大学？"),
    ],
)
def test_a_clause_is_turned_into_a_question(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("他/r 把/p 照片/n 都/d 删/v 掉/v 了/u 。/w", "他做什么了？"),
        ("我/r 今天/t 不想/v 上班/v 。/w", "你愿意吗？"),
        ("他/r 经常/d 帮助/v 同学/n 。/w", "他平时是怎样的？"),
        ("这个/r 电脑/n 坏/a 了/u 。/w", "这个电脑怎么了？"),
        ("每个/r 人/n 都/d 应该/v 遵守/v 法律/n 。/w", "大家应该怎么做？"),
        ("父母/n 的/u 离婚/v 让/v 他/r 感到/v 自卑/a 。/w", "他怎么了？"),
        ("现在/t 五点/m 。/w", "几点？"),
    ],
)
def test_what_fits_nearly_anything_that_is_said_so(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


@pytest.mark.parametrize(
    ("tagged", "shape", "who"),
    [
        ("我/r 昨天/t 买/v 了/u 词典/n 。/w", "me", ""),
        ("我/r 的/u 老师/n 很/d 严格/a 。/w", "other", "你的老师"),
        ("他/r 的/u 梦想/n 是/v 当/v 演员/n 。/w", "other", "他"),
        ("你/r 的/u 发音/n 不/d 标准/a 。/w", "you", ""),
        ("请/v 按时/d 吃药/v 。/w", "rule", ""),
        ("这/r 台/q 相机/n 很/d 轻便/a 。/w", "this", "这台相机"),
        ("抱怨/v 没有/v 用处/n 。/w", "true", ""),
        ("工厂/n 昨天/t 停工/v 了/u 。/w", "told", ""),
        ("晚上/t 和/p 同学/n 去/v 看/v 电影/n 。/w", "me", ""),
    ],
)
def test_whom_a_sentence_speaks_of(tagged: str, shape: str, who: str) -> None:
    assert shape_of(tokens(tagged), frame(tagged)) == (shape, who)


@pytest.mark.parametrize(
    ("tagged", "scenes"),
    [
        ("喝酒/v 以后/f 别/d 开车/v 。/w", ["drunkdrive", "drive"]),
        ("他/r 发生/v 意外/n 了/u 。/w", []),  # no 生意 in 发生|意外
        ("这/r 种/q 草/n 很/d 少/d 。/w", ["plant"]),  # a word of one character is a token
        ("草原/n 很/d 大/a 。/w", []),
    ],
)
def test_a_scene_is_shown_by_whole_words(tagged: str, scenes: list[str]) -> None:
    words = tokens(tagged)
    shown = words_of_scenes("".join(t.word for t in words), words)
    assert [s.name for s in scenes_of(shown)][: len(scenes)] == scenes
    assert bool(shown) == bool(scenes)


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("酒后/t 驾驶/v 会/v 害/v 人/n 。/w", "喝了酒还能上路吗？"),
        ("抱怨/v 没有/v 用处/n ，/w 应该/v 努力/v 。/w", "我心里不痛快，发发牢骚不行吗？"),
        ("感冒/v 是/v 病毒/n 引起/v 的/u 。/w", "今天的健康课上讲了什么？"),
        ("学校/n 昨天/t 开学/v 了/u 。/w", "你听说什么了？"),
        ("运动/v 有益/a 于/p 健康/a 。/w", "怎样才能身体好？"),
        ("我/r 找/v 不/d 到/v 钥匙/n 了/u 。/w", "你在找什么？"),
        ("他/r 失业/v 了/u 。/w", "他还在那家公司吗？"),
        ("路上/s 又/d 堵车/v 了/u 。/w", "路上车多不多？"),
        ("这/r 台/q 相机/n 很/d 轻便/a 。/w", "你觉得这台相机怎么样？"),
        ("这/r 台/q 相机/n 坏/a 了/u 。/w", "这台相机怎么了？"),
        ("地震/n 以后/f 道路/n 被/p 阻断/v 了/u 。/w", "灾情怎么样？"),
        ("我/r 骑车/v 去/v 学校/n 。/w", "你要做什么？"),
        ("服务员/n ，/w 我/r 要/v 一/m 杯/q 茶/n 。/w", "您需要什么？"),
        ("你/r 把/p 这个/r 拿/v 走/v 。/w", "有什么要我做的吗？"),
    ],
)
def test_what_is_asked_in_a_scene(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("跑步/v 有助于/v 减肥/v 。/w", "跑步有什么好处？"),
        ("垃圾/n 会/v 污染/v 河流/n 。/w", "垃圾有什么坏处？"),
        ("睡眠/n 很/d 重要/a 。/w", "睡眠真的重要吗？"),
        ("红包/n 是/v 一种/m 礼物/n 。/w", "什么是红包？"),
    ],
)
def test_the_point_of_a_thing_is_asked_for(tagged: str, expected: str) -> None:
    assert expected in texts(tagged)


@pytest.mark.parametrize(
    ("tagged", "unasked"),
    [
        ("垃圾/n 不/d 污染/v 河流/n 。/w", "垃圾有什么坏处？"),
        ("世界/n 很/d 重要/a 。/w", "世界真的重要吗？"),
        ("他/r 率领/v 一/m 支/q 军队/n 。/w", "他率领什么？"),
        ("我/r 每天/t 锻炼/v 了/u 身体/n 。/w", "你刚才在忙什么？"),
        ("我们/r 不/d 应该/v 嘲笑/v 缺点/n 。/w", "你们嘲笑缺点吗？"),
        ("人生/n 就/d 像/v 一/m 场/q 戏/n 。/w", "有什么新情况吗？"),
    ],
)
def test_what_is_not_asked(tagged: str, unasked: str) -> None:
    assert unasked not in texts(tagged)


def test_a_claim_is_confirmed() -> None:
    tagged = "草稿/n 往往/d 很/d 潦草/a ，/w 但/c 也/d 有/v 细致/a 的/u 。/w"
    assert "草稿往往很潦草，是吗？" in texts(tagged)


def test_healers_are_not_the_ones_that_are_ill() -> None:
    assert "医生哪儿不舒服？" not in texts("医生/n 给/p 我/r 开/v 了/u 感冒/n 药/n 。/w")


def test_the_last_resort_is_of_the_sentence_s_kind() -> None:
    view = texts("知识/n 是/v 人类/n 进步/v 的/u 阶梯/n 。/w")[-6:]
    say = texts("我/r 不/d 认识/v 她/r 。/w")[-6:]
    assert "你说吧，我听着呢。" in say and "你的看法是什么？" in view
    assert not {"你的看法是什么？", "你怎么看这件事？"} & set(say)
    assert not {"你说吧，我听着呢。", "你想说什么呢？"} & set(view)


def test_every_scene_has_a_source_and_words() -> None:
    sections = {
        name for file in ("mind", "work", "world")
        for name in read_wordings(FOLDER / f"zh_scenes_{file}.txt")
    }  # fmt: skip
    scenes = dict(pairs(FOLDER / "zh_scenes.txt"))
    sources = dict(pairs(FOLDER / "zh_sources.txt"))
    assert all(scenes.values())
    assert {s.removeprefix("scene-") for s in sections} <= set(scenes)
    assert sorted(" ".join(sources.values()).split()) == sorted(scenes)  # each of one source
    assert {f"about-{s}" for s in sources} <= set(read_wordings(FOLDER / "zh_about_wordings.txt"))
    troubled = dict(pairs(FOLDER / "zh_troubled.txt"))
    assert {f"trouble-{t}" for t in troubled} == set(read_wordings(FOLDER / "zh_troubles.txt"))
    assert set(" ".join(troubled.values()).split()) <= set(scenes)


def test_a_role_is_no_subject_where_it_only_has_something() -> None:
    tagged = "服务员/n 耐心/a 周到/a 的/u 服务/v 赢得/v 了/u 称赞/v 。/w"
    assert "服务员做什么了？" not in texts(tagged)
    assert "服务员做什么了？" in texts("服务员/n 打/v 开/v 了/u 窗户/n 。/w")


@pytest.mark.parametrize("greeting", ["大家好！", "谢谢你。", "对不起！", "再见！"])
def test_a_greeting_gets_a_prompt(greeting: str) -> None:
    found = CHINESE.candidates(greeting, None, None)
    assert {c.topic for c in found} == {"greeting"}
    assert normalize_question(greeting, "zh") not in normalize_all([c.text for c in found], "zh")


def test_without_words_jieba_cuts_them() -> None:
    words, tags = segment("我昨天买了一本词典。")
    assert "".join(words) == "我昨天买了一本词典。" and len(words) == len(tags)
    assert all(len(t) == 1 for t in tags) and tags[-1] == "w"
    assert "你买了什么？" in [c.text for c in CHINESE.candidates("我昨天买了一本词典。")]


def test_glued_words_are_parted() -> None:
    assert [t.word for t in mend(["他会", "很漂亮", "有个"], ["r", "n", "r"])] == [
        "他", "会", "很", "漂亮", "有", "个",
    ]  # fmt: skip
    assert [t.word for t in mend(["看电视", "打印机", "他人"], ["v", "n", "r"])] == [
        "看电视", "打印机", "他人",
    ]  # fmt: skip


@given(st.text(alphabet="我你他们的了在是有不很吃看书，。？！“”、老师 abc5\u200b\n", max_size=30))
def test_any_text_gets_questions(text: str) -> None:
    found = CHINESE.candidates(text, None, None)
    assert found and all(c.text.strip() and c.kind in KINDS for c in found)
    assert len({c.text for c in found}) == len(found)


@pytest.mark.parametrize("name", _WORDINGS)
def test_the_lexicon_names_the_kind_that_its_questions_have(name: str) -> None:
    kind = kind_of("zh")
    for wordings in read_wordings(FOLDER / f"{name}.txt").values():
        for w in wordings:
            plain = normalize_question(w.text, "zh")
            if w.kind != "prompt" and kind(plain) != "prompt":
                assert w.kind == kind(plain), w
            assert w.text.endswith("？") or w.kind == "prompt", w


@pytest.fixture(scope="module")
def corpus(shared: Path) -> list[Any]:
    """Every clip of CSL-Daily with its question: (split, id, sentence, question)."""
    reader, result = CslDaily(shared / "CSL-Daily"), []
    chooser = Chooser("zh", reviews=reviews("zh"))
    for batch in reader.read(Notes()):
        assert batch.words is not None and batch.pos_tags is not None
        started = time.process_time()
        found = [
            CHINESE.candidates(t, w, p)
            for t, w, p in zip(batch.text, batch.words, batch.pos_tags, strict=True)
        ]
        chosen = chooser.choose(batch.clip_id, batch.text, found)
        assert len(batch) < 1000 or len(batch) / (time.process_time() - started) > 500  # one worker
        for i, t, own in zip(batch.clip_id, batch.text, chosen, strict=True):
            result.append((batch.split, i, t, own[0]))
    return result


def test_every_clip_of_the_corpus_has_its_question(corpus: list[Any]) -> None:
    assert len(corpus) == 20654
    questions = normalize_all([q.text for *_, q in corpus], "zh")
    answers = normalize_all([t for _, _, t, _ in corpus], "zh")
    assert all(questions)
    assert not any(q == a for q, a in zip(questions, answers, strict=True))


def test_the_questions_give_little_away(corpus: list[Any]) -> None:
    from sacrebleu import corpus_bleu

    for split in ("train", "dev", "test"):
        rows = [(t, q.text) for s, _, t, q in corpus if s == split]
        answers = normalize_all([t for t, _ in rows], "zh")
        questions = normalize_all([q for _, q in rows], "zh")
        overlaps = content_overlaps(answers, questions, "zh")
        assert sum(n / of for n, of in overlaps) / len(rows) <= 0.30
        assert max(n / of for n, of in overlaps) <= 0.5
        bleu = corpus_bleu([q for _, q in rows], [[t for t, _ in rows]], tokenize="zh")
        assert bleu.score <= 5


def test_the_questions_are_varied(corpus: list[Any]) -> None:
    n = len(corpus)
    kinds = Counter(q.kind for *_, q in corpus)
    assert len(kinds) >= 6 and max(kinds.values()) <= 0.4 * n
    assert kinds["prompt"] <= 0.12 * n
    assert max(Counter(q.phrase or q.template for *_, q in corpus).values()) <= 0.03 * n
    normal = normalize_all([q.text for *_, q in corpus], "zh")
    texts = normalize_all([t for _, _, t, _ in corpus], "zh")
    wordings = Counter(wording_of(q, t, "zh") for q, t in zip(normal, texts, strict=True))
    assert max(wordings.values()) <= 0.03 * n  # as a reader would count
    is_open = asks_openly("zh")
    general = sum(q.kind == "prompt" or is_open(s) for (*_, q), s in zip(corpus, normal, strict=True))  # fmt: skip  # noqa: E501
    assert general <= 0.12 * n
    assert max(Counter(q.text for *_, q in corpus).values()) <= 0.03 * n
    assert len({q.text for *_, q in corpus}) > 3000
