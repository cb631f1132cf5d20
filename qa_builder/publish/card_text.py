"""The words of the dataset card, section by section, from the manifest.

Plain Python and no template: a template engine takes a tenth of a build to load and compile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Manifest = dict[str, Any]


def card_text(title: str, manifest: Manifest) -> str:
    """The Markdown below the header; paragraphs have one empty line between them."""
    sections = (
        _head(title, manifest), [_TASK], _sources(manifest), _splits(manifest),
        _questions(manifest), _content(manifest), _licence(manifest), _provenance(manifest),
        _findings(manifest), _limits(manifest), _citation(manifest),
    )  # fmt: skip
    return "\n\n".join(part.strip("\n") for parts in sections for part in parts) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]], left: int = 1) -> str:
    """A Markdown table; after the first `left` columns all stand to the right."""
    rules = ["---" if i < left else "---:" for i in range(len(columns))]
    lines = [f"| {' | '.join(columns)} |", f"|{'|'.join(rules)}|"]
    return "\n".join(lines + [f"| {' | '.join(map(str, r))} |" for r in rows])


def _counts(counts: dict[str, int]) -> str:
    return "\n".join(f"- {what}: {n:,}" for what, n in counts.items())


def _head(title: str, manifest: Manifest) -> list[str]:
    toy = """\
**This is the toy corpus that ships with qbslt: invented sentences for trying the tools. A score on it
says nothing about sign language translation.**"""  # noqa: E501
    return [f"# {title}", *([toy] if manifest["corpus"]["toy"] else [])]


_TASK = """\
## Task

Question-based sign language translation (QB-SLT): given a video of signing and a question that it
answers, give the spoken-language sentence. The task was introduced with SSL-SSAW (arXiv 2509.14036)."""  # noqa: E501


def _sources(manifest: Manifest) -> list[str]:
    corpus = manifest["corpus"]
    signed = f", {corpus['sign_language']} (signed)" if corpus["sign_language"] else ""
    return [
        f"""\
## Sources

- Corpus: {corpus["title"]}.
- How to get it: {corpus["where"]}
- Size of the corpus, frames and all: {corpus["size"]}
- Languages: {corpus["text_language"]} (text){signed}.""",
        "This dataset holds no video and no frames.",
    ]


def _splits(manifest: Manifest) -> list[str]:
    names = ("rows", "clips", "signers", "distinct_sentences", "with_question")
    rows = [[s, *(f"{v[n]:,}" for n in names)] for s, v in manifest["splits"].items()]
    parts = [
        "## Splits",
        _table(["split", *(n.replace("_", " ") for n in names)], rows),
        "Rows are in the corpus's own order, one for each clip and question.",
    ]
    if not manifest["rejects"]:
        return [*parts, "Nothing of the sources was left out."]
    return [
        *parts,
        "Rows of the sources that are not in the dataset, or not as they stood (`rejects.jsonl` "
        "lists them):",
        _counts(manifest["rejects"]),
    ]


def _questions(manifest: Manifest) -> list[str]:
    questions = manifest["questions"]
    if questions["source"] == "none":
        return ["## Questions", "The dataset was built without questions."]
    formats = ", ".join(dict.fromkeys(questions.get("formats") or ()))
    parts = ["## Questions", f"Source: {questions['source']}{f' ({formats})' if formats else ''}."]
    if kinds := questions["kinds"]:
        parts.append(_table(["kind", "questions"], [[k, f"{n:,}"] for k, n in kinds.items()]))
    if leakage := questions["mean_leakage"]:
        parts += [
            "### Leakage",
            "The share of the sentences' content words that their questions hold already, from 0 "
            "to 1:",
            _table(["split", "leakage"], [[s, f"{v:.3f}"] for s, v in leakage.items()]),
        ]
    if audit := manifest.get("audit"):
        parts += _audit(manifest, audit)
    given_away = """\
Annotated questions that are public give the answer away: many name most of the words of the sentence
that they ask for, and some are that sentence.
"""  # noqa: E501
    annotated = questions["source"] == "annotated"
    compare = """\
Compare every score with that of printing the question as the translation (`copy-question`), and with
a model that sees the question alone: only what lies above them was read from the video."""  # noqa: E501
    return [
        *parts,
        (given_away if annotated else "A question can give its answer away.\n") + compare,
    ]


def _audit(manifest: Manifest, audit: dict[str, Any]) -> list[str]:
    rows = []
    for name in manifest["splits"]:
        if a := audit["splits"].get(name):
            bits = "-"
            if interval := a["bits_interval"]:
                bits = f"{a['bits_above']:.2f} ({interval[0]:.2f} to {interval[1]:.2f})"
            rows.append([name, f"{a['recall']:.3f}", f"{a['copy_bleu4']:.1f}", f"{a['equal']:,}",
                         f"{100 * a['retrieval_top1']:.0f} %", bits])  # fmt: skip
    found = [f for f in audit["findings"] if f["severity"] == "finding"]
    columns = ["split", "recall", "BLEU-4 of the copied question", "equal to the sentence",
               "found first", "bits (95 %)"]  # fmt: skip
    return [
        """\
### Audit

What `qa-builder audit` found. Bits are what the questions tell of their sentences, in bits a token
above those of shuffled questions, with a 95 % interval; "found first" is how often a question finds its
sentence among those of the split.""",  # noqa: E501
        _table(columns, rows),
        *(["\n".join(f"- **{f['id']}**: {f['message']}." for f in found)] if found else []),
    ]  # fmt: skip


_FULL = "Full: ids, sentences, glosses and questions, one Parquet file a split."
_QUESTIONS_ONLY = """\
Questions only: ids, questions, provenance, leakage and hashes. No sentence, gloss or media of the
corpus is published here. With a copy of the corpus the full dataset is had back, checked by id and
hash:

```
qa-builder hydrate OWNER/NAME --root CORPUS --out DIR
```"""
_LOADING = """\
```python
import datasets
splits = datasets.load_dataset("OWNER/NAME")  # or the folder of this file
```"""


def _content(manifest: Manifest) -> list[str]:
    if manifest["content"] != "questions":
        return ["## Content", _FULL, _LOADING]
    parts = ["## Content", _QUESTIONS_ONLY]
    release = manifest["release"]
    if n := release.get("repeating_questions"):
        parts.append(f"{n:,} of the questions hold the whole sentence that they ask for. They are\n"
                     "published as their authors wrote them.")  # fmt: skip
    if withheld := release.get("withheld"):
        parts += ["Withheld, since they may quote the corpus:", _counts(withheld)]
    return [*parts, _LOADING]


def _licence(manifest: Manifest) -> list[str]:
    corpus, lines = manifest["corpus"], []
    if (release := manifest.get("release")) and release["licence"]:
        lines.append(f"- Of this release, as named by its publisher: {release['licence']}")
    elif release:
        lines.append("- Of this release: its publisher named none. The questions belong to those "
                     "who wrote them.")  # fmt: skip
    lines += [f"- Of the corpus: {corpus['licence']}",
              f"- Redistribution: {corpus['redistribution']}"]  # fmt: skip
    return ["## Licence and redistribution", "\n".join(lines)]


def _provenance(manifest: Manifest) -> list[str]:
    by = manifest["created_by"]
    rows = [[s["role"], f"`{s['path']}`", f"`{s['sha256']}`"] for s in manifest["sources"]]
    return [
        "## Provenance",
        f"- Fingerprint of the full dataset: `{manifest['fingerprint']}`\n"
        f"- Made by {by['name']} {by['version']}, code `{by['code']}`",
        _table(["source", "file", "sha256"], rows, left=3),
    ]


def _findings(manifest: Manifest) -> list[str]:
    lines = [f"- **{f['id']}** ({f['severity']}, {f['count']:,}): {f['message']}"
             for f in manifest["findings"]]  # fmt: skip
    return ["## Findings", "\n".join(lines) or "None."]


def _limits(manifest: Manifest) -> list[str]:
    toy = "- Toy data: it shows that the tools run, and no more.\n"
    return ["## Limits", (toy if manifest["corpus"]["toy"] else "") + """\
- A score counts for this fingerprint, split and scoring convention alone. Other revisions of the same
  corpus differ in their sentences, so scores on them can't be compared.
- A score without that of `copy-question` beside it can't tell reading the video from reading the
  question.
- The questions stand for a dialogue that was not recorded: no signer was asked them."""]  # fmt: skip  # noqa: E501


_PAPER = """\
@article{liu2026sslssaw,
  title   = {{SSL-SSAW}: Self-Supervised Learning with Sigmoid Self-Attention Weighting for Question-Based Sign Language Translation},
  author  = {Liu, Zekang and Feng, Wei and Shang, Fanhua and Hu, Lianyu and Feng, Jichao and Gao, Liqing},
  journal = {Pattern Recognition},
  year    = {2026},
  pages   = {114189},
  note    = {arXiv:2509.14036}
}
"""  # noqa: E501


def _citation(manifest: Manifest) -> list[str]:
    corpus = f"{c.strip()}\n\n" if (c := manifest["corpus"]["citation"]) else ""
    return ["## Citation", f"```bibtex\n{corpus}{_PAPER}```"]
