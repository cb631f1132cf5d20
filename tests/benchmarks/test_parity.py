"""Numbers that third-party code prints for real corpora, reproduced to 1e-3 of a percent."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from benchmarks.conventions import CONVENTIONS, Convention, Preparation, tokenise_13a
from benchmarks.metrics.bleu import EXP, NLGEVAL, Bleu
from benchmarks.metrics.chrf import Chrf
from benchmarks.metrics.rouge import RougeL
from benchmarks.references import References

LANGUAGES = {"phoenix": "de", "csl-daily": "zh"}
SYSTEM_OUTPUTS = [
    f"{corpus}/{system}"
    for corpus, systems in (
        ("CSL-Daily", ("Fla-LLM", "GFSLT", "GFSLT-CiCO")),
        ("Phoenix", ("FlaLLM", "GFSLT", "GFSLT-CiCO")),
    )
    for system in systems
]


def _zh(text: str) -> list[str]:
    from sacrebleu.tokenizers.tokenizer_zh import TokenizerZh

    return TokenizerZh()(text.rstrip()).split()


def _as_it_stands(text: str) -> str:
    return text


_13A = Preparation(name="raw;13a", normalise=_as_it_stands, tokenise=tokenise_13a)
_ZH = Preparation(name="raw;zh", normalise=_as_it_stands, tokenise=_zh)
# What a user of the sacrebleu command gets: no convention of ours, but the file has its numbers.
SACREBLEU = {
    name: Convention(
        name=name, description="", who="", words=_13A, characters=_ZH, metrics=(Bleu(EXP), Chrf())
    )
    for name in ("sacrebleu-13a", "sacrebleu-zh")
}  # fmt: skip
_LINES = Preparation(
    name="strip;none",
    normalise=str.strip,
    tokenise=str.split,
    pieces=lambda text: text.split(" "),
)
NLG_EVAL = Convention(
    name="nlg-eval",
    description="",
    who="",
    words=_LINES,
    characters=_LINES,
    metrics=(Bleu(NLGEVAL), RougeL()),
)


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").removesuffix("\n").split("\n")


def _scores(
    hypotheses: list[str], references: list[str], language: str, convention: Convention
) -> dict[str, float]:
    """Corpus scores in percent by name."""
    found = References(references, language).statistics(hypotheses, [convention])
    return {
        name: float(score)
        for metric, statistics in zip(convention.metrics, found[convention.name], strict=True)
        for name, score in zip(metric.names, metric.score(statistics.sum(axis=0)), strict=True)
    }


@cache
def _corpus(shared: Path, corpus: str) -> dict[str, str]:
    """Raw sentence of each clip."""
    if corpus == "phoenix":
        folder = shared / "PHOENIX-2014-T-release-v3/PHOENIX-2014-T/annotations/manual"
        rows = [line.split("|") for line in _lines(folder / "PHOENIX-2014-T.test.corpus.csv")[1:]]
        return {row[0]: row[6] for row in rows}
    table = shared / "CSL-Daily/sentence_label/video_map.txt"
    rows = [line.split("|") for line in _lines(table)[1:]]
    return {row[1]: row[4].replace(" ", "") for row in rows}


@pytest.mark.parametrize("corpus", LANGUAGES)
def test_every_number_of_parity_json(shared: Path, corpus: str) -> None:
    folder = shared / "parity"
    expected = json.loads((folder / "parity.json").read_text("utf-8"))["scores"][corpus]
    sentences = _corpus(shared, corpus)
    references = [sentences[i] for i in _lines(folder / f"{corpus}.test.ids.txt")]
    compared, wrong = 0, []
    for system, rows in expected.items():
        hypotheses = references
        if system != "reference":
            hypotheses = _lines(folder / f"{corpus}.test.{system}.txt")
        for name, numbers in rows.items():
            convention = SACREBLEU.get(name) or CONVENTIONS[name]
            got = _scores(hypotheses, references, LANGUAGES[corpus], convention)
            for key, value in numbers.items():
                if key.endswith("signature"):
                    continue
                compared += 1
                ours = got["chrf2" if key == "chrf" else key]
                if ours != pytest.approx(value, abs=1e-3):
                    wrong.append((system, name, key, value, ours))
    assert not wrong
    assert compared == {"phoenix": 160, "csl-daily": 84}[corpus]


# METEOR is left out: nlg-eval runs a Java program with a paraphrase table for it, and no board of
# this project shows it.
@pytest.mark.parametrize("system", SYSTEM_OUTPUTS)
def test_released_scores_of_real_systems(shared: Path, system: str) -> None:
    folder = shared / "system-outputs" / system
    got = _scores(
        _lines(folder / "tmp_pres.txt"), _lines(folder / "tmp_refs.txt"), "de", NLG_EVAL
    )  # fmt: skip
    for line in _lines(folder / "scores.txt"):
        name, value = line.split(": ")
        if name != "METEOR":
            ours = got[name.lower().replace("_", "") if name != "ROUGE_L" else "rouge_l"]
            assert ours == pytest.approx(100 * float(value), abs=1e-3), name
