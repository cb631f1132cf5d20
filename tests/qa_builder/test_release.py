"""A questions-only release holds nothing that belongs to the owners of the corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from small_dataset import GLOSSES, TEXTS, small_dataset
from toy_dataset import toy_dataset

from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError
from qa_builder.publish.release import full_manifest, make_release
from qa_builder.samples import RELEASE_COLUMNS, SPLITS
from qa_builder.text import normalize_question
from qa_builder.verify import verify


def strings(value: Any) -> list[str]:
    """All the strings in a value of nested lists and mappings."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return [s for v in value for s in strings(v)] if isinstance(value, list) else []


def all_bytes(release: Path) -> bytes:
    """Every file as it is, and every Parquet value decompressed, less the questions."""
    found = [p.read_bytes() for p in sorted(release.rglob("*")) if p.is_file()]
    for split in SPLITS:
        table = pq.read_table(release / "data" / f"{split}.parquet")
        assert table.schema.names == list(RELEASE_COLUMNS)
        kept = table.drop_columns(["question", "question_normalized"])
        found += [s.encode() for s in strings(kept.to_pylist())]
    return b"\n".join(found)


@pytest.mark.parametrize("corpus", ["phoenix", "csl-daily"])
def test_toy_release_has_no_corpus_text(tmp_path: Path, corpus: str) -> None:
    dataset = open_dataset(toy_dataset(corpus, tmp_path))
    make_release(dataset, tmp_path / "release")
    release = open_dataset(tmp_path / "release")
    everything = all_bytes(release.path)
    repeating = 0
    for split in dataset.splits:
        rows = dataset.table(split).to_pylist()
        questions = release.columns(split, ["question", "question_normalized"])
        for row, *asked in zip(rows, *questions.values(), strict=True):
            texts = [row["text"], row["gloss"], " ".join(row["words"] or [])]
            for text in filter(None, texts):
                assert text.encode() not in everything, text
            # A question is its author's, even where it holds the sentence; none is another's.
            assert asked == [row["question"], row["question_normalized"]]
            sentence = normalize_question(row["text"], row["text_language"])
            repeating += bool(asked[1]) and sentence in asked[1]
    assert release.manifest["release"]["repeating_questions"] == repeating
    assert not verify(release.path)


def test_nothing_that_may_quote_is_published(tmp_path: Path) -> None:
    reply, detail = f"The sentence: {TEXTS[0]}", f"kept; the corpus has {TEXTS[2]!r}"
    path = small_dataset(tmp_path / "small", raw_reply=reply, detail=detail, id=TEXTS[1])
    manifest = make_release(open_dataset(path), tmp_path / "release")
    everything = all_bytes(tmp_path / "release")
    for text in filter(None, (*TEXTS, *GLOSSES)):
        assert text.encode() not in everything
    assert manifest["release"]["withheld"] == {
        "details of rejected rows": 1, "replies of language models": 9,
    }  # fmt: skip
    assert "withheld" in (tmp_path / "release" / "README.md").read_text().lower()
    reject = json.loads((tmp_path / "release" / "rejects.jsonl").read_text())
    assert reject == {
        "file": "q.txt",
        "line": 7,
        "id": None,
        "reason": "no-such-clip",
        "detail": "",
    }


def test_own_words_stay(tmp_path: Path) -> None:
    path = small_dataset(tmp_path / "small", detail="the corpus has no such clip")
    manifest = make_release(open_dataset(path), tmp_path / "release")
    assert (tmp_path / "release" / "rejects.jsonl").read_bytes() == (
        path / "rejects.jsonl"
    ).read_bytes()
    assert manifest["release"]["withheld"] == {}


def test_original_manifest_can_be_had_back(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    manifest = make_release(dataset, tmp_path / "release", licence="cc-by-4.0")
    assert manifest["content"] == "questions"
    assert full_manifest(open_dataset(tmp_path / "release").manifest) == dataset.manifest


def test_same_dataset_same_bytes(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    both = []
    for out in (tmp_path / "a", tmp_path / "b"):
        make_release(dataset, out)
        both.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert both[0] == both[1]


def test_full_release_is_the_dataset_with_a_licence(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    make_release(dataset, tmp_path / "release", "full", "cc-by-nc-sa-4.0")
    release = open_dataset(tmp_path / "release")
    assert release.manifest == {**dataset.manifest, "release": {"licence": "cc-by-nc-sa-4.0"}}
    assert not verify(release.path)


def test_wrong_use(tmp_path: Path) -> None:
    dataset = open_dataset(small_dataset(tmp_path / "small"))
    with pytest.raises(QbsltError, match="unknown content 'all'"):
        make_release(dataset, tmp_path / "release", "all")
    make_release(dataset, tmp_path / "release")
    with pytest.raises(QbsltError, match="questions-only release already"):
        make_release(open_dataset(tmp_path / "release"), tmp_path / "again")
