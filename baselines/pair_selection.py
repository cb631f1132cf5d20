"""Pair selection: which samples meet in a batch of contrastive training, by scores of their pairs.

In contrastive training the other samples of a batch are a sample's negatives. Here batches are
made so that negatives go from easy to hard. d[i, j] says how the similarity of video i and text j
changed while a reference model was trained; a batch starts with a random sample, and one by one it
gets the candidate u at a quantile of the increments: sum over the chosen c of d[u, c] + d[c, u].
The quantile is the curriculum's: 0 is what falls most (easy), 1 what rises most (hard). (SCL-SLT,
arXiv 2604.22374, ACL 2026. Ours: the form of the log schedule, batches of even size, the rule for
equal texts, the sampled variant.)

It needs numpy alone and knows nothing of a model. Six clips, two of which have the same text:

>>> import numpy as np
>>> texts = ["rain", "sun", "rain", "snow", "wind", "frost"]
>>> d = np.random.default_rng(0).normal(size=(6, 6))  # similarities at the end minus at the start
>>> selector = PairSelector(symmetrise(d), batch_size=3, epochs=10, schedule="linear",
...                         groups=group_by(texts), seed=1)
pair selection: 6 samples, 2 batches of 3, schedule linear over 10 epochs, exact: every sample \
left is a candidate.
equal texts: 1 of 5 stands in several rows; 2 of 30 pairs of different rows (6.667 %) are no \
negatives; random batches would hold 0.8 of them an epoch.
>>> selected = selector.epoch(9)
>>> sorted(int(i) for batch in selected.batches for i in batch)  # each sample once an epoch
[0, 1, 2, 3, 4, 5]
>>> selected.ratio, [bool(same_group(group_by(texts)[b]).sum() > 3) for b in selected.batches]
(0.9, [False, False])

**Cost.** A batch of b samples keeps the increments of the m samples that are left in one vector:
each pick adds a row of scores, O(m), and finds a quantile by partition, O(m). An epoch of n samples
is O(n^2) time, O(n) memory beside the scores; these may be a memory-mapped float16 file, of which
rows alone are read (hence `symmetrise`: a column would touch all of the file). The sampled variant
with p candidates a batch is O(n p) and needs no matrix.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.pair_groups import Groups, Indices, Quota, group_by, same_group
from qa_builder.errors import QbsltError, known

__all__ = ["PairSelector", "Selected", "curriculum", "group_by", "same_group", "symmetrise"]

Rows = Callable[[int, Indices], NDArray[Any]]
"""(sample c, candidates [m]) -> d[u, c] + d[c, u] for each candidate u [m]."""

EXACT_UP_TO = 100_000  # samples; beyond, the sampled variant unless told otherwise
POOL = 4096  # candidates a batch of the sampled variant

SCHEDULES: dict[str, Callable[[float], float] | None] = {
    "linear": lambda p: p,
    "sqrt": math.sqrt,
    "log": lambda p: math.log10(1 + 9 * p),
    "easy-only": lambda p: 0.0,
    "hard-only": lambda p: 1.0,
    "random": None,  # batches at random: the control
}
SAME = ("apart", "positives")


def curriculum(schedule: str, epoch: int, epochs: int) -> float | None:
    """The quantile of epoch 0..epochs - 1, at progress epoch / epochs; None for `random`.

    Raises QbsltError for an unknown schedule and an epoch that is not one of them.
    """
    if schedule not in SCHEDULES:
        raise known(schedule, SCHEDULES, "schedule of pair selection")
    if not 0 <= epoch < epochs:
        raise QbsltError(f"epoch {epoch} is not one of 0..{epochs - 1}.")
    form = SCHEDULES[schedule]
    return None if form is None else form(epoch / epochs)


def symmetrise(d: NDArray[Any], out: NDArray[Any] | None = None, block: int = 2048) -> NDArray[Any]:
    """The scores d + d.T [n, n] of a matrix d [n, n], block by block, both memory-mapped or not.

    They go into `out` (`d` itself will do), or into a new float16 array. Takes O(n^2) time, and
    O(block^2) memory beside the two. Raises QbsltError if d is not square or a sum not finite.
    """
    if d.ndim != 2 or d.shape[0] != d.shape[1]:
        raise QbsltError(f"scores of pairs are a square matrix, not of shape {d.shape}.")
    n = len(d)
    out = np.empty((n, n), np.float16) if out is None else out
    for i in range(0, n, block):
        for j in range(i, n, block):
            a, b = slice(i, i + block), slice(j, j + block)
            with np.errstate(over="ignore", invalid="ignore"):  # what overflows is an error below
                total = (d[a, b].astype(np.float32) + d[b, a].T).astype(out.dtype)
            if not np.isfinite(total).all():
                row, column = np.argwhere(~np.isfinite(total))[0] + (i, j)
                raise QbsltError(
                    f"the scores of the pair ({row}, {column}) have no finite sum in {out.dtype}.",
                    cure="Look for NaN in the similarities, or divide all by a constant.",
                )
            out[a, b], out[b, a] = total, total.T
    return out


@dataclass(frozen=True)
class Selected:
    """The batches of one epoch."""

    batches: list[Indices]
    """Sample numbers, in the order in which they were chosen; each sample is in one batch."""
    ratio: float | None
    """The quantile, 0 easy to 1 hard; None for random batches."""
    score: float
    """Mean d of the negatives in the batches; NaN without scores or negatives."""
    forced: int
    """Picks among a part of the candidates, lest rows of one text be left for the last batches."""
    together: int
    """Ordered pairs of equal texts in one batch: the loss must mask them (`same_group`)."""

    def __str__(self) -> str:
        ratio = "random" if self.ratio is None else f"quantile {self.ratio:.3f}"
        return (f"{ratio}, mean d of the negatives {self.score:+.4f}; {self.forced:,} picks forced "
                f"and {self.together:,} pairs together of equal texts")  # fmt: skip


class PairSelector:
    """Makes the batches of each epoch; a pure function of its arguments and the epoch's number.

    `scores`: d + d.T as `symmetrise` gives it [n, n], memory-mapped or not; or a function `Rows`
    with `n`, the number of samples; or None with `n` for random batches. `groups` [n]: equal
    numbers are equal texts, which are never each other's negatives. With `same="apart"` they never
    meet in a batch unless a text has more rows than there are batches, and then as few as can be;
    with "positives" they may meet, for a loss that takes them as positives. In both cases the score
    of such a pair counts for nothing, and the loss needs `same_group`. No sample is dropped: sizes
    of batches differ by one at most, none is larger than `batch_size`.

    `pool`: candidates a batch, drawn at random; None takes all up to 100,000 samples and 4,096
    beyond. `log` gets the lines that say what was chosen.

    Raises QbsltError for all wrong arguments.
    """

    def __init__(
        self, scores: NDArray[Any] | Rows | None, *, batch_size: int, epochs: int,
        schedule: str = "log", seed: int = 0, groups: NDArray[np.int64] | None = None,
        same: str = "apart", n: int | None = None, pool: int | None = None,
        log: Callable[[str], object] = print,
    ) -> None:  # fmt: skip
        self._rows: Rows | None
        if isinstance(scores, np.ndarray):
            n, self._rows = _checked(scores, n), lambda c, who: scores[c].take(who)
        else:
            self._rows = scores
        curriculum(schedule, 0, max(epochs, 1))
        if scores is None and schedule != "random":
            raise QbsltError(f"the schedule {schedule!r} needs scores of pairs.",
                             cure="Give them, or take the schedule 'random'.")  # fmt: skip
        if same not in SAME:
            raise known(same, SAME, "way with equal texts")
        if n is None or epochs < 1 or (pool is not None and pool < batch_size):
            raise QbsltError("pair selection needs the number of samples, one epoch at least and a "
                             "pool no smaller than a batch.")  # fmt: skip
        if not 2 <= batch_size <= n:
            raise QbsltError(f"a batch of {batch_size:,} of {n:,} samples can't be made.",
                             cure=f"Choose a batch_size from 2 to {n:,}.")  # fmt: skip
        if groups is not None and groups.shape != (n,):
            raise QbsltError(f"groups must have one number for each of the {n:,} samples.")
        self.n, self.epochs, self.schedule, self.seed = n, epochs, schedule, seed
        self.pool = min(pool or (n if n <= EXACT_UP_TO else POOL), n)
        # 18,401 in batches of 16 would leave one sample alone, without a negative
        count = -(-n // batch_size)
        self.sizes = [n // count + (k < n % count) for k in range(count)]
        self._groups = None if groups is None else Groups(groups, count, same)
        for line in self.describe():
            log(line)

    def describe(self) -> list[str]:
        """What is done, and how many would-be negatives equal texts take out: lines for a log."""
        sizes = " or ".join(f"{s:,}" for s in sorted(set(self.sizes)))
        how = "exact: every sample left is a candidate"
        if self.pool < self.n:
            how = f"sampled: {self.pool:,} candidates a batch, drawn at random"
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs:,} epochs"
        lines = [f"pair selection: {self.n:,} samples, {len(self.sizes):,} batches of {sizes}, "
                 f"schedule {self.schedule} over {epochs}, {how}."]  # fmt: skip
        if self._groups is not None:
            lines += self._groups.describe(self.sizes)
        return lines

    def epoch(self, epoch: int) -> Selected:
        """The batches of epoch 0..epochs - 1."""
        ratio = curriculum(self.schedule, epoch, self.epochs)
        rng = np.random.default_rng([self.seed, epoch])
        left, seen = _Left(self.n, rng), np.full(self.n, -1)
        quota = None if self._groups is None else Quota(self._groups)
        batches: list[Indices] = []
        total, pairs, forced, together = 0.0, 0, 0, 0
        for k, size in enumerate(self.sizes):
            if quota is not None:
                quota.start(len(self.sizes) - k)
            batch = _Batch(self._rows, ratio, rng, quota, seen)
            batch.fill(size, left, self.pool)
            samples = np.array(batch.chosen, np.intp)
            left.remove(batch.chosen)
            batches.append(samples)
            forced += batch.forced
            negative = np.triu(np.ones((size, size), bool) if quota is None
                               else ~quota.same(samples), 1)  # fmt: skip
            together += size * (size - 1) - 2 * int(negative.sum())
            if self._rows is not None:
                for c, other in zip(batch.chosen, negative, strict=True):
                    total += float(self._rows(c, samples[other]).astype(np.float64).sum())
                pairs += 2 * int(negative.sum())
        return Selected(batches, ratio, total / pairs if pairs else math.nan, forced, together)

    def removed(self, epoch: int) -> int:
        """How many negatives of an epoch the rule for equal texts takes away.

        The epoch is made once more without the rule, as long as that takes; what is counted are the
        ordered pairs of equal texts in its batches.
        """
        if self._groups is None:
            return 0
        free, of = copy.copy(self), self._groups.of
        free._groups = None
        return sum(int(same_group(of[b]).sum()) - len(b) for b in free.epoch(epoch).batches)


def _checked(scores: NDArray[Any], n: int | None) -> int:
    """The number of samples of a matrix of scores; it must look symmetric."""
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or n not in (None, len(scores)):
        raise QbsltError(f"scores of pairs are a square matrix, not of shape {scores.shape}.")
    i, j = np.random.default_rng(0).integers(len(scores), size=(2, 200))
    if not np.array_equal(scores[i, j], scores[j, i], equal_nan=True):
        raise QbsltError("the scores are not symmetric.", cure="Pass symmetrise(d), not d.")
    return len(scores)


class _Left:
    """The samples that no batch of the epoch has yet, in an order that is random at first."""

    def __init__(self, n: int, rng: np.random.Generator) -> None:
        self._order, self.count = rng.permutation(n), n
        self._at = np.argsort(self._order)

    def all(self) -> Indices:
        return self._order[: self.count].copy()

    def draw(self, k: int, rng: np.random.Generator) -> Indices:
        """`k` different samples; all in order if there are no more."""
        if k >= self.count:
            return self.all()
        return self._order[rng.choice(self.count, k, replace=False)]

    def remove(self, samples: list[int]) -> None:
        """Take samples out: the last ones go to their places, so that no array moves."""
        for sample in samples:
            self.count -= 1
            last, place = self._order[self.count], self._at[sample]
            self._order[place], self._at[last] = last, place
            self._order[self.count], self._at[sample] = sample, self.count

    def of(self, samples: Indices) -> Indices:
        """Those of the samples that are left."""
        return samples[self._at[samples] < self.count]


class _Batch:
    """One batch that grows: the candidates, and their increments, infinite where not to be had."""

    def __init__(
        self, rows: Rows | None, ratio: float | None, rng: np.random.Generator,
        quota: Quota | None, seen: Indices,
    ) -> None:  # fmt: skip
        self._rows = None if ratio is None else rows
        self._ratio, self._rng, self._quota = ratio, rng, quota
        self._place = seen  # of each sample among the candidates, -1 outside a batch
        self.chosen: list[int] = []
        self.forced = 0

    def fill(self, size: int, left: _Left, pool: int) -> None:
        """Choose `size` samples of those that are left, from `pool` of them if that will do."""
        drawn = left.draw(pool, self._rng) if self._rows or self._quota else left.draw(
            size, self._rng)  # fmt: skip
        if self._quota is not None and self._quota.due:
            drawn = np.concatenate((drawn, np.setdiff1d(left.of(self._quota.owing()), drawn)))
        self._consider(drawn)
        while len(self.chosen) < size:
            place = self._pick(size - len(self.chosen))
            if place is None:  # all texts of the pool are in the batch
                if len(self._candidates) == left.count:
                    raise RuntimeError("no candidate is left, against what Quota promises")
                self._forget()
                self._consider(left.all())
                continue
            sample = int(self._candidates[place])
            self.chosen.append(sample)
            if self._quota is not None:
                self._quota.note(sample)
            self._add(sample)
        self._forget()

    def _consider(self, candidates: Indices) -> None:
        self._candidates = candidates
        self._place[candidates] = np.arange(len(candidates))
        self._increments = np.zeros(len(candidates), np.float32)
        for sample in self.chosen:
            self._add(sample)

    def _forget(self) -> None:
        self._place[self._candidates] = -1

    def _add(self, sample: int) -> None:
        """Add the scores of a chosen sample to the increments, but for rows of the same text."""
        increments = self._increments
        beside, more = (np.empty(0, np.intp), True)
        if self._quota is not None:
            beside, more = self._quota.beside(sample)
            beside = self._place[beside]
            beside = beside[beside >= 0]
        before = increments[beside]
        if self._rows is not None:
            row = self._rows(sample, self._candidates).astype(np.float32, copy=False)
            if not math.isfinite(row.sum()):
                cure = "Make the scores with symmetrise, which finds such."
                raise QbsltError(f"row {sample} of the scores is not finite.", cure=cure)
            increments += row
        increments[beside] = before if more else np.inf
        increments[self._place[sample]] = np.inf

    def _pick(self, slots: int) -> int | None:
        """The place of the candidate at the quantile, at random for the first; None without one.

        Equal increments stand in the order of the candidates, which is random.
        """
        values = self._increments
        free = values < np.inf
        n = int(np.count_nonzero(free))
        if self._quota is not None and self._quota.due >= slots:
            free &= self._quota.must(self._candidates)
            values = np.where(free, values, np.float32(np.inf))
            all_free, n = n, int(np.count_nonzero(free))
            self.forced += n < all_free
        if not n:
            return None
        if self._ratio is None or not self.chosen:
            return int(np.flatnonzero(free)[self._rng.integers(n)])
        k = int(self._ratio * (n - 1) + 0.5)
        value = np.partition(values, k)[k]
        return int(np.flatnonzero(values == value)[k - np.count_nonzero(values < value)])
