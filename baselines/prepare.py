"""`qbslt-bench prepare-vocabulary`: texts of a dataset in, a vocabulary out. (Ours.)"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from baselines.vocabulary import BOUNDARY, LEARNED, learn, load
from qa_builder.dataset import Dataset
from qa_builder.errors import QbsltError

_SHOWN = 40
Table = tuple[str, list[str], list[list[str]]]


def prepare(dataset: Dataset, out: Path, checkpoint: str | None, size: int | None) -> Table:
    """Write a vocabulary of a dataset into `out`: the checkpoint's pieces, or `size` learned ones.

    Gives what is to be told of it. Raises QbsltError where it is not one of both that is asked for,
    for an `out` that holds something else, and as `baselines.trim.trim_mbart` does.
    """
    if (checkpoint is None) == (size is None):
        raise QbsltError(
            "it is not said what to make: exactly one of --checkpoint and --size is needed.",
            cure="--checkpoint facebook/mbart-large-cc25 for the preset paper, --size 4000 for "
            "training from scratch.",
        )
    _check_out(out)
    texts, references = train_texts(dataset), _references(dataset)
    if checkpoint is not None:
        return _trimmed(dataset, checkpoint, texts, references, out)
    learn(texts, size or 0, out)
    vocabulary = load(out)
    pieces = vocabulary.tokenizer.get_vocab()
    rows = [["kind", LEARNED], ["pieces", f"{len(vocabulary):,}"]]
    for split, sentences in references.items():
        rows += _told(
            split, {c for t in sentences for c in t.replace(" ", BOUNDARY)} - pieces.keys()
        )
    return f"Vocabulary {out}", ["what", "value"], rows


def train_texts(dataset: Dataset) -> list[str]:
    """Train's sentences, and its questions and glosses in lower case.

    Raises QbsltError for a release without sentences.
    """
    if dataset.questions_only or "train" not in dataset.splits:
        raise QbsltError("has no sentences of train to take pieces from.", file=dataset.path,
                         cure="Join a questions-only release with the corpus: `qa-builder hydrate`.")  # fmt: skip  # noqa: E501
    columns = dataset.columns("train", ["text", "question", "gloss"])
    others = [t.lower() for name in ("question", "gloss") for t in columns[name] if t]
    return [*columns["text"], *others]


def _references(dataset: Dataset) -> dict[str, Sequence[str]]:
    return {split: dataset.columns(split, ["text"])["text"] for split in dataset.splits}


def _check_out(out: Path) -> None:
    if out.is_file() or (
        out.is_dir() and any(out.iterdir()) and not (out / "vocabulary.json").is_file()
    ):
        raise QbsltError(
            "is there and holds no vocabulary.", file=out, cure="Choose another --out."
        )


def _trimmed(
    dataset: Dataset, checkpoint: str, texts: list[str], references: dict[str, Sequence[str]],
    out: Path,
) -> Table:  # fmt: skip
    from baselines.trim import trim_mbart

    language = str(next(iter(dataset.samples("train"))).text_language)
    made = trim_mbart(checkpoint, texts, out, language=language, references=references)
    rows = [
        ["kind", f"{made.vocabulary.kind} {made.vocabulary.code}"],
        ["pieces", f"{made.pieces_before:,} -> {made.pieces_after:,}"],
        ["parameters", f"{made.parameters_before:,} -> {made.parameters_after:,}"],
        ["characters that the checkpoint lacked", _listed(made.added)],
    ]
    for split, characters in made.in_bytes.items():
        rows += _told(split, characters)
    return f"Vocabulary {out}, cut from {checkpoint}", ["what", "value"], rows


def _told(split: str, characters: set[str] | Sequence[str]) -> list[list[str]]:
    """What is told of a split's sentences, all of which come back from their pieces."""
    return [[f"characters of {split} spelled in bytes", _listed(sorted(characters))]]


def _listed(characters: Sequence[str]) -> str:
    if not characters:
        return "none"
    more = " ..." if len(characters) > _SHOWN else ""
    return f"{len(characters):,}: {' '.join(characters[:_SHOWN])}{more}"
