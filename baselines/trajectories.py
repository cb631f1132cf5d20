"""Trajectories: the similarity of every video and every text of a split, at several checkpoints.

A folder holds one memory-mapped float16 matrix a checkpoint, `step-000005.npy` [videos, texts], and
`trajectories.json`, which says of what. Work that was killed goes on at the block of rows where it
stopped. d = last - first checkpoint scores pairs for `pair_selection` (SCL-SLT, arXiv 2604.22374).
Ours: similarities are kept without the learned scale, so that d is a change of cosines, not of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from baselines.disk import sized
from baselines.pair_selection import symmetrise
from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from torch import Tensor

    from baselines.cico import Similarity

Matrix = NDArray[np.float16]
_ABOUT, _SCORES = "trajectories.json", "pair-scores.npy"
_ROWS, _COLUMNS = 256, 512  # of a block, in which tokens are padded
_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class Source:
    """Of what the similarities are: files of another source are refused."""

    dataset: str
    """Fingerprint of the dataset and its split."""
    model: str
    """Fingerprint of the configuration of the reference model."""
    aggregation: str
    """cico, cls or mean."""
    simulated: bool
    """Whether the features that the model saw were simulated."""
    settings: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What `model` is the fingerprint of, to tell what differs; files of before have none."""


class Tokens:
    """The tokens of many videos or texts without padding: `values` [tokens, dim], row by row."""

    def __init__(self, rows: Sequence[Tensor]) -> None:
        """Of rows [n, dim], each with one token at least."""
        import torch

        self.lengths = [len(row) for row in rows]
        self.values = torch.cat(list(rows))
        self._starts = np.concatenate(([0], np.cumsum(self.lengths))).tolist()

    def __len__(self) -> int:
        return len(self.lengths)

    def padded(self, rows: slice, device: str | None = None) -> tuple[Tensor, Tensor]:
        """Tokens [rows, longest, dim] and their mask [rows, longest]."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        start, stop, _ = rows.indices(len(self))
        lengths = torch.tensor(self.lengths[start:stop], device=device)
        flat = self.values[self._starts[start] : self._starts[stop]].to(device)
        tokens = pad_sequence(list(torch.split(flat, lengths.tolist())), batch_first=True)
        return tokens, torch.arange(tokens.shape[1], device=device) < lengths[:, None]


@dataclass(frozen=True)
class Trajectories:
    """A folder with the similarities of all pairs at some steps, all there."""

    folder: Path
    source: Source
    n: int
    steps: list[int]

    def at(self, step: int) -> Matrix:
        """The similarities at a step [videos, texts], memory-mapped."""
        return _open(self.folder / _name(step), self.n)

    @property
    def first(self) -> Matrix:
        return self.at(self.steps[0])

    @property
    def last(self) -> Matrix:
        return self.at(self.steps[-1])

    def pair_scores(self, log: Callable[[str], object] = print) -> Matrix:
        """d + d.T [n, n] with d = last - first, memory-mapped; made once. For `PairSelector`."""
        path = self.folder / _SCORES
        if not path.exists():
            need_space(self.folder, 1, self.n, log)
            new = path.with_suffix(".part")
            scores = _create(new, self.n)
            for rows in blocks(self.n):
                scores[rows] = difference(self.first[rows], self.last[rows])
            symmetrise(scores, scores)
            scores.flush()
            new.replace(path)
        return _open(path, self.n)


def difference(first: Matrix, last: Matrix) -> Matrix:
    """d of some pairs, rounded to float16 as it is stored."""
    return (last.astype(np.float32) - first).astype(np.float16)


def blocks(n: int, rows: int = _ROWS) -> Iterator[slice]:
    """Rows 0..n - 1 in blocks."""
    for start in range(0, n, rows):
        yield slice(start, min(start + rows, n))


def write_trajectories(
    folder: Path, source: Source, steps: Sequence[int],
    encode: Callable[[int], tuple[Tokens, Tokens]], n: int, *, device: str | None = None,
    log: Callable[[str], object] = print,
) -> Trajectories:  # fmt: skip
    """Write the similarities at each step, or what is missing of them.

    `encode(step)` gives the tokens of the n videos and of their n texts by the checkpoint of that
    step; it is asked once for a step that is not whole yet. The space that is needed and that is
    free are logged first. Raises QbsltError for fewer than two steps, a folder of another source,
    too little space, tokens of another number of rows and similarities that are not finite.
    """
    steps = sorted(set(steps))
    if len(steps) < 2:
        raise QbsltError("a trajectory needs similarities at two checkpoints at least.",
                         cure="Keep more checkpoints of the reference model.")  # fmt: skip
    made = Trajectories(folder, source, n, list(steps))
    if (folder / _ABOUT).exists():
        _check(folder, made, "Name another folder, or remove this one.")
    folder.mkdir(parents=True, exist_ok=True)
    missing = [step for step in steps if not (folder / _name(step)).exists()]
    need_space(folder, len(missing) + (not (folder / _SCORES).exists()), n, log)
    about = {"version": _VERSION, "n": n, "steps": made.steps, "source": asdict(source)}
    replace_text(folder / _ABOUT, json.dumps(about, indent=1) + "\n")
    for step in missing:
        _write_step(folder / _name(step), *encode(step), n, source.aggregation, device)
    return made


def open_trajectories(
    folder: Path, source: Source | None = None, cure: str = "Name another folder."
) -> Trajectories:  # fmt: skip
    """The trajectories of a folder; of another `source` than the given they are refused.

    `cure` is what to do then, for the message. Raises QbsltError if there are none, if a
    checkpoint's matrix is missing, or if they differ.
    """
    about = _about(folder)
    found = Trajectories(folder, Source(**about["source"]), about["n"], about["steps"])
    if source is not None:
        _check(folder, Trajectories(folder, source, found.n, found.steps), cure)
    for step in found.steps:
        if not (folder / _name(step)).exists():
            raise QbsltError(f"the similarities of step {step} are missing.", file=folder,
                             cure="Run the command that writes them again: it goes on.")  # fmt: skip  # noqa: E501
        found.at(step)
    return found


def _write_step(
    path: Path, videos: Tokens, texts: Tokens, n: int, aggregation: str, device: str | None
) -> None:
    if (len(videos), len(texts)) != (n, n):
        raise QbsltError(f"there are tokens of {len(videos):,} videos and {len(texts):,} texts for "
                         f"{n:,} samples.")  # fmt: skip
    import torch

    from baselines.cico import AGGREGATIONS

    new, done = path.with_suffix(".part"), path.with_suffix(".rows")
    start = int(done.read_text()) if new.exists() and done.exists() else 0
    out = np.lib.format.open_memmap(new, "r+") if start else _create(new, n)
    with torch.no_grad():
        for rows in blocks(n):
            if rows.start < start:
                continue
            video = videos.padded(rows, device)
            for columns in blocks(n, _COLUMNS):
                text = texts.padded(columns, device)
                block: Similarity = AGGREGATIONS[aggregation](*video, *text)
                out[rows, columns] = block.both().half().cpu().numpy()
            if not np.isfinite(out[rows]).all():
                raise QbsltError(f"similarities of the videos {rows.start} to {rows.stop - 1} are "
                                 "not finite.", file=path,
                                 cure="Look for NaN in the features or weights.")  # fmt: skip
            replace_text(done, str(rows.stop))  # a kill loses one block at most
    out.flush()
    new.replace(path)
    done.unlink(missing_ok=True)


def _name(step: int) -> str:
    return f"step-{step:06}.npy"


def _create(path: Path, n: int) -> np.memmap[Any, np.dtype[np.float16]]:
    return np.lib.format.open_memmap(path, "w+", np.float16, (n, n))


def _open(path: Path, n: int) -> Matrix:
    try:
        found: Matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        found = np.empty((0, 0), np.float16)
    if found.shape != (n, n) or found.dtype != np.float16:
        raise QbsltError(f"is not a float16 matrix of {n:,} x {n:,}.", file=path,
                         cure="Remove it, and run the command that writes it again.")  # fmt: skip
    return found


def need_space(folder: Path, matrices: int, n: int, log: Callable[[str], object]) -> None:
    """Say how much space is needed and free, if any is; raise if that is too little."""
    if not matrices:
        return
    needed, free = matrices * n * n * 2, shutil.disk_usage(folder).free
    what = "1 matrix" if matrices == 1 else f"{matrices} matrices"
    said = f"{what} of {n:,} x {n:,} pairs: {sized(needed)} needed"
    log(f"trajectories: {said}, {sized(free)} free in {folder}.")
    if needed > free:
        raise QbsltError(f"{said}, {sized(free)} free.", file=folder,
                         cure="Free some space, or choose another folder.")  # fmt: skip


def _about(folder: Path) -> dict[str, Any]:
    path = folder / _ABOUT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(Source)}
        if found["version"] == _VERSION and {*found["source"], "settings"} == known:
            return dict(found)
    except FileNotFoundError:
        raise QbsltError("holds no trajectories.", file=folder,
                         cure="Write them first, or name another folder.") from None  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise QbsltError("does not describe trajectories as this version writes them.", file=path,
                     cure="Remove the folder and write them again.")  # fmt: skip


def _check(folder: Path, wanted: Trajectories, cure: str) -> None:
    """Refuse a folder whose trajectories are of something else."""
    about = _about(folder)
    there = {**about["source"], "samples": about["n"], "checkpoints": about["steps"]}
    here = {**asdict(wanted.source), "samples": wanted.n, "checkpoints": wanted.steps}
    settings = there.pop("settings", {}), here.pop("settings")
    differ = {name: (there[name], value) for name, value in here.items() if there[name] != value}
    if "model" in differ and (named := _differing(*settings)):
        differ = {name: pair for name, pair in differ.items() if name != "model"} | named
    if differ:
        said = "; ".join(f"{name} {was}, not {value}" for name, (was, value) in differ.items())
        raise QbsltError(f"holds trajectories of something else: {said}.", file=folder, cure=cure)


def _differing(there: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings of the model that differ, with both values; none where one side is not known."""
    if not there or not here:
        return {}
    names = sorted({*there, *here})
    pairs = {name: (there.get(name), here.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
