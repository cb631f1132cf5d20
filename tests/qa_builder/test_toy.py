"""The toy corpora: the real ones' layouts, read by their readers, and none of their text."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from qa_builder.corpora import csl_daily, phoenix
from qa_builder.corpora.base import ClipBatch, Notes
from qa_builder.corpora.csl_daily import CslDaily
from qa_builder.corpora.phoenix import Phoenix
from qa_builder.corpora.safe_pickle import load_plain
from qa_builder.corpora.toy import TOY_MARKER, copy_toy, toy_info
from qa_builder.errors import QbsltError
from qa_builder.text import INVISIBLE, squeeze

SIZES = {"train": 84, "dev": 16, "test": 20}
RELEASE = "PHOENIX-2014-T-release-v3/PHOENIX-2014-T"


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return copy_toy(tmp_path_factory.mktemp("copy") / "toy")


@pytest.fixture(scope="module")
def german(roots: list[Path]) -> dict[str, ClipBatch]:
    notes = Notes()
    batches = {b.split: b for b in Phoenix(roots[0]).read(notes)}
    assert not notes.rejects and not notes.findings
    return batches


@pytest.fixture(scope="module")
def chinese(roots: list[Path]) -> dict[str, ClipBatch]:
    notes = Notes()
    batches = {b.split: b for b in CslDaily(roots[1]).read(notes)}
    assert not notes.rejects and not notes.findings
    return batches


def _all_ids(batches: dict[str, ClipBatch]) -> list[str]:
    return [i for b in batches.values() for i in b.clip_id]


def _question_rows(root: Path) -> Iterator[tuple[str, str, str, str, str]]:
    """split, id, gloss, text and question of each row of the annotated questions."""
    for path in sorted((root / "annotated-questions").iterdir()):
        _, split, _ = path.name.split(".")
        for row in path.read_text(encoding="utf-8").splitlines():
            if "%" in row:
                head, question, gloss = row.split("%")
                name, text = head.split(" ", 1)
                folder, name = name.split("/")
                assert folder == split
                yield split, name, gloss, text, question
            else:
                _, name, _, gloss, chars, words, question, *rest = row.split("|")
                assert squeeze(chars) == squeeze(words) and rest in ([], [""])
                yield split, name, gloss, squeeze(chars), question


@pytest.mark.parametrize("corpus", ["german", "chinese"])
def test_sizes_ids_and_signers(corpus: str, request: pytest.FixtureRequest) -> None:
    batches: dict[str, ClipBatch] = request.getfixturevalue(corpus)
    assert {s: len(b) for s, b in batches.items()} == SIZES
    ids = _all_ids(batches)
    assert len(set(ids)) == len(ids)
    assert len({s for b in batches.values() for s in b.signer}) >= 5
    assert all(t.strip() == t and t for b in batches.values() for t in b.text)
    assert all(g and g == " ".join(g.split()) for b in batches.values() for g in b.gloss)


def test_the_german_toy_reads_like_the_weather(german: dict[str, ClipBatch]) -> None:
    for batch in german.values():
        for clip_id, text, frames in zip(batch.clip_id, batch.text, batch.frames, strict=True):
            day, _, number = clip_id.partition("_toy-")
            date = datetime.strptime(day, "%d%B_%Y_%A")
            assert date.strftime("%d%B_%Y_%A") == day and date.year > 2013 and int(number) > 0
            assert re.fullmatch(r"[a-zäöüß]+( [a-zäöüß]+){4,19}", text), text
            assert frames and frames.endswith(f"/{batch.split}/{clip_id}/*.png")
    glosses = " ".join(g for b in german.values() for g in b.gloss if g)
    tokens = set(glosses.split())
    assert tokens >= {"__ON__", "loc-SUED", "cl-KOMMEN", "poss-EUCH", "neg-REGEN", "negalp-KEIN"}
    assert tokens >= {"IX", "WIE-AUSSEHEN", "REGEN+", "J+U+L+I"}
    assert re.fullmatch(r"[A-Z_+a-z -]+", glosses)


def test_the_chinese_toy_keeps_one_sentence_a_number(chinese: dict[str, ClipBatch]) -> None:
    texts, splits = defaultdict(set), defaultdict(set)
    for split, b in chinese.items():
        for row in zip(b.clip_id, b.signer, b.text, b.n_frames, b.words or (), b.pos_tags or (),
                       strict=True):  # fmt: skip
            clip_id, signer, text, frames, words, tags = row
            number, said, _ = clip_id.split("_")
            assert re.fullmatch(r"S9\d{5}", number) and int(said[1:]) == int(signer or -1)
            assert "".join(words or ()) == text and len(words or ()) == len(tags or ())
            assert 35 <= (frames or 0) <= 200 and text[-1] in "。？！"
            texts[number].add(text)
            splits[text].add(split)
    assert all(len(t) == 1 for t in texts.values())
    kinds = Counter(tuple(sorted(s)) for s in splits.values())
    assert kinds["dev", "test"] >= 5 and set(kinds) <= {("train",), ("dev",), ("test",), ("dev", "test")}  # fmt: skip  # noqa: E501


def test_the_pickle_and_the_table_agree(roots: list[Path], chinese: dict[str, ClipBatch]) -> None:
    table = {b.split: b for b in CslDaily(roots[1], "video-map").read(Notes())}
    for split, batch in chinese.items():
        for column in ("clip_id", "text", "gloss", "n_frames", "words", "pos_tags"):
            assert getattr(table[split], column) == getattr(batch, column)
    data: dict[str, Any] = load_plain(roots[1] / "sentence_label" / csl_daily.PICKLE)
    assert list(data) == ["info", "gloss_map", "char_map", "word_map", "postag_map"]
    for field in ("gloss", "char", "word", "postag"):
        used = {token for row in data["info"] for token in row[f"label_{field}"]}
        assert set(data[f"{field}_map"]) == used
        assert sorted(data[f"{field}_map"].values()) == list(range(len(used)))


@pytest.mark.parametrize("corpus", ["german", "chinese"])
def test_questions_join_by_id(
    corpus: str, roots: list[Path], request: pytest.FixtureRequest
) -> None:
    batches: dict[str, ClipBatch] = request.getfixturevalue(corpus)
    clips = {
        (s, i): (g, t)
        for s, b in batches.items()
        for i, g, t in zip(b.clip_id, b.gloss, b.text, strict=True)
    }
    rows = list(_question_rows(roots[corpus == "chinese"]))
    assert {(s, i): (g, t) for s, i, g, t, _ in rows} == clips and len(rows) == len(clips)
    questions = [q for *_, q in rows]
    assert sum(not q.strip() for q in questions) == 1
    assert sum(len(INVISIBLE.findall(q)) for q in questions) == 1
    copies = {s for s, _, _, t, q in rows if squeeze(t).rstrip("。？") == squeeze(q).rstrip("？")}
    assert "train" in copies


def test_the_info_is_the_toys_own_at_every_level(roots: list[Path], tmp_path: Path) -> None:
    for root in (roots[0], roots[0] / RELEASE, roots[0] / RELEASE / "annotations/manual"):
        info = Phoenix(root).info
        assert (info.name, info.dataset, info.toy) == ("toy-phoenix", "toy-phoenix-qa", True)
    info = CslDaily(roots[1]).info
    assert (info.name, info.dataset, info.toy) == ("toy-csl-daily", "toy-csl-daily-qa", True)
    assert info.licence == "Apache-2.0" and info.citation == "" and info.text_language == "zh"
    assert toy_info(tmp_path, phoenix.INFO) is phoenix.INFO


@pytest.mark.parametrize(
    "marker", [b"{", b"\xff", b"[]", b'{"toy": true, "corpus": "x"}',
               b'{"toy": false, "corpus": "x", "dataset": "y", "title": "z"}'],
)  # fmt: skip
def test_a_broken_marker_is_an_error(marker: bytes, tmp_path: Path) -> None:
    (tmp_path / TOY_MARKER).write_bytes(marker)
    with pytest.raises(QbsltError, match=rf"{TOY_MARKER}.*qa-builder toy") as caught:
        toy_info(tmp_path, phoenix.INFO)
    assert caught.value.exit_code == 2


def _state(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


def test_copying_again_does_nothing_and_restores_what_is_lost(tmp_path: Path) -> None:
    (root, other) = copy_toy(tmp_path / "a" / "toy")
    assert (root.name, other.name) == ("phoenix", "csl-daily")
    first = _state(tmp_path)
    (tmp_path / "a" / "toy" / "mine.txt").write_text("kept")
    copy_toy(tmp_path / "a" / "toy")
    assert first.items() <= _state(tmp_path).items()
    (tmp_path / "a" / "toy" / "mine.txt").unlink()
    marker = root / TOY_MARKER
    marker.write_text("{")
    (other / TOY_MARKER).unlink()
    copy_toy(tmp_path / "a" / "toy")
    assert json.loads(marker.read_text())["toy"] is True
    assert {p: data for p, (data, _) in _state(tmp_path).items()} == {
        p: data for p, (data, _) in first.items()
    }


def test_other_peoples_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(QbsltError, match=r"1 files.*notes\.txt"):
        copy_toy(tmp_path)
    with pytest.raises(QbsltError, match="not a folder"):
        copy_toy(tmp_path / "notes.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def _plain(text: str) -> str:
    return re.sub(r"[\W_\u200b]", "", text).lower()


def test_no_text_is_of_the_real_corpora(
    shared: Path, roots: list[Path], german: dict[str, ClipBatch], chinese: dict[str, ClipBatch]
) -> None:
    real = [b for c in (Phoenix(shared), CslDaily(shared / "CSL-Daily")) for b in c.read(Notes())]
    assert sum(map(len, real)) > 28_000
    texts = {_plain(t) for b in real for t in b.text}
    glosses = {g for b in real for g in b.gloss}
    ids = {i for b in real for i in b.clip_id}
    for batch in (*german.values(), *chinese.values()):
        assert not texts & {_plain(t) for t in batch.text}
        assert not glosses & set(batch.gloss)
        assert not ids & set(batch.clip_id)
