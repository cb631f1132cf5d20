"""`qbslt-bench translate`: a clip of one's own, by the run's own extractor and best checkpoint.

The clip goes the way of a dataset's: its features are rounded as a store rounds them, and the model
is given what `qbslt-bench run` gives it, so that a clip of the corpus is translated alike. (Ours.)
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baselines import checkpoint
from baselines.data import Row, SignDataset, as_source
from baselines.decoding import Translations, translate
from baselines.images import ClipImages
from baselines.machine import make_accelerator
from baselines.materials import CHECKPOINTS, load_materials
from baselines.methods import METHODS, Method
from baselines.run_features import own_extractor, run_features
from benchmarks.models import installed_models
from benchmarks.run_folder import read_run
from qa_builder.console import warn
from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipTask
from qa_builder.samples import Clip

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph

CLIP = "own clip"
FEWEST = 4  # frames: one state of the sign encoder


class OwnClip:
    """One clip's features, as a store that holds it alone."""

    def __init__(self, path: Path, features: NDArray[np.float16]) -> None:
        self.path, self.shape, self._features = path, features.shape[1:], features

    def __contains__(self, clip_id: object) -> bool:
        return clip_id == CLIP

    def __getitem__(self, clip_id: str) -> NDArray[np.float16]:
        return self._features


class Given(NamedTuple):
    """What there is to translate."""

    video: Path | None
    """A video file or a folder of pictures."""
    question: str | None
    gloss: str | None
    model: Path | None
    """Folder of the image model that made the run's features, where it is none of the Hub."""


def translate_clip(run: Path, given: Given, device: str = "auto") -> tuple[str, str | None]:
    """The sentence, and the glosses that a CTC head read, by the best checkpoint of a run's folder.

    Raises QbsltError for a folder without a trained run of ours, for a question, gloss or video
    that is missing or that the model does not take, for a video that can't be read or is too short,
    and for features that can't be made of a video.
    """
    config, graph = _method(run, device)
    best = checkpoint.find(run / CHECKPOINTS, checkpoint.BEST)
    if best is None:
        raise QbsltError("holds no trained model.", file=run,
                         cure="Train one: `qbslt-bench run --model ...` with this --out.")  # fmt: skip  # noqa: E501
    source = _checked(config, graph, given)
    accelerator = make_accelerator(config)
    materials = load_materials(config, graph, run, frames=False)
    store = _frames(config, graph, run, given, materials.dim)
    row = Row(CLIP, CLIP, "", source, video=not graph.hide_sign)
    dataset = SignDataset([row], materials.vocabulary, config, train=False, store=store)
    model = materials.translator(config, graph, trained=True)
    checkpoint.load_weights(best, model)
    model.to(accelerator.device).eval()
    found: Translations = translate(
        model, dataset, config, materials, accelerator, beams=config.beams
    )
    if found.bad_frames:
        warn(f"{found.bad_frames:,} frames can't be read: black pictures")
    return found.texts[CLIP], found.glosses.get(CLIP)


def _method(run: Path, device: str) -> tuple[Config, Graph]:
    there = read_run(run)
    if there is None:
        raise QbsltError("holds no run.", file=run,
                         cure="Name a folder that `qbslt-bench run` left.")  # fmt: skip
    point = installed_models().get(there.model)
    method = METHODS.get(there.model) or (point.load() if point else None)
    if not isinstance(method, Method):
        raise QbsltError(
            f"is a run of the model {there.model}, which translates no clips of one's own; these "
            f"do: {', '.join(METHODS)}.", file=run,
        )  # fmt: skip
    config = method.config(**method.resolve(there.options))
    return replace(config, device=device, workers=0, tensorboard=False), method.graph(config)


def _checked(config: Config, graph: Graph, given: Given) -> str | None:
    """What the text encoder reads; raises where something is missing or too much."""
    reads = None if graph.ctc else graph.assist
    for name, text in (("question", given.question), ("gloss", given.gloss)):
        needed = reads == name
        if needed and not (text or "").strip():
            raise QbsltError(f"this run's model ({config.method}) needs a {name}.",
                             cure=f'Pass --{name} "...".')  # fmt: skip
        if text is not None and not needed:
            why = " it reads the glosses off the video itself" if graph.ctc else " it was trained without one"  # fmt: skip  # noqa: E501
            raise QbsltError(f"this run's model ({config.method}) takes no {name}:{why}.",
                             cure=f"Leave --{name} away.")  # fmt: skip
    sees = graph.sign and not graph.hide_sign
    if sees and given.video is None:
        raise QbsltError(f"this run's model ({config.method}) needs a video.",
                         cure="Pass --video FILE, or a folder of pictures.")  # fmt: skip
    if given.video is not None and not sees:
        raise QbsltError(f"this run's model ({config.method}) sees no video.",
                         cure="Leave --video away.")  # fmt: skip
    text = {"question": given.question, "gloss": given.gloss}.get(reads or "")
    return None if text is None else as_source(text.strip(), config)


def _frames(
    config: Config, graph: Graph, run: Path, given: Given, dim: int
) -> OwnClip | ClipImages | None:
    """The clip's features or pictures; raises for a video that is none, or too short."""
    if not graph.sign:
        return None
    if given.video is None:  # a control whose video is hidden
        return OwnClip(run, np.zeros((1, dim), np.float16))
    video = given.video.expanduser()
    of_folder = video.name in ("", "..")
    video = video.resolve() if of_folder else video.parent.resolve() / video.name
    if not video.exists() and not Path(str(video).rpartition("#")[0]).is_file():
        raise QbsltError("there is no such video or folder of pictures.", file=given.video)
    if config.frames_root is not None:
        images = ClipImages(video.parent, config.image_size)
        images.find([_clip(video.name)])
        if why := images.failed.get(CLIP):
            raise QbsltError(why, file=given.video)
        _check_length(images.length(CLIP), given.video)
        return images
    kept = run_features(run, config.features)
    extractor = own_extractor(kept, video.parent, given.model)
    made = extractor(ClipTask(CLIP, "test", None, None, video.name, None, None))
    n, bad = len(made.features), made.bad_frames
    _check_length(n, given.video)
    if bad == n:
        raise QbsltError(f"none of its {n:,} frames can be read.", file=given.video,
                         cure="Copy it again from its source.")  # fmt: skip
    if bad:
        warn(f"{bad:,} of {n:,} frames can't be read; they are left empty")
    if np.isinf(made.features).any():
        raise QbsltError("its features are too large for float16.", file=given.video)
    return OwnClip(video, made.features)


def _check_length(n: int, video: Path) -> None:
    if n < FEWEST:
        raise QbsltError(f"is too short: it has {n} of the {FEWEST} frames that are needed.",
                         file=video)  # fmt: skip


def _clip(frames: str) -> Clip:
    return Clip(clip_id=CLIP, corpus="", split="test", signer=None, frames=frames, n_frames=None,
                fps=None)  # fmt: skip
