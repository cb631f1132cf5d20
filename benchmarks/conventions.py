"""How texts are made comparable before they are scored: our standard, and what the field does.

A convention is data: how a text is prepared (in languages written with blanks, and in those
without) and which metrics count it, with which settings. `docs/conventions.md` says how far each
moves a number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from benchmarks.metrics.base import Metric, Prepared, Tokens, Vocabulary
from benchmarks.metrics.bleu import EXP, NLGEVAL, NONE, Bleu
from benchmarks.metrics.chrf import Chrf
from benchmarks.metrics.novelty import Novelty
from benchmarks.metrics.rouge import RougeL
from benchmarks.metrics.wer import Wer

WITHOUT_BLANKS = ("zh", "ja")
_CHANGED_BY_13A = re.compile(r"[!-&(-/:-@\[-`{-~\n]")  # all ASCII punctuation but the apostrophe


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """From a text to what is compared."""

    name: str
    """What is done, for the signature."""
    normalise: Callable[[str], str]
    """From the text as it stands to the string that chrF sees."""
    tokenise: Callable[[str], list[str]]
    """From that string to tokens."""
    pieces: Callable[[str], list[str]] | None = None
    """What ROUGE takes for tokens, where it is not those."""

    def __call__(self, texts: Iterable[str], vocabulary: Vocabulary) -> Prepared:
        """Prepare the texts; their tokens are numbered by the vocabulary."""
        strings = [self.normalise(text) for text in texts]
        tokens = Tokens.of(map(self.tokenise, strings), vocabulary)
        pieces = tokens
        if self.pieces is not None:
            pieces = Tokens.of(map(self.pieces, strings), vocabulary)
        return Prepared(strings, tokens, pieces)


def tokenise_13a(text: str) -> list[str]:
    """Tokens of sacreBLEU's 13a."""
    text = text.rstrip()
    if _CHANGED_BY_13A.search(text) is None:
        return text.split()
    tokens: str = _sacrebleu_13a()(text)
    return tokens.split()


@cache
def _sacrebleu_13a() -> Callable[[str], str]:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    return Tokenizer13a()  # type: ignore[no-untyped-call]


def strip_full_stop(text: str) -> str:
    """The text without a final full stop and the blanks around it."""
    text = text.rstrip()
    return text[:-1].rstrip() if text.endswith(".") else text


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _phoenix(text: str) -> str:
    return strip_full_stop(_nfc(text).lower())


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _dotted(text: str) -> str:
    return strip_full_stop(text) + " ."


def _spaced(text: str) -> str:
    return " ".join("".join(text.split()))


def _between_blanks(text: str) -> list[str]:
    return text.split(" ")


PHOENIX = Preparation(name="nfc,lower,no-stop;13a", normalise=_phoenix, tokenise=tokenise_13a)
NFC = Preparation(name="nfc;13a", normalise=_nfc, tokenise=tokenise_13a)
CHARACTERS = Preparation(name="nfkc,no-blanks;char", normalise=_squeezed, tokenise=list)
# As signjoey's ROUGE: double, leading and trailing blanks make empty tokens.
DOTTED = Preparation(
    name="dot;none", normalise=_dotted, tokenise=str.split, pieces=_between_blanks
)  # fmt: skip
UNDOTTED = Preparation(
    name="no-dot;none", normalise=strip_full_stop, tokenise=str.split, pieces=_between_blanks
)  # fmt: skip
SPACED = Preparation(name="char;none", normalise=_spaced, tokenise=str.split)
# TwoStream's level=char parts whatever it is given, blanks too: text that comes with blanks between
# its characters gets two empty tokens for each.
RAW_SPACED = Preparation(
    name="raw-char;none", normalise=" ".join, tokenise=str.split, pieces=_between_blanks
)  # fmt: skip
GLOSSES = Preparation(name="none;none", normalise=str.strip, tokenise=str.split)


@dataclass(frozen=True, kw_only=True)
class Convention:
    """One way to turn texts into numbers."""

    name: str
    description: str
    who: str
    """Who uses it."""
    words: Preparation
    """For languages written with blanks."""
    characters: Preparation
    """For those without: Chinese, Japanese."""
    metrics: tuple[Metric, ...]

    def preparation(self, language: str) -> Preparation:
        """How texts of a language (ISO 639-1) are prepared."""
        return self.characters if language in WITHOUT_BLANKS else self.words

    def signature(self, metric: Metric, language: str) -> str:
        """The recipe of a metric's scores, in the manner of sacreBLEU."""
        text, tokens = self.preparation(language).name.split(";")
        return f"{metric.signature}|nrefs:1|text:{text}|tok:{tokens}|conv:{self.name}"


_STANDARD_METRICS: tuple[Metric, ...] = (
    Bleu(EXP), RougeL(), Chrf(), Novelty(), Novelty(content=True)
)  # fmt: skip

STANDARD_PHOENIX = Convention(
    name="standard-phoenix",
    description="NFC, lower case, no final full stop on either side, sacreBLEU 13a, exp smoothing",
    who="tasks on PHOENIX-2014T",
    words=PHOENIX, characters=CHARACTERS, metrics=_STANDARD_METRICS,
)  # fmt: skip
STANDARD = Convention(
    name="standard",
    description="NFC, sacreBLEU 13a, exp smoothing; Chinese and Japanese: NFKC, no white space, "
    "one character a token",
    who="tasks on CSL-Daily and on corpora of one's own",
    words=NFC, characters=CHARACTERS, metrics=_STANDARD_METRICS,
)  # fmt: skip
GLOSS = Convention(
    name="gloss",
    description="glosses between white space, as written",
    who="gloss predictions",
    words=GLOSSES, characters=GLOSSES, metrics=(Wer(),),
)  # fmt: skip

SIGNJOEY = Convention(
    name="signjoey",
    description="' .' at the end of both sides, or characters parted by blanks; BLEU without "
    "tokenizer and smoothing; ROUGE-L beta 1.2 between single blanks",
    who="Joint-SLRT, SignBT, SLTUNET and other forks of signjoey",
    words=DOTTED, characters=SPACED, metrics=(Bleu(NONE), RougeL(), Chrf()),
)  # fmt: skip
TWOSTREAM = Convention(
    name="twostream",
    description="as signjoey, but every character of the Chinese string as it stands, and ROUGE-L "
    "with beta = P/R",
    who="MMTLB, TwoStream-SLT",
    words=DOTTED, characters=RAW_SPACED, metrics=(Bleu(NONE), RougeL(beta_is_p_over_r=True)),
)  # fmt: skip
GFSLT = Convention(
    name="gfslt",
    description="nlg-eval without the final full stop; characters parted by blanks",
    who="GFSLT-VLP",
    words=UNDOTTED, characters=SPACED, metrics=(Bleu(NLGEVAL), RougeL()),
)  # fmt: skip
SLTBASELINES = Convention(
    name="sltbaselines",
    description="nlg-eval with ' .' at the end of both sides, or characters parted by blanks",
    who="the reproduction study of CVIU 2025 (GFSLT-VLP, SignCL, CiCo, FLa-LLM)",
    words=DOTTED, characters=SPACED, metrics=(Bleu(NLGEVAL), RougeL()),
)  # fmt: skip
GBT = Convention(
    name="gbt",
    description="as signjoey without the final full stop",
    who="QSL, GBT (TCSVT 2024)",
    words=UNDOTTED, characters=SPACED, metrics=(Bleu(NONE), RougeL(), Chrf()),
)  # fmt: skip

LEGACY = (SIGNJOEY, TWOSTREAM, GFSLT, SLTBASELINES, GBT)
CONVENTIONS = {c.name: c for c in (STANDARD_PHOENIX, STANDARD, GLOSS, *LEGACY)}
