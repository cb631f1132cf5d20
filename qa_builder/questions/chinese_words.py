"""The words that the Chinese rules know: classes of words, and a sentence's words mended.

Automatic segmenters glue and tag freely ("他会", "很漂亮" as a noun): what the rules look at first
is the word itself, the tag only where no list has it. (Ours.)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from qa_builder.questions.wordings import FOLDER, pairs


class Token(NamedTuple):
    """A word and its part of speech in the tag set of the corpus (that of jieba, one letter)."""

    word: str
    tag: str


_GLUED = re.compile(
    r"(?:([你我他她它]们?|这|那|谁|老师|大家)(会|是|在|要|想|能|有|就是|就|也|都|很|不|没|把|说|家|用|去|做|看|听|从|对|给|让|被|跟)"
    r"|(很|太|真|不太|非常|挺)(\w+)"
    r"|(有)(个)|(今天|明天|昨天)(天气)|(带)([我你他她])(\w)|([吃喝买])(点|点儿|水果)|(放|坐|躺|站|住|挂|贴|停)(在)"
    r"|(没)(给|想|收|看|听|说)|(打|踢|玩|坐|看|喝|听|写|做|唱|买|吃)(\w{2,}))"
)
_WHOLE = frozenset([
    "很多", "很少", "太太", "太阳", "太极拳", "真的", "真是", "真正", "真诚", "真理", "很快", "真实", "那家", "太空", "真相",
    "真心", "打字机", "打印机", "打火机", "看上去", "看起来", "看得出来", "坐标系", "听起来", "做生意", "打乒乓球", "踢足球",
    "打篮球", "打招呼", "看电视", "看电影", "打喷嚏", "打羽毛球", "喝咖啡", "吃早饭", "写作业", "做作业", "吃水果", "吃闭门羹",
    "打交道", "坐火车", "坐地铁", "坐飞机", "喝牛奶", "买回来", "玩游戏", "写文章", "听音乐", "看不懂", "看不起", "吃不消",
    "看得见", "看不见", "听不懂", "做不到", "看样子", "听不见", "坐享其成", "打不开", "看电视剧", "打扫卫生", "打官司",
    "喝一杯", "吃完饭", "听众", "玩具", "坐公交车", "打扮成", "太极",
])  # fmt: skip
# Nouns that are verbs too: the place in the sentence decides.
DUAL = frozenset(["工作", "生活", "学习", "运动", "比赛", "考试", "表演", "研究", "变化", "影响", "发展", "决赛",
                   "兼职", "出口", "服务", "教育", "手术", "活动", "想法", "超市", "警察", "工资", "帮助", "睡眠",
                   "报告", "知识", "微信", "快递", "合作", "行动", "行为", "治疗", "感冒", "旅游", "竞争", "打扮",
                   "收入", "生产", "训练", "通知", "劳动", "检查", "贷款", "成绩", "爱好", "命令", "规定", "要求",
                   "希望", "建议", "计划", "决定", "感觉", "声明", "故障", "开始", "抄袭", "作弊", "运动会", "代表"])  # fmt: skip
_TAGS = {"一般": "d", "大都": "d", "定期": "d", "好好": "d", "每隔": "d", "提前": "d", "随便": "d", "只能": "d",
         "经常": "d", "不定期": "d", "抓紧": "d", "早起": "d", "亲自": "d", "主动": "d", "一起": "d", "事事": "d", "的": "u", "了": "u", "着": "u", "过": "u", "地": "u", "得": "u", "很": "d", "太": "d",
         "真": "d", "非常": "d", "不": "d", "没": "d", "是": "v", "在": "p", "有": "v", "把": "p",
         "被": "p", "不好": "a", "最好": "d", "和": "c", "最": "d", "大家": "r", "结婚": "v",
         "特别": "d", "比较": "d", "有点": "d", "有点儿": "d", "十分": "d", "格外": "d", "正在": "d",
         "反对": "v", "相处": "v", "自愿": "d", "分别": "d", "公交车": "n", "方便": "a", "不是": "v", "就是": "v",
         "都是": "v", "也是": "v", "才是": "v", "并不是": "v"}  # fmt: skip


def mend(words: Sequence[str], tags: Sequence[str]) -> list[Token]:
    """The words of a sentence, glued ones parted, with tags that the word lists correct."""
    result = []
    for word, tag in zip(words, tags, strict=True):
        if len(word) > 3 and word[0] == "在" and word[-1] in "中里上下":  # "在生活中"
            result += [Token("在", "p"), Token(word[1:-1], "n"), Token(word[-1], "f")]
            continue
        if word.startswith("拍") and result and result[-1].word == "自":
            result[-1] = Token("自" + word, "n")
            continue
        if word == "们" and result and result[-1].tag == "n":
            result[-1] = Token(result[-1].word + word, "n")
            continue
        glued = word not in _WHOLE and not is_predicate(word) and _GLUED.fullmatch(word)
        for part in [p for p in glued.groups() if p] if glued else [word]:
            result.append(Token(part, _tag(part, tag if part == word else "x")))
    for i, t in enumerate(result[:-1]):
        behind = result[i + 2].word if i + 2 < len(result) else ""
        if t.word == "将" and result[i + 1].tag in "nr" and behind not in ("", "为", "是"):
            result[i] = Token("把", "p")  # "将试卷交给老师": no future
    return result


def segment(text: str) -> tuple[list[str], list[str]]:
    """Words and one-letter tags of a sentence by jieba, for corpora without their own."""
    import logging

    import jieba
    import jieba.posseg

    jieba.setLogLevel(logging.WARNING)
    found = [(p.word, p.flag) for p in jieba.posseg.cut(text)]
    return [w for w, _ in found], ["w" if f in "xw" else f[0] for _, f in found]


@cache
def _tag(word: str, tag: str) -> str:
    if word in _TAGS:
        return _TAGS[word]
    if word in within("person"):
        return "r" if word in "我你您他她我们你们他们她们咱们" else "n"
    if word in within("noun"):
        return "n"
    verbal = "xdztbn" if word in within("intransitive") - DUAL else "xdztb"
    if is_predicate(word) and tag in verbal:
        return "v"
    return "n" if tag == "x" else tag[0]


@cache
def within(name: str) -> frozenset[str]:
    """A class of words."""
    return _classes()[name]


@cache
def predicate_class(word: str) -> str:
    """The class of a predicate, empty where no list has it.

    A verb with its complement or object ("看完", "打篮球") is of the verb's class.
    """
    known = _predicates()
    if word in known or len(word) == 1:
        return known.get(word, "")
    if len(word) == 2 and word[1] in "到完好出起见给上下成在着掉走开住":
        return known.get(word[0], "")
    return ""


def is_predicate(word: str) -> bool:
    return bool(predicate_class(word))


@cache
def topics() -> dict[str, frozenset[str]]:
    """The words of each topic."""
    return {name: frozenset(words.split()) for name, words in pairs(FOLDER / "zh_topics.txt")}


@cache
def _predicates() -> dict[str, str]:
    found: dict[str, str] = {}
    for name, words in pairs(FOLDER / "zh_predicates.txt"):
        for word in words.split():
            found.setdefault(word, name)
    return found


@cache
def _classes() -> dict[str, frozenset[str]]:
    return {name: frozenset(words.split()) for name, words in pairs(FOLDER / "zh_words.txt")}


_PERSON_END = re.compile(r"\w+(?:[师员者人们迷客友]|[^发产出卫花先]生|[^国大人自]家|[校班院市部队家会]长|[爸妈哥姐弟妹爷奶叔姨]|女孩|男孩|朋友|老师|先生|小姐|警察|经理|总理|主席|[警法]官|[职民]工|歹徒|分子|大夫|[罪骗]犯|[观听群]众|[居公市网农]民)")  # fmt: skip


@cache
def is_person(word: str) -> bool:
    """Whether a noun or pronoun names a person (or an animal that acts)."""
    if word in within("notperson"):
        return False
    known = word in within("person")
    return known or bool(_PERSON_END.fullmatch(word)) or bool(re.fullmatch(r"[小老]\w", word))
