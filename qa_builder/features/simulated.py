"""--extractor simulated: made-up features with the shape of real ones, for want of video. (Ours.)

`docs/simulated-signer.md` has the formula, how the difficulties were calibrated, and what numbers
made with such features can show.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qa_builder.errors import QbsltError, known
from qa_builder.features.base import ClipFeatures, ClipTask, Description
from qa_builder.features.simulated_signs import (
    FORMAT,
    SILENCE,
    STATES,
    Alignments,
    Glosses,
    Track,
    generator,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERSION = "1"
LATENT = 64  # dimensions in which signs differ; the rest of a frame is mixtures of them
_MIXED = 3  # latent dimensions in each of a frame's
_LARGEST = 65_536  # dimensions of a frame


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """How hard the signer is to read. Amplitudes are standard deviations; a sign's look has 1."""

    mouth: float
    hand: float
    signer: float
    """Offset of each signer."""
    sign_variation: float
    """No sign is made twice in the same way: offset of each sign that is made."""
    state_variation: float
    """Offset of each state that is made (sub-unit variation)."""
    smoothing: int
    """Passes of the filter (1, 2, 1) / 4 over the frames (coarticulation)."""
    dropped: float
    """Share of states that are left out: the frames show the state before."""
    confused: float
    """Share of states that are made like another sign's, one of the same family."""
    noise: float
    """Of each frame, in the latent dimensions, after smoothing."""
    grain: float
    """Of each number of a frame."""
    families: int = 128
    """Of look-alikes."""
    in_family: float = 0.6
    """Share of signs that belong to a family; the others look like no other sign."""
    likeness: float = 0.96
    """Share of the variance of a sign's look that is its family's."""


DIFFICULTIES = {
    "easy": Difficulty(
        mouth=0.2, hand=0.25, signer=0.5, sign_variation=0.4, state_variation=0.4,
        smoothing=1, dropped=0.02, confused=0.02, noise=0.4, grain=0.2,
    ),
    "medium": Difficulty(
        mouth=0.2, hand=0.25, signer=0.8, sign_variation=0.7, state_variation=0.7,
        smoothing=2, dropped=0.06, confused=0.06, noise=0.7, grain=0.3,
    ),
    "hard": Difficulty(
        mouth=0.2, hand=0.25, signer=1.1, sign_variation=1.0, state_variation=1.0,
        smoothing=2, dropped=0.1, confused=0.1, noise=1.0, grain=0.4,
    ),
}  # fmt: skip


@dataclass
class Simulated:
    """Makes features of what is signed, without video: `dim` numbers a frame.

    What is signed comes from `alignments`, a Parquet file (see `Alignments`), or, without one, from
    the clip's gloss, split at blanks. The same seed and clip give the same bytes; each number is
    made by additions and products in a fixed order, so no library may sum it in another.
    """

    difficulty: str = "medium"
    dim: int = 256
    seed: int = 0
    alignments: Path | None = None
    _bytes: bytes | None = field(init=False, default=None, repr=False)
    _world: _World | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        if self.difficulty not in DIFFICULTIES:
            raise known(self.difficulty, DIFFICULTIES, "difficulty")
        if not 1 <= self.dim <= _LARGEST:
            raise QbsltError(f"--dim {self.dim} is not between 1 and {_LARGEST:,}.")
        if self.alignments is not None:
            try:  # here: a worker on another machine may not have the file
                self._bytes = Path(self.alignments).read_bytes()
            except OSError as e:
                raise QbsltError(
                    f"cannot be read ({e.strerror}).", file=self.alignments,
                    cure="--alignments takes the path of a Parquet file.",
                ) from None  # fmt: skip

    def describe(self) -> Description:
        """What it does; raises QbsltError where the alignments are not in their format."""
        source = None
        if self._bytes is not None:
            self._ready()
            source = {"format": FORMAT, "sha256": hashlib.sha256(self._bytes).hexdigest()}
        config = {
            "difficulty": self.difficulty, "dim": self.dim, "seed": self.seed, "latent": LATENT,
            "made_of": "frame alignments" if source else "glosses", "alignments": source,
            "parameters": asdict(DIFFICULTIES[self.difficulty]),
        }  # fmt: skip
        libraries = {"numpy": np.__version__}
        return Description(VERSION, config, (self.dim,), simulated=True, libraries=libraries)

    def __call__(self, task: ClipTask) -> ClipFeatures:
        """A clip's features [n_frames, dim], as many frames as the alignments have of it.

        Raises QbsltError for a clip that has no alignment, or without alignments no gloss.
        """
        world = self._ready()
        if world.alignments is not None:
            track = world.alignments.track(task.clip_id)
        else:
            track = world.glosses.track(task.clip_id, task.gloss, task.n_frames, task.signer)
        return ClipFeatures(world.show(track, task.clip_id, task.signer))

    def _ready(self) -> _World:
        if self._world is None:
            self._world = _World(self.seed, self.dim, DIFFICULTIES[self.difficulty])
            if self._bytes is not None and self.alignments is not None:
                self._world.alignments = Alignments(self._bytes, Path(self.alignments))
        return self._world


class _World:
    """How every sign, shape and signer looks, drawn when first seen, and independent of that."""

    def __init__(self, seed: int, dim: int, difficulty: Difficulty) -> None:
        self.glosses = Glosses(seed)
        self.alignments: Alignments | None = None
        self._seed, self._dim, self._d = seed, dim, difficulty
        self._looks: dict[str, tuple[NDArray[np.float32], NDArray[np.float32], float]] = {}
        self._vectors: dict[tuple[str, str | int], NDArray[np.float32]] = {}
        d = difficulty
        amplitudes = (1.0, d.mouth, d.hand, d.signer, d.sign_variation, d.state_variation, d.noise)
        self._scale = np.float32(1 / np.sqrt(sum(a * a for a in amplitudes) + d.grain**2))
        rng = generator(seed, "mixture")
        shuffled = [rng.permutation(LATENT) for _ in range(_MIXED * dim // LATENT + 1)]
        self._mixed = np.concatenate(shuffled)[: _MIXED * dim].reshape(_MIXED, dim)
        weights = rng.choice([-1.0, 1.0], (_MIXED, dim)) / np.sqrt(_MIXED)
        self._weights = weights.astype(np.float32)

    def show(self, track: Track, clip_id: str, signer: str | None) -> NDArray[np.float16]:
        """The frames [n, dim] in which a signer makes a clip's signs."""
        d, rng = self._d, generator(self._seed, "clip", clip_id)
        latent = np.repeat(self._runs(track, rng), track.lengths, axis=0)
        latent += d.mouth * self._shapes("mouth", track.mouth)
        latent += d.hand * self._shapes("hand", track.hand)
        latent += d.signer * self._vector("signer", signer or "")
        for _ in range(d.smoothing):
            latent = _smoothed(latent)
        latent += d.noise * _normal(rng, latent.shape)
        frames = d.grain * _normal(rng, (len(latent), self._dim))
        for mixed, weights in zip(self._mixed, self._weights, strict=True):
            frames += latent[:, mixed] * weights
        return (frames * self._scale).astype(np.float16)

    def _runs(self, track: Track, rng: np.random.Generator) -> NDArray[np.float32]:
        """What is shown in each run [k, LATENT]: looks, some dropped or confused, and varied."""
        d, k = self._d, len(track.signs)
        at = list(zip(track.signs, track.positions.tolist(), strict=True))
        shown = np.stack([self._look(sign)[0][position] for sign, position in at])
        dropped, confused = rng.random((2, k)) < [[d.dropped], [d.confused]]
        for i in np.flatnonzero(confused).tolist():
            sign, position = at[i]
            _, family, own = self._look(sign)
            shown[i] = family[position] + own * _normal(rng, (LATENT,))
        before = np.maximum.accumulate(np.where(dropped, -1, np.arange(k)))
        shown = np.concatenate([shown, self._look(SILENCE)[0][:1]])[before]  # -1 is silence
        new = np.array([i == 0 or position == 0 or sign != track.signs[i - 1]
                        for i, (sign, position) in enumerate(at)])  # fmt: skip
        made = np.cumsum(new) - 1
        shown += d.sign_variation * _normal(rng, (int(made[-1]) + 1, LATENT))[made]
        shown += d.state_variation * _normal(rng, (k, LATENT))
        return shown

    def _look(self, sign: str) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
        """Looks of a sign's states [STATES, LATENT], the family's part, and how much is its own."""
        look = self._looks.get(sign)
        if look is None:
            own = _normal(generator(self._seed, "sign", sign), (STATES, LATENT))
            family, share = np.zeros_like(own), 0.0
            number = family_of(self._seed, sign, self._d)
            if number is not None:
                share = self._d.likeness
                family = _normal(generator(self._seed, "family", number), own.shape)
            kept, amplitude = np.float32(np.sqrt(share)) * family, float(np.sqrt(1 - share))
            look = kept + np.float32(amplitude) * own, kept, amplitude
            self._looks[sign] = look
        return look

    def _shapes(self, kind: str, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors of shapes [n, LATENT] by their numbers [n]."""
        which, back = np.unique(numbers, return_inverse=True)
        return np.stack([self._vector(kind, n) for n in which.tolist()])[back]

    def _vector(self, kind: str, key: str | int) -> NDArray[np.float32]:
        vector = self._vectors.get((kind, key))
        if vector is None:
            vector = _normal(generator(self._seed, kind, key), (LATENT,))
            self._vectors[kind, key] = vector
        return vector


def family_of(seed: int, sign: str, difficulty: Difficulty) -> int | None:
    """The family of look-alikes that a sign (a gloss, or its number in alignments) belongs to."""
    rng = generator(seed, "family of", sign)
    if sign == SILENCE or rng.random() >= difficulty.in_family:
        return None
    return int(rng.integers(difficulty.families))


def _normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return rng.standard_normal(shape, np.float32)


def _smoothed(x: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.concatenate([x[:1], x, x[-1:]])
    smoothed: NDArray[np.float32] = (padded[:-2] + 2 * x + padded[2:]) / 4
    return smoothed
