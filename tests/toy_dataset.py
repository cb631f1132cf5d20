"""The toy corpora's datasets, built as a user builds them."""

from __future__ import annotations

from pathlib import Path

from qa_builder.build import build
from qa_builder.config import BuildConfig
from qa_builder.corpora import open_corpus
from qa_builder.corpora.toy import copy_toy
from qa_builder.questions import open_source


def toy_root(name: str, folder: Path) -> Path:
    """The root of a toy corpus (phoenix, csl-daily), copied below `folder`."""
    copy_toy(folder / "toy")
    return folder / "toy" / name


def toy_dataset(name: str, folder: Path) -> Path:
    """The dataset of a toy corpus with its annotated questions."""
    root = toy_root(name, folder)
    files = sorted((root / "annotated-questions").iterdir())
    config = BuildConfig(corpus=name, questions=f"annotated:{','.join(map(str, files))}")
    corpus = open_corpus(config, str(root))
    return build(config, corpus, open_source(config, corpus), folder / "dataset").path
