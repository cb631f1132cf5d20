"""What an extractor is: a callable that makes a clip's features, and says what it does. (Ours.)"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# name -> module and class; the fields of each class (a dataclass) are the options that it takes
EXTRACTORS = {
    "landmarks": ("qa_builder.features.landmarks", "Landmarks"),
    "frames": ("qa_builder.features.frames", "FrameEmbeddings"),
    "simulated": ("qa_builder.features.simulated", "Simulated"),
    "import": ("qa_builder.features.importing", "Imported"),
}


class ClipTask(NamedTuple):
    """All that an extractor is told about a clip."""

    clip_id: str
    split: str
    signer: str | None
    gloss: str | None  # the official string
    frames: str | None  # as in a dataset: path or glob of the frames, relative to the corpus root
    n_frames: int | None  # as the annotation says
    fps: Fraction | None


class ClipFeatures(NamedTuple):
    """The features of one clip."""

    features: NDArray[np.float16]  # [n_frames, *shape]; NaN where there is nothing
    bad_frames: int = 0  # frames that could not be read: all NaN


class Description(NamedTuple):
    """What an extractor does, as the manifest of a store tells it."""

    version: str  # of the extractor: another one may give other features
    config: Mapping[str, Any]  # all settings that decide the features, as JSON; no local path
    shape: tuple[int, ...]  # of one frame: (dim,) or (points, channels)
    points: tuple[str, ...] = ()  # names of the landmarks, where there are any
    channels: tuple[str, ...] = ()  # such as x, y, z, visibility
    simulated: bool = False  # no video was looked at
    libraries: Mapping[str, str] = {}  # package -> version, of those that decide the features


class Extractor(Protocol):
    """Makes the features of one clip after another; is sent to each worker once.

    Heavy libraries and models are loaded at the first call, in the worker.
    """

    def describe(self) -> Description:
        """Say what it does; raises QbsltError for settings that can't be."""
        ...

    def __call__(self, task: ClipTask) -> ClipFeatures:
        """Make a clip's features; raises QbsltError for a clip that has none."""
        ...


def make_extractor(name: str, options: Mapping[str, Any]) -> Extractor:
    """An extractor by its name, with those of its options that are not None.

    Raises QbsltError for an unknown name, an option of another extractor, and a missing package.
    """
    import dataclasses
    from importlib import import_module

    from qa_builder.errors import known

    if name not in EXTRACTORS:
        raise known(name, EXTRACTORS, "extractor")
    module, class_name = EXTRACTORS[name]
    extractor = getattr(import_module(module), class_name)
    fields = {f.name: f for f in dataclasses.fields(extractor) if f.init}
    given = {k: v for k, v in options.items() if v is not None}
    if "root" not in fields:  # where the frames are: some need none
        given.pop("root", None)
    takes = ", ".join(map(_flag, fields)) or "none"
    for wrong in sorted(set(given) - set(fields)):
        raise QbsltError(f"{_flag(wrong)} is no option of --extractor {name}; it takes: {takes}.")
    for field in fields.values():
        if field.default is dataclasses.MISSING and field.name not in given:
            raise QbsltError(f"--extractor {name} needs {_flag(field.name)}.")
    return extractor(**given)  # type: ignore[no-any-return]


def _flag(name: str) -> str:
    return "--from" if name == "source" else "--" + name.replace("_", "-")
