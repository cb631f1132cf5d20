"""What the simulated signer signs, frame by frame: from alignments or from glosses. (Ours.)"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from qa_builder.errors import QbsltError, counted

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

STATES = 3  # of a sign
SILENCE = ""  # the sign of a signer at rest
MOUTHS, HANDS = 40, 61  # shapes; 0 is the neutral one
FORMAT = "frame-alignments-1"  # see Alignments
_COLUMNS = ("sign_state", "mouth_shape", "hand_shape")

# Durations in frames at 25 fps, near those of the PHOENIX alignments: a state lasts 4.2 frames in
# the mean, 3 in the median.
_MEDIAN, _BY_GLOSS, _BY_TOKEN, _BY_SIGNER = 3.6, 0.4, 0.6, 0.15  # spreads of logarithms
_REST, _PAUSE = 4.5, 0.1  # frames before and after signing; share of signs with a pause after


class Track(NamedTuple):
    """A clip of n frames as k runs of the same state, with a mouth and a hand shape a frame."""

    signs: tuple[str, ...]  # [k] sign of each run
    positions: NDArray[np.int64]  # [k] 0..STATES - 1: state within the sign
    lengths: NDArray[np.int64]  # [k] frames, each at least 1
    mouth: NDArray[np.int64]  # [n] number of a shape
    hand: NDArray[np.int64]  # [n]


def generator(seed: int, *key: str | int) -> np.random.Generator:
    """Random numbers that depend on the seed and the key alone."""
    text = "\x1f".join(map(str, (seed, *key)))
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


class Alignments:
    """Frame alignments: a Parquet file with one row a clip.

    Columns: `name`, the clip's id; `sign_state`, 0 for rest and 3 s + 1 .. 3 s + 3 for the states
    of sign s; `mouth_shape` and `hand_shape`; these three are lists of one whole number a frame.
    Raises QbsltError for a file that is not like that.
    """

    def __init__(self, data: bytes, path: Path) -> None:
        table = _read(data, path)
        names = table.column("name").to_pylist()
        self._rows = {name: i for i, name in enumerate(names)}
        if len(self._rows) != len(names):
            raise QbsltError("names a clip more than once.", file=path, cure=_CURE)
        columns = [_lists(table.column(c).combine_chunks(), path, c) for c in _COLUMNS]
        self._values = [values for values, _ in columns]
        self._ends = columns[0][1]
        for (_, ends), column in zip(columns[1:], _COLUMNS[1:], strict=True):
            unlike = np.flatnonzero(np.diff(ends) != np.diff(self._ends))
            if len(unlike):
                raise QbsltError(
                    f"has {counted(len(unlike), 'clip')} with a {column} not as long as the "
                    f"{_COLUMNS[0]}, such as {names[unlike[0]]}.", file=path, cure=_CURE,
                )  # fmt: skip

    def track(self, clip_id: str) -> Track:
        """What is signed in a clip; raises QbsltError where the file has no frame of it."""
        row = self._rows.get(clip_id)
        if row is None or self._ends[row] == self._ends[row + 1]:
            raise QbsltError("the alignments have no frames of this clip.", id=clip_id,
                             cure="Make it of its glosses: leave --alignments out.")  # fmt: skip
        state, mouth, hand = (v[self._ends[row] : self._ends[row + 1]] for v in self._values)
        starts = np.flatnonzero(np.r_[True, state[1:] != state[:-1]])
        numbers = state[starts].tolist()
        return Track(
            tuple(str((s - 1) // STATES) if s else SILENCE for s in numbers),
            np.array([(s - 1) % STATES if s else 0 for s in numbers]),
            np.diff(starts, append=len(state)),
            mouth,
            hand,
        )


_CURE = "Take the file of frame alignments that docs/simulated-signer.md describes."


def _read(data: bytes, path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    wanted = ("name", *_COLUMNS)
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            missing = [c for c in wanted if c not in file.schema_arrow.names]
            if missing:
                raise QbsltError(
                    f"lacks the column {', '.join(missing)}; it has: "
                    f"{', '.join(file.schema_arrow.names) or 'none'}.", file=path, cure=_CURE,
                )  # fmt: skip
            table = file.read(columns=list(wanted))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as e:
        raise QbsltError(
            f"cannot be read as Parquet ({str(e).splitlines()[0]}).", file=path, cure=_CURE
        ) from None
    name = table.schema.field("name").type
    if not (pa.types.is_string(name) or pa.types.is_large_string(name)):
        raise QbsltError(f"its column name holds {name}, expected text.", file=path, cure=_CURE)
    return table


def _lists(column: Any, path: Path, name: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The values of a column of lists, one after the other, and where each list starts."""
    import pyarrow as pa

    kind = column.type
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    if not lists or not pa.types.is_integer(kind.value_type):
        raise QbsltError(f"its column {name} holds {kind}, expected lists of whole numbers.",
                         file=path, cure=_CURE)  # fmt: skip
    values = column.flatten()
    if column.null_count or values.null_count:
        raise QbsltError(f"its column {name} has empty cells.", file=path, cure=_CURE)
    numbers = values.to_numpy(zero_copy_only=False).astype(np.int64)
    if len(numbers) and numbers.min() < 0:
        raise QbsltError(f"its column {name} has negative numbers.", file=path, cure=_CURE)
    lengths = column.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers, np.concatenate([[0], np.cumsum(lengths)])


class _Manner(NamedTuple):
    """How a gloss is signed."""

    durations: NDArray[np.float64]  # [STATES] frames, at the middle rate
    mouth: NDArray[np.int64]  # [STATES]
    hand: int


class Glosses:
    """Spreads glosses over frames: three states a gloss, with durations drawn for each."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._manners: dict[str, _Manner] = {}

    def track(
        self, clip_id: str, gloss: str | None, n_frames: int | None, signer: str | None
    ) -> Track:
        """What is signed in a clip; where `n_frames` is None, its length is drawn, too.

        A clip with fewer frames than states skips states. Raises QbsltError for a clip without
        gloss or frames.
        """
        signs = (gloss or "").split()
        if not signs:
            raise QbsltError("has no gloss that frames could be made of.", id=clip_id,
                             cure="Take a corpus with glosses, or give --alignments.")  # fmt: skip
        if n_frames is not None and n_frames < 1:
            raise QbsltError(f"has {n_frames} frames by its annotation.", id=clip_id)
        rng = generator(self._seed, "durations", clip_id)
        runs, durations = self._durations(rng, signs, self._rate(signer))
        ends = np.cumsum(durations)
        if n_frames is None:
            n_frames = max(1, round(float(ends[-1])))
        ends = np.floor(ends * (n_frames / ends[-1]) + 0.5).astype(np.int64)
        lengths = np.diff(ends, prepend=0)
        kept = [(run, n) for run, n in zip(runs, lengths.tolist(), strict=True) if n]
        lengths = np.array([n for _, n in kept])
        manners = [(self._manner(sign), position) for (sign, position), _ in kept]
        return Track(
            tuple(sign for (sign, _), _ in kept),
            np.array([position for _, position in manners]),
            lengths,
            np.repeat([m.mouth[position] for m, position in manners], lengths),
            np.repeat([m.hand for m, _ in manners], lengths),
        )

    def _durations(
        self, rng: np.random.Generator, signs: list[str], rate: float
    ) -> tuple[list[tuple[str, int]], NDArray[np.float64]]:
        """(sign, position) of each run, rest and pauses among them, and how long each lasts."""
        pauses = rng.random(len(signs)) < _PAUSE
        runs = [(SILENCE, 0)]
        for sign, pause in zip(signs, pauses.tolist(), strict=True):
            runs += [(sign, position) for position in range(STATES)]
            runs += [(SILENCE, 0)] if pause else []
        if not pauses[-1]:
            runs.append((SILENCE, 0))
        usual = np.array([self._manner(sign).durations[position] for sign, position in runs])
        return runs, rate * usual * np.exp(_BY_TOKEN * rng.standard_normal(len(runs)))

    def _rate(self, signer: str | None) -> float:
        rng = generator(self._seed, "rate", signer or "")
        return float(np.exp(_BY_SIGNER * rng.standard_normal()))

    def _manner(self, sign: str) -> _Manner:
        manner = self._manners.get(sign)
        if manner is None:
            rng = generator(self._seed, "manner", sign)
            slow = np.exp(_BY_GLOSS * rng.standard_normal(STATES))
            manner = _Manner(_MEDIAN * slow, rng.integers(0, MOUTHS, STATES),
                             int(rng.integers(1, HANDS)))  # fmt: skip
            if sign == SILENCE:
                manner = _Manner(np.full(STATES, _REST), np.zeros(STATES, np.int64), 0)
            self._manners[sign] = manner
        return manner
