"""How fast questions are made by rules and audited, and in how much memory.

`python -m benchmarks.speed.questions [SHARED]`: SHARED is a folder that holds the real annotation
files (PHOENIX-2014-T-release-v3, CSL-Daily); without it, the toy corpora, whose few sentences show
little but the start-up.

Ours are whole commands, start-up, reading and writing and all, in one process and with
`--workers 2`, whose memory is that of the largest worker twice and of the command itself; ratios
are of seconds. The least that rules could do is to tag the words: `jieba.posseg` for Chinese, for
German HanTa, where it is installed (`pip install HanTa`; our rules use neither here: CSL-Daily
comes with tags). The least of an audit is BLEU and chrF of the copied questions by sacrebleu.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import click

from benchmarks.speed.build import Row, peak_memory
from benchmarks.speed.calling import called, shared_folder
from qa_builder.console import Command, print_table
from qa_builder.dataset import open_dataset

ROUNDS = 2
_TAGGED = 2000  # sentences: the taggers are slow, and as fast on these as on all

_JIEBA = """
import jieba.posseg, logging
jieba.setLogLevel(logging.WARNING)
list(jieba.posseg.cut("你好"))  # loads its dictionary
tag = lambda text: list(jieba.posseg.cut(text))
"""
_HANTA = """
from HanTa.HanoverTagger import HanoverTagger
tagger = HanoverTagger("morphmodel_ger.pgz")
tag = lambda text: tagger.tag_sent(text.split())
"""
_TAG = """
import sys, time
texts = open(sys.argv[1], encoding="utf-8").read().splitlines()
start = time.perf_counter()
for text in texts:
    tag(text)
print(len(texts) / (time.perf_counter() - start))
"""
_COPY = """
import sys, time
start = time.perf_counter()
import pyarrow.parquet, sacrebleu
tokenizer, *files = sys.argv[1:]
for file in files:
    rows = pyarrow.parquet.read_table(file, columns=["text", "question"])
    texts, questions = (rows[c].to_pylist() for c in ("text", "question"))
    sacrebleu.corpus_bleu(questions, [texts], tokenize=tokenizer)
    sacrebleu.corpus_chrf(questions, [texts])
print(time.perf_counter() - start)
"""


class Corpus(NamedTuple):
    """A corpus, the least that its language's rules could do, and its budgets."""

    name: str
    root: Path
    tagger: str
    code: str | None  # of the tagger; None where it is not installed
    tokenizer: str  # of sacrebleu
    rate: str  # budget of the rules
    audit: str  # budget of the audit


def corpora(shared: Path | None, tmp: Path) -> list[Corpus]:
    """The real corpora, or toy ones in their place."""
    if shared is None:
        called([sys.executable, "-m", "qa_builder.cli", "toy", str(tmp / "toy")])
    german = shared or tmp / "toy/phoenix"
    chinese = shared / "CSL-Daily" if shared else tmp / "toy/csl-daily"
    rates = ("400/s, 800 MB", "1,000/s, 800 MB") if shared else ("-", "-")
    hanta = _HANTA if find_spec("HanTa") else None
    return [
        Corpus("phoenix", german, "HanTa", hanta, "13a", rates[0], "-"),
        Corpus("csl-daily", chinese, "jieba", _JIEBA, "zh", rates[1], "90 s" if shared else "-"),
    ]


def rules(corpus: Corpus, tmp: Path, workers: int = 0) -> Row:
    """Building with rules, the fastest of some rounds, against tagging as many sentences."""
    out = tmp / corpus.name
    command = ["build", corpus.name, "--root", str(corpus.root), "--out", str(out),
               "--allow-findings", "--workers", str(workers)]  # fmt: skip
    # another seed each time: an equal build would be a no-op
    seeds = range(ROUNDS * workers, ROUNDS * (workers + 1))
    measured = [peak_memory([*command, "--seed", str(s)], tmp, workers) for s in seeds]
    built = open_dataset(out)
    texts = [t for s in built.splits for t in built.columns(s, ["text"])["text"]]
    rate = len(texts) / min(seconds for _, seconds in measured)
    memory = max(mb for mb, _ in measured)
    how = f", {workers} workers" if workers else ""
    row = f"build {corpus.name}, rules, {len(texts):,}{how}", f"{rate:,.0f}/s, {memory:.0f} MB"
    if corpus.code is None:
        return *row, f"{corpus.tagger}: not installed", "-", corpus.rate
    (tmp / "texts").write_text("\n".join(texts[:_TAGGED]), "utf-8")
    theirs = _printed(corpus.code + _TAG, str(tmp / "texts"))
    return *row, f"{corpus.tagger} {theirs:,.0f}/s", f"{theirs / rate:.2f}", corpus.rate


def rules_by_workers(corpus: Corpus, tmp: Path) -> Row:
    """The same with two workers."""
    return rules(corpus, tmp, 2)


def audit(corpus: Corpus, tmp: Path) -> Row:
    """Auditing what `rules` built, against BLEU and chrF of the copied questions alone."""
    out = tmp / corpus.name
    measured = [peak_memory(["audit", str(out)], tmp) for _ in range(ROUNDS)]
    seconds, memory = min(s for _, s in measured), max(mb for mb, _ in measured)
    files = sorted(map(str, (out / "data").glob("*.parquet")))
    theirs = _printed(_COPY, corpus.tokenizer, *files)
    ours = f"{seconds:.1f} s, {memory:.0f} MB"
    ratio = f"{seconds / theirs:.2f}"
    return f"audit {corpus.name}", ours, f"sacrebleu {theirs:.1f} s", ratio, corpus.audit


@click.command(cls=Command)
@shared_folder
def main(shared: Path | None) -> None:
    """Print one table: of the real annotation files of SHARED, or of the toy corpora."""
    with tempfile.TemporaryDirectory() as folder:
        tmp = Path(folder)
        rows = [f(c, tmp) for c in corpora(shared, tmp) for f in (rules, rules_by_workers, audit)]
    columns = ("in one run", "ours", "least", "ratio", "budget")
    print_table(f"Questions: whole commands, the fastest of {ROUNDS}", columns, rows)


def _printed(code: str, *arguments: str) -> float:
    """The number that a script prints."""
    return float(called([sys.executable, "-c", code, *arguments]))


if __name__ == "__main__":
    main()
