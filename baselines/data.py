"""What every model is given: Batch, and the way to it from samples and a store. (Ours.)

Masks and shapes are documented in `Batch`, once. What is missing in a frame is 0, and a frame that
is missing altogether stays: time is kept. Landmarks [points, channels] are flattened, with one more
number a point that says whether it is there (1 or 0). Where a backbone is trained with the
rest, pictures stand in the features' place (`images.py`); one that can't be read is black.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from baselines.augment import Augmentation, chosen_frames
from baselines.images import ClipImages
from qa_builder.console import warn
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from baselines.vocabulary import GlossVocabulary, Vocabulary
    from qa_builder.samples import Sample


_NAMED = 10  # clips that lack something, in a message; the run's folder has a list of all


class Features(Protocol):
    """Features by clip id: a `FeatureStore`, or one's own clip."""

    path: Path
    shape: tuple[int, ...]
    """Of a frame: (dim,) or (points, channels)."""

    def __contains__(self, clip_id: object) -> bool: ...

    def __getitem__(self, clip_id: str) -> NDArray[np.float16]:
        """[n_frames, *shape], NaN where there is nothing."""


@dataclass(frozen=True)
class Batch:
    """Some samples side by side, padded to the longest. In masks True means: is there.

    A sample's numbers never depend on the others in its batch, padding apart.
    """

    sample_ids: list[str]
    texts: list[str]
    """The sentences, as the dataset has them; empty at test."""
    features: Tensor | None = None
    """FloatTensor [batch, frames, dim], padded with 0; None for methods that see no video."""
    frame_mask: Tensor | None = None
    """BoolTensor [batch, frames]."""
    assist_ids: Tensor | None = None
    """LongTensor [batch, pieces]: the question or the glosses as `Vocabulary.encode` gives them."""
    assist_mask: Tensor | None = None
    """BoolTensor [batch, pieces]."""
    target_ids: Tensor | None = None
    """LongTensor [batch, pieces]: the sentences; None where there are none, at test."""
    target_mask: Tensor | None = None
    """BoolTensor [batch, pieces]."""
    glosses: Tensor | None = None
    """LongTensor [batch, glosses]: targets of a CTC head, padded with 0 (its blank)."""
    gloss_lengths: Tensor | None = None
    """LongTensor [batch]: how many glosses each has."""
    images: Tensor | None = None
    """ByteTensor [batch, frames, 3, height, width], RGB, in the features' place; padded with 0."""
    bad_frames: int = 0
    """Pictures in it that could not be read: black."""

    def __len__(self) -> int:
        return len(self.sample_ids)

    @property
    def frames(self) -> int:
        """Frames in it, without padding; 0 without video."""
        return 0 if self.frame_mask is None else int(self.frame_mask.sum())

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on a device."""
        return self._with({n: t.to(device, non_blocking=True) for n, t in self._tensors().items()})

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory; the DataLoader calls it."""
        return self._with({name: t.pin_memory() for name, t in self._tensors().items()})

    def _tensors(self) -> dict[str, Tensor]:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def _with(self, tensors: dict[str, Any]) -> Batch:
        return replace(self, **tensors)


class Row(NamedTuple):
    """What a method uses of a sample, as text."""

    sample_id: str
    clip_id: str
    text: str
    source: str | None = None
    """The question or the glosses, where the method reads them."""
    gloss: str = ""
    """For a CTC head."""
    video: bool = True
    """False: the store lacks the clip, it is one frame of zeros."""


def read_rows(
    samples: Iterable[Sample], graph: Graph, config: Config, *, split: str, train: bool,
    store: Features | ClipImages | None = None, seed: int = 0,
    say: Callable[[str], object] = warn,
) -> list[Row]:  # fmt: skip
    """What a method uses of the samples of a split, in their order.

    With `train` (train and dev) samples have their sentences; without (what is to be translated)
    questions are moved to others where the graph says so, and no CTC method sees a gloss. Clips
    that the store lacks are listed in an error, or with `allow_missing_features` dropped (train) or
    kept without video; `say` is told of it. Raises QbsltError for a split without what the method
    needs.
    """
    found = list(samples)
    if not found:
        raise QbsltError(f"the split {split} has no samples.")
    if train and not any(s.text for s in found):
        raise QbsltError(f"the samples of {split} have no sentences to learn from.",
                         cure="Join a questions-only release with the corpus: `qa-builder hydrate`.")  # fmt: skip  # noqa: E501
    sources = _sources(found, graph, config, split, train, seed, say)
    rows = [
        Row(s.sample_id, s.clip.clip_id, s.text, source, (s.gloss or "") if train else "")
        for s, source in zip(found, sources, strict=True)
    ]
    if store is None:
        return rows
    if isinstance(store, ClipImages):
        store.find(s.clip for s in found)
        store.hidden = graph.hide_sign
    return _with_video(rows, store, config.allow_missing_features, split, train, say)


def as_source(text: str, config: Config) -> str:
    """A question or glosses as the text encoder reads them."""
    return text.lower() if config.lowercase_source else text


def _sources(
    samples: Sequence[Sample], graph: Graph, config: Config, split: str, train: bool, seed: int,
    say: Callable[[str], object],
) -> list[str] | list[None]:  # fmt: skip
    if graph.assist is None or (graph.ctc and not train):
        return [None] * len(samples)
    asked = graph.assist == "question"
    texts = [(s.question.text if s.question else "") if asked else (s.gloss or "") for s in samples]
    if not any(texts):
        raise QbsltError(
            f"the model {config.method} needs a {graph.assist} for each sample; {split} has none.",
            cure="Build the dataset with questions." if asked else "Take a corpus with glosses.",
        )
    if empty := texts.count(""):
        say(f"{empty:,} of {len(texts):,} samples of {split} have no {graph.assist}: "
            "they are read as empty")  # fmt: skip
    if graph.wrong_question and not train:
        from benchmarks.controls import derangement

        texts = derangement(texts, seed)
    return [as_source(text, config) for text in texts]


def _with_video(
    rows: list[Row], store: Features | ClipImages, allowed: bool, split: str, train: bool,
    say: Callable[[str], object],
) -> list[Row]:  # fmt: skip
    missing = list(dict.fromkeys(r.clip_id for r in rows if r.clip_id not in store))
    if not missing:
        return rows
    more = f", and {len(missing) - _NAMED:,} more" if len(missing) > _NAMED else ""
    some = ", ".join(missing[:_NAMED]) + more
    what, cure, other = "features", "Extract them", "Take the store that was made of this dataset."
    if isinstance(store, ClipImages):
        what, cure, other = "frames", "Copy them", "Set frames_root to the corpus folder."
        some += f" (the first: {store.failed[missing[0]].rstrip('.')})"
    said = f"{len(missing):,} clips of {split} have no {what}: {some}"
    if not allowed:
        raise QbsltError(f"{said}.", file=store.path,
                         cure=f"{cure}, or pass allow_missing_features=true.")  # fmt: skip
    if len({r.clip_id for r in rows}) == len(missing):
        raise QbsltError(f"has {what} of no clip of {split}.", file=store.path, cure=other)
    say(f"{said}; {'left out' if train else 'translated without their video'}")
    gone = set(missing)
    if train:
        return [r for r in rows if r.clip_id not in gone]
    return [r._replace(video=r.clip_id not in gone) for r in rows]


def feature_dim(store: Features) -> int:
    """`frame_dim` of a store's frames."""
    return frame_dim(store.shape)


def frame_dim(shape: Sequence[int]) -> int:
    """Numbers a frame that a model gets: of an embedding, or of landmarks and their presence."""
    return int(np.prod(shape)) + (shape[0] if len(shape) > 1 else 0)


def flattened(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames [n, *shape] with NaN -> [n, dim] without; see the head of this file."""
    if features.ndim == 2:
        return np.nan_to_num(features)
    there = ~np.isnan(features[..., 0])
    flat = np.nan_to_num(features).reshape(len(features), -1)
    return np.concatenate([flat, there.astype(np.float32)], axis=1)


class Item(NamedTuple):
    """A sample on its way into a batch."""

    row: int
    features: NDArray[np.float32] | None = None  # [frames, dim]
    images: NDArray[np.uint8] | None = None  # [frames, 3, size, size]
    bad_frames: int = 0
    hidden: bool = False  # the question or the glosses


class SignDataset(Dataset[Item]):
    """Rows with their pieces, and frames that are read when they are asked for.

    Its keys are (row, epoch); with the epoch None nothing is augmented. What a key gives depends on
    nothing but the key, the seed and the sample's id: not on the batch, the process or the order.
    """

    def __init__(
        self, rows: Sequence[Row], vocabulary: Vocabulary, config: Config, *, train: bool,
        store: Features | ClipImages | None = None, glosses: GlossVocabulary | None = None,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.rows, self.store, self.config, self.seed = rows, store, config, seed
        self._pad = vocabulary.pad
        self.targets = vocabulary.encode([r.text for r in rows]) if train else None
        sources = [r.source for r in rows]
        read = [s for s in sources if s is not None]
        self.sources = vocabulary.encode(read) if len(read) == len(sources) else None
        self._nothing = vocabulary.encode([""])
        self._hide = getattr(config, "assist_dropout", 0.0) if train and self.sources else 0.0
        self.glosses = [glosses.encode(r.gloss) for r in rows] if glosses and train else None
        noisy = None if isinstance(store, ClipImages) else store
        self._augmentation = Augmentation.of(config, noisy, [r.clip_id for r in rows if r.video])

    def __len__(self) -> int:
        return len(self.rows)

    def lengths(self, *, augmented: bool) -> list[int]:
        """Frames of each row, at most; without video its pieces."""
        if self.store is None:
            of = self.sources or self.targets or [[]] * len(self.rows)
            return [len(pieces) for pieces in of]
        stretch = 1 + self.config.time_scale if augmented else 1.0
        frames = [self._length(r.clip_id) if r.video else 1 for r in self.rows]
        return [min(self.config.max_frames, int(n * stretch) + augmented) for n in frames]

    def __getitem__(self, key: tuple[int, int | None]) -> Item:
        index, epoch = key
        item = self._video(index, epoch)
        if epoch is None or not self._hide:
            return item
        draw = np.random.default_rng([self.seed, epoch, 1, *self.rows[index].sample_id.encode()])
        return item._replace(hidden=bool(draw.random() < self._hide))

    def _video(self, index: int, epoch: int | None) -> Item:
        row = self.rows[index]
        if self.store is None:
            return Item(index)
        if isinstance(self.store, ClipImages):
            return self._pictures(index, self.store, epoch)
        if not row.video:
            return Item(index, np.zeros((1, feature_dim(self.store)), np.float32))
        clip = self.store[row.clip_id]
        if epoch is None:
            kept = chosen_frames(len(clip), len(clip), self.config.max_frames)
            return Item(index, flattened(clip[kept].astype(np.float32)))
        return Item(index, flattened(self._augmentation(clip, self._draw(row, epoch))))

    def _pictures(self, index: int, store: ClipImages, epoch: int | None) -> Item:
        row = self.rows[index]
        if not row.video or store.hidden:
            return Item(index, images=np.zeros((1, 3, store.size, store.size), np.uint8))
        n = store.length(row.clip_id)
        if epoch is None:
            images, bad = store.read(row.clip_id, chosen_frames(n, n, self.config.max_frames))
        else:
            draw = self._draw(row, epoch)
            images, bad = store.read(row.clip_id, self._augmentation.places(n, draw), draw)
        return Item(index, None, images, bad)

    def _draw(self, row: Row, epoch: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, epoch, *row.sample_id.encode()])

    def _length(self, clip_id: str) -> int:
        if isinstance(self.store, ClipImages):
            return self.store.length(clip_id)
        assert self.store is not None
        return len(self.store[clip_id])

    def collate(self, items: Sequence[Item]) -> Batch:
        """The batch of some items, in their order."""
        indices = [item.row for item in items]
        rows = [self.rows[i] for i in indices]
        features, frame_mask = _padded([i.features for i in items if i.features is not None])
        images, image_mask = _padded([i.images for i in items if i.images is not None])
        assist, assist_mask = self._assistance(items)
        target, target_mask = self._pieces(self.targets, indices)
        glosses = lengths = None
        if self.glosses is not None:
            of = [torch.tensor(self.glosses[i], dtype=torch.long) for i in indices]
            glosses = torch.nn.utils.rnn.pad_sequence(of, batch_first=True)
            lengths = torch.tensor([len(g) for g in of])
        return Batch(
            [r.sample_id for r in rows], [r.text for r in rows], features,
            image_mask if frame_mask is None else frame_mask, assist, assist_mask, target,
            target_mask, glosses, lengths, images, sum(i.bad_frames for i in items),
        )  # fmt: skip

    def _assistance(self, items: Sequence[Item]) -> tuple[Tensor, Tensor] | tuple[None, None]:
        if self.sources is None:
            return None, None
        return self._pad([self._nothing[0] if i.hidden else self.sources[i.row] for i in items])

    def _pieces(
        self, of: list[list[int]] | None, indices: Sequence[int]
    ) -> tuple[Tensor, Tensor] | tuple[None, None]:
        return (None, None) if of is None else self._pad([of[i] for i in indices])


def _padded(
    arrays: Sequence[NDArray[Any]],
) -> tuple[Tensor, Tensor] | tuple[None, None]:
    if not arrays:
        return None, None
    first = torch.from_numpy(arrays[0])
    features = first.new_zeros(len(arrays), max(map(len, arrays)), *first.shape[1:])
    mask = torch.zeros(features.shape[:2], dtype=torch.bool)
    for i, array in enumerate(arrays):
        features[i, : len(array)] = torch.from_numpy(array)
        mask[i, : len(array)] = True
    return features, mask
