"""What is said before a Chinese sentence that is a question, a greeting or a set phrase itself. (Ours.)"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_fill import choose, fill, wordings
from qa_builder.questions.chinese_frame import Frame
from qa_builder.questions.chinese_phrases import Ask
from qa_builder.questions.wordings import FOLDER, pairs

_FORMULA_MARKS = re.compile(r"[，。！？、\s]+")
_ASKED = {
    "why": re.compile("^为什么|你为什么|为何|干嘛"),
    "money": re.compile("多少钱|贵吗|贵不贵|什么价"),
    "when": re.compile("什么时[候间]|几点|何时|几时"),
    "where": re.compile("在哪里|在哪儿|什么地方|怎么走"),
    "who": re.compile("谁|哪位"),
    "howis": re.compile("最近怎么样|身体怎么样|去哪儿了|好久"),
    "which": re.compile("哪一?[个种件条张]|(?:喝|吃|买|要|选|去)[^，]*还是"),
}
# What the partner asks whose answer is a question itself: "你在找什么？" - "我的杯子在哪里？".
_COUNTER = {
    "trouble": re.compile("怎么办|怎么扫不|怎么打不开|怎么不动"),
    "serve": re.compile("^服务员"),
    "help": re.compile("(?:能不能|能|可以|可不可以|请你|麻烦你?)(?:帮|给|替|再给|换|告诉|介绍|教|带|借)[^？]*|能重复|我能[^，]{1,8}吗|我可以[^，]{1,8}吗"),
    "buy": re.compile("^(?!.*(?:打车|报名|托运|学习|钥匙|买的|票)).*(?:多少钱|贵不贵|贵吗)"),
    "way": re.compile("怎么走|我[^？]*(?:应该|要)去哪|去哪儿?[学办买]"),
    "find": re.compile("(?:我的|我们|洗手间|卫生间|厕所|银行|取票|图书馆|超市|医院|小猫|小狗|钥匙|手机)[^，？]*(?:在哪|到哪里去了|在几楼|去哪儿?了)|你?看见我的"),
    "accused": re.compile("你(?:们都)?(?:为什么|怎么(?:能|还|又|这么|那么|不|没|会|有点))(?!.*选择)|难道你|你那是什么"),
    "seek": re.compile("(?:在家|回来了|来了|在吗|在公司)吗?[？?]|什么时候[^？，]{0,3}(?:回来|来)|去哪儿?了"),
    "look": re.compile("(?:那|边|和你).*是谁|怎么读|认识吗"),
    "ticket": re.compile("(?:坐|打车|乘)[^？]*(?:多久|多少钱|几个小时)|[车机]票"),
    "place": re.compile("附近哪里|哪里有|哪里可以|在什么地方|(?:站|出口|馆|厅|学校|机场|银行)在哪"),
    "plan": re.compile("^(?!你是说).*(?:想不想|要不要|有没有时间|我想请你|你想看|你想去|周末|一起.*[吗？])"),
    "weather": re.compile("下雨|下雪|晴天|阴天|天气"),
    "eat": re.compile("吃什么|喝什么|想吃|想喝|主食|点什么"),
}  # fmt: skip
_ASKS = re.compile(r"[？?]\W*$|吗\W*$|(?:^|[，你他她])(?:为什么|怎么(?!也|都))(?!.*[，])")
_GENERAL = ("family", "time", "friends", "life", "society", "feeling")  # topics that say too little


def is_question(text: str) -> bool:
    """Whether a sentence asks something itself."""
    return "？" in text or _ASKS.search(text) is not None


def before_question(text: str, frame: Frame, topic: str) -> Iterator[Candidate]:
    """What is said before a sentence that is a question itself."""
    known = wordings()
    counter = next((name for name, pattern in _COUNTER.items() if pattern.search(text)), "")
    if counter:
        yield from fill(
            known[f"counter-{counter}"], Ask(f"counter-{counter}", "any", "", {}), topic
        )
    asks = next((name for name, pattern in _ASKED.items() if pattern.search(text)), "")
    if asks:
        before = known[f"before-{asks}"]
        yield from fill(before, Ask(f"before-{asks}", "any", "", {}), topic)
    if topic and topic not in _GENERAL:
        invited = [w for w in known[f"on-{topic}"] if w.asks == "ask"]
        yield from fill(invited, Ask(topic, "ask", "", {}), topic)
    if frame.person and frame.subject not in ("我", "你", "我们", "你们", "大家"):
        about = Ask("question", "person", frame.subject, {"s": frame.subject})
        yield from fill(choose(known["question"], "person"), about, topic)
    yield from fill(choose(known["question"], "any"), Ask("question", "any", "", {}), topic)
    general = not topic or topic in _GENERAL
    said = [] if general else [w for w in known[f"on-{topic}"] if w.asks == "say"]
    told = fill(said, Ask(topic, "say", "", {}), topic)
    yield from (c._replace(misfit=c.misfit + 0.7) for c in told)


def formula(text: str) -> list[Candidate]:
    plain = _FORMULA_MARKS.sub("", text)
    for n, (pattern, prompts) in enumerate(_formulas()):
        if pattern.fullmatch(plain):
            return [Candidate(p, "prompt", "", f"formula/{n}.{k}", "greeting")
                    for k, p in enumerate(prompts)]  # fmt: skip
    return []


@cache
def _formulas() -> list[tuple[re.Pattern[str], list[str]]]:
    found = pairs(FOLDER / "zh_formulas.txt")
    return [(re.compile(left), [p.strip() for p in right.split(" / ")]) for left, right in found]
