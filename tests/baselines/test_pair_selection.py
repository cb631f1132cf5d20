"""Pair selection against a slow reference in plain Python, and what holds for any input."""

from __future__ import annotations

import doctest
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import pair_selection
from baselines.pair_selection import SCHEDULES, PairSelector, curriculum, group_by, same_group
from qa_builder.errors import QbsltError

symmetrise = pair_selection.symmetrise


def scores_of(n: int, seed: int, largest: int = 2**18) -> Any:
    """Symmetric scores whose sums in float32 are exact; few of them are equal."""
    d = np.random.default_rng(seed).integers(-largest, largest, size=(n, n))
    return (d + d.T).astype(np.float32)


def quiet(*given: Any, **more: Any) -> PairSelector:
    return PairSelector(*given, **more, log=lambda line: None)


def reference_pick(scores: Any, chosen: list[int], free: list[int], of: Any, ratio: float) -> float:
    """The increment of the candidate at the quantile: sums and a sort, as the paper has it."""
    sums = [sum(float(scores[u, c]) for c in chosen if of[u] != of[c]) for u in free]
    return sorted(sums)[int(ratio * (len(sums) - 1) + 0.5)]


def check_against_reference(
    selector: PairSelector, epoch: int, scores: Any, of: Any, apart: bool
) -> int:
    """Follow each pick of an epoch; gives how many picks were forced."""
    selected = selector.epoch(epoch)
    left, forced, n_batches = set(range(len(scores))), 0, len(selected.batches)
    rows = Counter(of)
    most = {g: -(-rows[g] // n_batches) if apart else rows[g] for g in rows}
    for k, batch in enumerate(selected.batches):
        chosen: list[int] = []
        for sample in batch.tolist():
            inside = Counter(of[c] for c in chosen)
            free = [u for u in left if inside[of[u]] < most[of[u]]]
            remaining = Counter(of[u] for u in left)
            due = {g: c - most[g] * (n_batches - k - 1) for g, c in remaining.items()}
            if sum(max(v, 0) for v in due.values()) >= len(batch) - len(chosen):
                some = [u for u in free if due[of[u]] > 0]
                forced += len(some) < len(free)
                free = some
            assert sample in free
            if chosen and selected.ratio is not None:
                got = sum(float(scores[sample, c]) for c in chosen if of[sample] != of[c])
                assert got == reference_pick(scores, chosen, free, of, selected.ratio)
            chosen.append(sample)
            left.remove(sample)
    assert not left
    assert forced == selected.forced
    return forced


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("same", ["none", "apart", "positives"])
def test_every_pick_is_the_reference_s(schedule: str, same: str) -> None:
    n, forced = 37, 0
    groups = np.random.default_rng(3).integers(0, 12, n)
    groups[:8] = 99  # one text in as many rows as there are batches
    for epoch in (0, 1, 4, 6):
        scores = scores_of(n, epoch)
        more = {} if same == "none" else {"groups": groups, "same": same}
        selector = quiet(scores, batch_size=5, epochs=7, schedule=schedule, seed=epoch, **more)
        of = list(range(n)) if same == "none" else groups.tolist()
        forced += check_against_reference(selector, epoch, scores, of, same != "positives")
    assert (forced > 0) == (same == "apart")


@settings(max_examples=120)
@given(st.data())
def test_any_input_gives_each_sample_once(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 40), "n")
    size = data.draw(st.integers(2, n), "batch size")
    texts = data.draw(st.lists(st.integers(0, data.draw(st.integers(0, 30))), min_size=n,
                               max_size=n), "texts")  # fmt: skip
    schedule = data.draw(st.sampled_from(sorted(SCHEDULES)), "schedule")
    same = data.draw(st.sampled_from(["apart", "positives"]), "same")
    pool = data.draw(st.none() | st.integers(size, n), "pool")
    scores = scores_of(
        n, data.draw(st.integers(0, 99)), largest=data.draw(st.sampled_from([2, 999]))
    )
    groups = group_by(texts)
    selector = quiet(scores, batch_size=size, epochs=4, schedule=schedule, groups=groups,
                     same=same, pool=pool)  # fmt: skip
    epoch = data.draw(st.integers(0, 3), "epoch")
    selected = selector.epoch(epoch)
    assert sorted(np.concatenate(selected.batches).tolist()) == list(range(n))
    sizes = [len(b) for b in selected.batches]
    assert max(sizes) <= size and max(sizes) - min(sizes) <= 1
    rows = Counter(texts)
    if same == "apart":  # as few rows of a text in a batch as can be
        for batch in selected.batches:
            for text, count in Counter(texts[i] for i in batch).items():
                assert count <= -(-rows[text] // len(sizes))
    pairs = sum(int(same_group(groups[b]).sum()) - len(b) for b in selected.batches)
    assert pairs == selected.together
    if pool is None:
        check_against_reference(selector, epoch, scores, texts, same == "apart")
    again = selector.epoch(epoch)
    assert all(map(np.array_equal, selected.batches, again.batches))


def test_ratio_0_is_the_easiest_batch_and_1_the_hardest() -> None:
    # with d[i, j] = a[i] + a[j] the easiest companions of any sample are those of the least a
    a = np.random.default_rng(0).permutation(60).astype(np.float32)
    scores = symmetrise(a[:, None] + a[None, :])
    for schedule, best in (("easy-only", np.argsort(a)), ("hard-only", np.argsort(-a))):
        for seed in range(5):
            first = quiet(scores, batch_size=6, epochs=1, schedule=schedule, seed=seed).epoch(0)
            seeded, *others = first.batches[0].tolist()
            assert others == [i for i in best.tolist() if i != seeded][:5]


def test_negatives_get_harder_with_the_epochs() -> None:
    scores = symmetrise(np.random.default_rng(5).normal(size=(320, 320)))
    by_schedule = {
        s: [quiet(scores, batch_size=16, epochs=5, schedule=s).epoch(e).score for e in range(5)]
        for s in ("linear", "sqrt", "log", "easy-only", "hard-only", "random")
    }
    for schedule in ("linear", "sqrt", "log"):
        assert by_schedule[schedule] == sorted(by_schedule[schedule])
        assert by_schedule[schedule][0] == by_schedule["easy-only"][0]
    assert by_schedule["log"][1] > by_schedule["sqrt"][1] > by_schedule["linear"][1]
    assert max(by_schedule["easy-only"]) < -0.3 and min(by_schedule["hard-only"]) > 0.3
    assert max(map(abs, by_schedule["random"])) < 0.1


def test_the_score_is_the_mean_d_of_the_negatives() -> None:
    d = np.random.default_rng(1).integers(-99, 99, size=(23, 23)).astype(np.float32)
    groups = np.arange(23) // 2
    for same in ("apart", "positives"):
        selector = quiet(symmetrise(d), batch_size=6, epochs=2, groups=groups, same=same)
        selected = selector.epoch(1)
        negatives = [d[i, j] for batch in selected.batches for i in batch for j in batch
                     if groups[i] != groups[j]]  # fmt: skip
        assert selected.score == pytest.approx(np.mean(negatives))


def test_schedules() -> None:
    assert [curriculum("linear", e, 4) for e in range(4)] == [0, 0.25, 0.5, 0.75]
    assert curriculum("sqrt", 1, 4) == 0.5
    assert curriculum("log", 0, 9) == 0 and curriculum("log", 5, 9) == math.log10(6)
    assert (curriculum("easy-only", 3, 4), curriculum("hard-only", 0, 4)) == (0, 1)
    assert curriculum("random", 0, 4) is None
    for schedule in SCHEDULES:
        assert all(0 <= (curriculum(schedule, e, 80) or 0) <= 1 for e in range(80))


def test_a_seed_and_an_epoch_make_the_batches(tmp_path: Path) -> None:
    scores = scores_of(50, 0)
    np.save(tmp_path / "s.npy", scores)
    mapped = np.load(tmp_path / "s.npy", mmap_mode="r")

    def batches(epoch: int, seed: int = 7, given: Any = scores, **more: Any) -> list[list[int]]:
        selector = quiet(given, batch_size=8, epochs=3, seed=seed, **more)
        selector.epoch(0)  # what was asked before makes no difference
        return [b.tolist() for b in selector.epoch(epoch).batches]

    assert batches(2) == batches(2) == batches(2, given=mapped)
    assert batches(2) == batches(2, given=lambda c, who: scores[who, c], n=50)
    assert batches(2) != batches(1) and batches(2) != batches(2, seed=8)
    assert batches(2, groups=np.arange(50)) == batches(2)  # all texts differ: the rule does nothing


def test_the_sampled_variant_is_said_and_chooses_within_its_pool() -> None:
    # Of very many samples there is no matrix: scores are made of what the samples have.
    a = np.random.default_rng(0).normal(size=100_001).astype(np.float32)
    asked: list[int] = []

    def rows(sample: int, candidates: Any) -> Any:
        asked.append(len(candidates))
        return a[candidates] + a[sample]

    lines: list[str] = []
    more: dict[str, Any] = {"batch_size": 50, "epochs": 2, "schedule": "hard-only"}
    assert PairSelector(rows, n=len(a), log=lines.append, **more).pool == 4096
    assert lines == [
        "pair selection: 100,001 samples, 2,001 batches of 49 or 50, schedule hard-only over 2 "
        "epochs, sampled: 4,096 candidates a batch, drawn at random."
    ]
    selected = quiet(rows, n=5000, pool=400, **more).epoch(0)
    assert max(asked) == 400
    assert sorted(np.concatenate(selected.batches).tolist()) == list(range(5000))
    first = a[selected.batches[0][1:]]  # the 49 greatest of 400 random ones
    assert np.quantile(a[:5000], 0.80) < first.min() < np.quantile(a[:5000], 0.94)


def test_a_pool_without_another_text_asks_all_samples() -> None:
    # 90 rows of one text and 10 others: most pools of 10 hold nothing else
    groups = np.minimum(np.arange(100), 10) + 0
    groups[10:] = 10
    selector = quiet(scores_of(100, 2), batch_size=10, epochs=1, groups=groups, pool=10,
                     schedule="hard-only")  # fmt: skip
    selected = selector.epoch(0)
    held = [Counter(groups[b].tolist())[10] for b in selected.batches]
    assert held == [9] * 10 and selected.together == 10 * 9 * 8


@pytest.mark.parametrize("block", [1, 3, 8, 64])
def test_symmetrise(block: int) -> None:
    d = np.random.default_rng(2).integers(-50, 50, size=(21, 21)).astype(np.float16)
    expected = d + d.T
    assert np.array_equal(symmetrise(d, block=block), expected)
    assert symmetrise(d, block=block).dtype == np.float16
    assert symmetrise(d, d, block=block) is d and np.array_equal(d, expected)


NAN, HUGE = np.full((4, 4), np.nan), np.full((4, 4), 4e4)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: quiet(scores_of(4, 0), batch_size=2, epochs=1, schedule="fast"),
         "unknown schedule of pair selection 'fast'; known are: easy-only, hard-only, l"),
        (lambda: quiet(scores_of(4, 0), batch_size=5, epochs=1), "a batch of 5 of 4 samples"),
        (lambda: quiet(scores_of(4, 0), batch_size=1, epochs=1), "a batch of 1 of 4 samples"),
        (lambda: quiet(scores_of(4, 0)[:3], batch_size=2, epochs=1), "not of shape (3, 4)"),
        (lambda: quiet(np.triu(scores_of(40, 0)), batch_size=2, epochs=1), "symmetrise(d), not d"),
        (lambda: quiet(None, n=4, batch_size=2, epochs=1), "'log' needs scores of pairs"),
        (lambda: quiet(None, batch_size=2, epochs=1, schedule="random"), "number of samples"),
        (lambda: quiet(scores_of(4, 0), batch_size=2, epochs=0), "one epoch at least"),
        (lambda: quiet(scores_of(9, 0), batch_size=4, epochs=1, pool=3), "a pool no smaller"),
        (lambda: quiet(scores_of(4, 0), batch_size=2, epochs=1, groups=np.zeros(3, int)),
         "one number for each of the 4 samples"),
        (lambda: quiet(scores_of(4, 0), batch_size=2, epochs=1, same="x"), "apart, positives"),
        (lambda: quiet(scores_of(4, 0), batch_size=2, epochs=3).epoch(3), "not one of 0..2"),
        (lambda: quiet(NAN, batch_size=2, epochs=1).epoch(0), "of the scores is not finite"),
        (lambda: symmetrise(NAN), "the pair (0, 0) have no finite sum"),
        (lambda: symmetrise(HUGE), "no finite sum in float16"),
        (lambda: symmetrise(NAN[:2]), "not of shape (2, 4)"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(run: Any, said: str) -> None:
    with pytest.raises(QbsltError) as e:
        run()
    assert said in str(e.value)


def test_equal_texts_of_the_real_corpora(shared: Path) -> None:
    from qa_builder.corpora.base import Notes
    from qa_builder.corpora.csl_daily import CslDaily

    batches = CslDaily(shared / "CSL-Daily").read(Notes())
    texts = [text for batch in batches if batch.split == "train" for text in batch.text]
    lines: list[str] = []
    selector = PairSelector(None, n=len(texts), batch_size=16, epochs=1, schedule="random",
                            groups=group_by(texts), log=lines.append)  # fmt: skip
    assert lines == [
        "pair selection: 18,401 samples, 1,151 batches of 15 or 16, schedule random over 1 epoch, "
        "exact: every sample left is a candidate.",
        "equal texts: 6,533 of 6,578 stand in several rows each; 34,796 of 338,578,400 pairs of "
        "different rows (0.010 %) are no negatives; random batches would hold 28.3 of them an "
        "epoch.",
    ]
    assert selector.epoch(0).together == 0
    assert 20 < selector.removed(0) < 60


def test_hard_negatives_are_equal_texts_where_nothing_keeps_them_out() -> None:
    # videos of one text rise together: without the rule the hardest batches are made of them
    groups = np.random.default_rng(0).integers(0, 60, 240)
    d = np.random.default_rng(1).normal(size=(240, 240)) * 0.1 + same_group(groups)
    selected, removed = {}, {}
    for schedule in ("easy-only", "random", "hard-only"):
        selector = quiet(symmetrise(d), batch_size=8, epochs=1, schedule=schedule, groups=groups)
        selected[schedule], removed[schedule] = selector.epoch(0), selector.removed(0)
        assert selected[schedule].together == 0
    assert removed["easy-only"] < removed["random"] < 60 and removed["hard-only"] > 400
    none = quiet(symmetrise(d), batch_size=8, epochs=1, groups=np.arange(240))
    assert none.removed(0) == quiet(symmetrise(d), batch_size=8, epochs=1).removed(0) == 0


def test_the_example_of_the_module_runs() -> None:
    failed, run = doctest.testmod(pair_selection)
    assert (failed, run) == (0, 7)


def test_the_example_of_the_page_runs(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    page = (Path(__file__).parents[2] / "docs" / "pair-selection.md").read_text("utf-8")
    example = page.split("```python\n")[1].split("```")[0]
    assert example.count("\n") <= 13
    n, seen = 48, []
    for name in ("first", "last"):
        np.save(
            tmp_path / f"similarity-{name}.npy", np.random.default_rng(len(name)).random((n, n))
        )
    (tmp_path / "texts.txt").write_text("\n".join(f"t{i // 2}" for i in range(n)), "utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"train_step": lambda batch, same: seen.append((batch, same))}
    exec(example, names)
    assert len(seen) == 80 * 3 and all(int(same.sum()) == 16 for _, same in seen)
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 82 and out[2].startswith(
        "epoch 0: quantile 0.000, mean d of the negatives -0."
    )
    from torch.utils.data import DataLoader

    data: Any = list(range(100, 100 + n))
    loaded = DataLoader(data, batch_sampler=names["selector"].epoch(3).batches)
    assert sorted(int(i) for batch in loaded for i in batch) == data
