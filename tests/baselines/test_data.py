"""From a dataset and a store to batches: masks, budgets, order, augmentation, what is missing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from simulated_store import simulate

from baselines.augment import Augmentation, chosen_frames, deviation
from baselines.batches import loader, ordered_batches, shard, train_batches
from baselines.config import METHODS, Config, configure
from baselines.data import Batch, Row, SignDataset, feature_dim, flattened, read_rows
from baselines.graph import Graph
from baselines.stores import check_store
from baselines.vocabulary import GlossVocabulary, Vocabulary, learn
from benchmarks.models import visible
from qa_builder.dataset import Dataset, open_dataset
from qa_builder.errors import QbsltError
from qa_builder.features.store import FeatureStore, open_store

torch.set_num_threads(1)
ASKED = Graph("video+question", assist="question")
CTC = Graph("video", assist="gloss", ctc=1.0)


@pytest.fixture(scope="module")
def dataset(toy_phoenix: Path) -> Dataset:
    return open_dataset(toy_phoenix)


@pytest.fixture(scope="module")
def store(toy_store: Path) -> FeatureStore:
    return open_store(toy_store)


@pytest.fixture(scope="module")
def vocabulary(dataset: Dataset) -> Vocabulary:
    return learn(dataset.columns("train", ["text"])["text"], 500)


def config(**options: Any) -> Config:
    tiny = {"preset": "tiny", "features": "store", "max_frames": 64, "batch_frames": 400}
    return configure(METHODS["ssl-ssaw"], {**tiny, **options})


def rows_of(
    dataset: Dataset, store: FeatureStore, graph: Graph = ASKED, split: str = "train",
    train: bool = True, **options: Any,
) -> list[Row]:  # fmt: skip
    samples = dataset.samples(split)
    seen = samples if train else (visible(s, graph.track) for s in samples)
    return read_rows(seen, graph, config(**options), split=split, train=train, store=store)


@pytest.fixture(scope="module")
def data(dataset: Dataset, store: FeatureStore, vocabulary: Vocabulary) -> SignDataset:
    rows = rows_of(dataset, store)
    return SignDataset(rows, vocabulary, config(), train=True, store=store, seed=3)


def same(a: Batch, b: Batch) -> bool:
    """Whether two batches have the same bits."""
    for name in a.__dataclass_fields__:
        x, y = getattr(a, name), getattr(b, name)
        if not (torch.equal(x, y) if isinstance(x, torch.Tensor) else x == y):
            return False
    return True


def test_a_batch_is_what_its_docstring_says(
    dataset: Dataset, store: FeatureStore, vocabulary: Vocabulary
) -> None:
    glosses = GlossVocabulary.learn(dataset.columns("train", ["gloss"])["gloss"])
    rows = rows_of(dataset, store, ASKED._replace(ctc=1.0))
    some = SignDataset(rows, vocabulary, config(max_frames=999, batch_frames=2000), train=True,
                       store=store, glosses=glosses)  # fmt: skip
    batch = next(iter(loader(some, [[5, 0, 9]])))
    samples = list(dataset.samples("train"))
    assert batch.features is not None and batch.frame_mask is not None
    for b, i in enumerate((5, 0, 9)):
        sample = samples[i]
        assert (batch.sample_ids[b], batch.texts[b]) == (sample.sample_id, sample.text)
        clip = torch.from_numpy(store[sample.clip.clip_id].astype(np.float32))
        assert torch.equal(batch.features[b, : len(clip)], clip)
        assert not batch.features[b, len(clip) :].any()
        assert batch.frame_mask[b].sum() == len(clip) and batch.frame_mask[b, : len(clip)].all()
        assert batch.gloss_lengths is not None and batch.glosses is not None
        n = int(batch.gloss_lengths[b])
        assert glosses.decode(batch.glosses[b].tolist()) == sample.gloss
        assert n == len((sample.gloss or "").split()) and not batch.glosses[b, n:].any()
        assert sample.question
        assert vocabulary.decode(batch.assist_ids)[b] == sample.question.text.lower()  # type: ignore[arg-type]
    assert vocabulary.decode(batch.target_ids) == batch.texts  # type: ignore[arg-type]
    assert batch.features.dtype == torch.float32 and batch.features.shape[2] == 32
    assert torch.equal(batch.assist_mask, batch.assist_ids != vocabulary.pad_id)  # type: ignore[arg-type]
    assert batch.frames == sum(len(store[samples[i].clip.clip_id]) for i in (5, 0, 9))
    moved = batch.to("cpu")
    assert len(moved) == 3 and same(moved, batch)


def test_batches_hold_each_row_once_within_their_budget(data: SignDataset) -> None:
    for epoch in range(3):
        batches = train_batches(data, epoch)
        assert sorted(i for b in batches for i in b) == list(range(len(data)))
        for keys, batch in zip(batches, loader(data, batches, epoch), strict=True):
            assert batch.features is not None
            assert len(keys) <= data.config.batch_size
            assert math.prod(batch.features.shape[:2]) <= data.config.batch_frames
    of_like_length = [len({data.lengths(augmented=True)[i] for i in b}) for b in batches]
    assert len(batches) < len(data) / 3 and np.mean(of_like_length) < 6
    longest = [max(data.lengths(augmented=False)[i] for i in b) for b in ordered_batches(data)]
    assert longest == sorted(longest, reverse=True)


def test_the_order_is_that_of_seed_and_epoch_alone(data: SignDataset) -> None:
    assert train_batches(data, 4) == train_batches(data, 4) != train_batches(data, 5)
    other = SignDataset(data.rows, _vocabulary(data), data.config, train=True, store=data.store,
                        seed=4)  # fmt: skip
    assert train_batches(other, 4) != train_batches(data, 4)


def _vocabulary(data: SignDataset) -> Vocabulary:
    return learn([r.text for r in data.rows], 500)


def test_going_on_in_mid_epoch_and_workers_change_no_bit(data: SignDataset) -> None:
    batches = train_batches(data, 2)
    whole = list(loader(data, batches, 2))
    rest = list(loader(data, batches, 2, start=3))
    assert len(rest) == len(whole) - 3
    assert all(same(a, b) for a, b in zip(whole[3:], rest, strict=True))
    by_workers = list(loader(data, batches, 2, workers=2))
    assert all(same(a, b) for a, b in zip(whole, by_workers, strict=True))


def test_ranks_share_the_batches(data: SignDataset) -> None:
    batches = [[i] for i in range(7)]
    shares = [shard(batches, rank, 3) for rank in range(3)]
    assert sorted(b for share in shares for b in share) == batches
    even = [shard(batches, rank, 3, even=True) for rank in range(3)]
    assert [len(share) for share in even] == [3, 3, 3]
    assert {b[0] for share in even for b in share} == set(range(7))
    assert [len(shard(batches[:2], rank, 5, even=True)) for rank in range(5)] == [1] * 5
    assert shard(batches, 0, 1, even=True) == batches


def test_augmentation_is_that_of_the_key_alone_and_off_at_test(data: SignDataset) -> None:
    def frames(index: int, epoch: int | None) -> np.ndarray[Any, Any]:
        found = data[index, epoch].features
        assert found is not None
        return found

    assert np.array_equal(frames(0, 1), frames(0, 1))
    assert not np.array_equal(frames(0, 1)[0], frames(0, 2)[0])
    clip = data.store[data.rows[0].clip_id] if data.store else np.empty(0)
    kept = chosen_frames(len(clip), len(clip), 64)
    assert np.array_equal(frames(0, None), clip[kept].astype(np.float32))
    lengths = [len(frames(0, epoch)) for epoch in range(40)]
    assert max(lengths) <= 64 and len(set(lengths)) > 5


def test_a_share_of_the_questions_is_hidden_in_training(
    dataset: Dataset, store: FeatureStore, vocabulary: Vocabulary, data: SignDataset
) -> None:
    rows, half = rows_of(dataset, store), config(assist_dropout=0.5)
    hiding = SignDataset(rows, vocabulary, half, train=True, store=store, seed=3)
    keys = [(i, epoch) for epoch in range(10) for i in range(len(rows))]
    items = [hiding[key] for key in keys]
    hidden = {key for key, item in zip(keys, items, strict=True) if item.hidden}
    assert 0.4 < len(hidden) / len(keys) < 0.6
    assert hidden == {key for key in reversed(keys) if hiding[key].hidden}  # of the key alone
    assert len({i for i, _ in hidden}) == len(rows)  # others in each epoch
    assert not any(hiding[(i, None)].hidden for i in range(len(rows)))
    asked, empty = (next(k for k in keys if (k in hidden) is h) for h in (False, True))
    batch = hiding.collate([hiding[asked], hiding[empty]])
    assert batch.assist_ids is not None and batch.assist_mask is not None
    pieces = [batch.assist_ids[i][batch.assist_mask[i]].tolist() for i in range(2)]
    assert pieces == [
        vocabulary.encode([str(rows[asked[0]].source)])[0],
        vocabulary.encode([""])[0],
    ]
    plain = [data[asked], data[empty]]  # the frames are the same with and without
    assert torch.equal(data.collate(plain).features, batch.features)  # type: ignore[arg-type]
    assert not any(item.hidden for item in plain)


def test_tempo_drops_and_noise_are_what_the_options_say() -> None:
    clip = np.arange(200, dtype=np.float16)[:, None] * np.ones(3, np.float16)
    clip[7] = np.nan
    still = Augmentation(0.0, 0.0, None, 512)
    draw = np.random.default_rng(0)
    assert np.array_equal(still(clip, draw), clip.astype(np.float32), equal_nan=True)
    faster = [len(replace(still, time_scale=0.5)(clip, draw)) for _ in range(300)]
    assert 100 <= min(faster) < 110 and 290 < max(faster) <= 300
    dropped = [len(replace(still, frame_drop=0.25)(clip, draw)) for _ in range(100)]
    assert abs(np.mean(dropped) - 150) < 3
    noise = np.array([0.5, 0, 2], np.float32)
    differences = replace(still, noise=noise, max_frames=4000)(np.repeat(clip, 20, 0), draw)
    differences -= np.repeat(clip, 20, 0).astype(np.float32)
    assert np.allclose(np.nanstd(differences, 0), noise, rtol=0.06)
    assert np.isnan(differences[7 * 20]).all()  # what is missing stays missing
    assert len(replace(still, frame_drop=0.999)(clip[:2], draw)) >= 1
    assert chosen_frames(10, 10, 4).tolist() == [0, 3, 6, 9]


def test_the_deviation_is_of_what_is_there(store: FeatureStore) -> None:
    ids = store.clip_ids[:5]
    frames = np.concatenate([store[i] for i in ids]).astype(np.float64)
    assert np.allclose(deviation(store, [*ids, ids[0]]), np.nanstd(frames, 0), atol=1e-4)


def test_landmarks_are_flattened_with_their_presence() -> None:
    points = np.arange(2 * 3 * 2, dtype=np.float32).reshape(2, 3, 2)
    points[1, 2] = np.nan
    flat = flattened(points)
    assert flat.shape == (2, 9) and not np.isnan(flat).any()
    assert flat[1].tolist() == [6, 7, 8, 9, 0, 0, 1, 1, 0]
    embedding = np.array([[1, np.nan]], np.float32)
    assert flattened(embedding).tolist() == [[1, 0]]


def test_dimensions_of_a_frame(store: FeatureStore, toy_phoenix: Path, tmp_path: Path) -> None:
    assert feature_dim(store) == 32
    landmarks = _landmarks(open_dataset(toy_phoenix), tmp_path)
    assert landmarks.shape == (4, 3) and feature_dim(landmarks) == 16
    rows = [Row("a", landmarks.clip_ids[0], "x")]
    data = SignDataset(rows, learn(["x"], 300), config(), train=True, store=landmarks)
    assert data[0, None].features.shape[1] == data[0, 3].features.shape[1] == 16  # type: ignore[union-attr]


def _landmarks(dataset: Dataset, folder: Path) -> FeatureStore:
    from click.testing import CliRunner

    from qa_builder.cli import main

    draw = np.random.default_rng(0)
    (folder / "arrays").mkdir()
    for split in dataset.splits:
        for clip_id in dataset.columns(split, ["clip_id"])["clip_id"]:
            frames = draw.random((20, 4, 3), dtype=np.float32)
            np.save(folder / "arrays" / f"{clip_id}.npy", frames)
    given = ["--extractor", "import", "--from", str(folder / "arrays"), "--workers", "0"]
    result = CliRunner().invoke(
        main, ["features", str(dataset.path), *given, "--out", str(folder / "store")]
    )
    assert result.exit_code == 0, result.output
    return open_store(folder / "store")


# --- what is asked, and what is missing ---


def test_a_method_sees_only_what_is_its(dataset: Dataset, store: FeatureStore) -> None:
    asked = rows_of(dataset, store, split="test", train=False)
    assert all(r.source and not r.text and not r.gloss for r in asked)
    read = rows_of(dataset, store, CTC, split="test", train=False)
    assert all(r.source is None and not r.gloss for r in read)
    taught = rows_of(dataset, store, CTC)
    assert all(r.source == r.gloss.lower() != "" for r in taught)
    assert rows_of(dataset, store, CTC, lowercase_source=False)[0].source == taught[0].gloss
    assert all(r.source is None for r in rows_of(dataset, store, Graph("video")))


def test_wrong_questions_are_others_and_only_at_test(dataset: Dataset, store: FeatureStore) -> None:
    wrong = ASKED._replace(track="control", wrong_question=True)
    right = rows_of(dataset, store, split="test", train=False)
    moved = rows_of(dataset, store, wrong, split="test", train=False)
    assert sorted(str(r.source) for r in moved) == sorted(str(r.source) for r in right)
    assert [r.source for r in moved] != [r.source for r in right]
    assert rows_of(dataset, store, wrong) == rows_of(dataset, store)


def test_without_questions_or_sentences(dataset: Dataset, store: FeatureStore) -> None:
    samples = list(dataset.samples("dev"))
    none = [s._replace(question=None) for s in samples]
    with pytest.raises(QbsltError, match=r"ssl-ssaw needs a question for each sample; dev has n"):
        read_rows(none, ASKED, config(), split="dev", train=True, store=store)
    with pytest.raises(QbsltError, match=r"needs a gloss for each sample; dev has none"):
        read_rows([s._replace(gloss=None) for s in samples], CTC, config(), split="dev", train=True)
    with pytest.raises(QbsltError, match="have no sentences to learn from"):
        read_rows([s._replace(text="") for s in samples], ASKED, config(), split="dev", train=True)
    with pytest.raises(QbsltError, match="the split dev has no samples"):
        read_rows([], ASKED, config(), split="dev", train=True)


def test_some_empty_questions_are_told(
    dataset: Dataset, store: FeatureStore, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = dataset.samples("dev")
    some = [first._replace(question=None), *others]
    rows = read_rows(some, ASKED, config(), split="dev", train=True, store=store)
    assert rows[0].source == "" and len(rows) == len(some)
    assert f"1 of {len(some)} samples of dev have no question" in capsys.readouterr().err


def test_missing_clips(
    dataset: Dataset, toy_phoenix: Path, tmp_path: Path, vocabulary: Vocabulary,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    part = open_store(simulate(toy_phoenix, tmp_path / "part", "--limit", "6"))
    check_store(part, dataset)
    n = len(set(dataset.columns("test", ["clip_id"])["clip_id"])) - 6
    with pytest.raises(QbsltError) as e:
        rows_of(dataset, part, split="test", train=False)
    assert f"{n} clips of test have no features: " in str(e.value)
    assert "allow_missing_features=true" in str(e.value) and e.value.file == part.path
    kept = rows_of(dataset, part, allow_missing_features=True)
    assert {r.clip_id for r in kept} == set(part.clip_ids) & {r.clip_id for r in kept}
    assert "left out" in capsys.readouterr().err
    rows = rows_of(dataset, part, split="test", train=False, allow_missing_features=True)
    assert "translated without their video" in capsys.readouterr().err
    assert len(rows) == len(list(dataset.samples("test"))) and sum(not r.video for r in rows) == n
    data = SignDataset(rows, vocabulary, config(), train=False, store=part)
    batches = list(loader(data, ordered_batches(data)))
    ids = [i for b in batches for i in b.sample_ids]
    assert sorted(ids) == sorted(r.sample_id for r in rows)
    last = batches[-1]
    assert last.features is not None and last.features.shape[1] == 1 and not last.features.any()
    assert last.target_ids is None
    with pytest.raises(QbsltError, match="has features of no clip of none"):
        read_rows([s._replace(clip=s.clip._replace(clip_id="x")) for s in dataset.samples("dev")],
                  ASKED, config(allow_missing_features=True), split="none", train=True, store=part)  # fmt: skip  # noqa: E501


def test_a_store_of_another_dataset(
    dataset: Dataset, store: FeatureStore, toy_csl: Path, toy_phoenix: Path, tmp_path: Path
) -> None:
    check_store(store, dataset)
    with pytest.raises(QbsltError) as e:
        check_store(store, open_dataset(toy_csl))
    assert "was made of toy-phoenix-qa (fingerprint " in str(e.value)
    assert "clips of dev, test, train are not those of" in str(e.value)
    assert "\n" not in str(e.value)
    part = open_store(simulate(toy_phoenix, tmp_path / "part", "--splits", "train"))
    with pytest.raises(QbsltError, match=r"has no features of dev, test; it has: train"):
        check_store(part, dataset)
    check_store(part, dataset, ["train"])


def test_questions_do_not_matter_to_a_store(
    store: FeatureStore, toy_phoenix: Path, tmp_path: Path
) -> None:
    from click.testing import CliRunner

    from qa_builder.cli import main

    root = toy_phoenix.parent / "corpora" / "phoenix"
    given = ["build", "phoenix", "--root", str(root), "--questions", "none"]
    result = CliRunner().invoke(main, [*given, "--out", str(tmp_path / "none")])
    assert result.exit_code == 0, result.output
    check_store(store, open_dataset(tmp_path / "none"))


def test_text_alone(dataset: Dataset, vocabulary: Vocabulary) -> None:
    text = configure(METHODS["gloss-to-text"], {"preset": "tiny"})
    graph = Graph("video+gloss", sign=False, assist="gloss")
    rows = read_rows(dataset.samples("train"), graph, text, split="train", train=True)
    data = SignDataset(rows, vocabulary, text, train=True)
    batch = next(iter(loader(data, train_batches(data, 0), 0)))
    assert batch.features is None and batch.frame_mask is None and batch.frames == 0
    assert batch.assist_ids is not None and len(batch) == text.batch_size
    assert len({int(m.sum()) for m in batch.assist_mask}) < 6  # type: ignore[union-attr]
