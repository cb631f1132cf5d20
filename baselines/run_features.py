"""What a run's sign features are, kept in its folder: own clips are translated where no store is.

RUN/features.json    of the store's manifest: what made the features, and their shape. (Ours.)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.results import json_text, write_text
from qa_builder.console import warn
from qa_builder.errors import QbsltError
from qa_builder.features.base import Extractor, make_extractor
from qa_builder.features.store import read_store_manifest

FEATURES = "features.json"
_KEPT = ("extractor", "version", "config", "config_hash", "simulated", "shape", "points",
         "channels", "libraries", "fingerprint")  # fmt: skip
_MACHINE = {"device", "batch_size"}  # of an image model: change its numbers' last digits at most
_TRAIN = "Train on features that `qa-builder features --extractor landmarks` or `frames` made."


def keep_features(manifest: Mapping[str, Any], folder: Path) -> None:
    """Write features.json into a run's folder, from the manifest of its store."""
    write_text(folder / FEATURES, [json_text({name: manifest[name] for name in _KEPT})])


def run_features(folder: Path, store: str | None) -> dict[str, Any]:
    """What was kept, or for older runs what the manifest of the store says.

    Raises QbsltError where both are missing.
    """
    file = folder / FEATURES
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return {name: found[name] for name in _KEPT}
    except FileNotFoundError:
        assert store is not None
        try:
            return read_store_manifest(Path(store))
        except QbsltError:
            raise QbsltError(
                f"does not say what its features are, and their store {store} is not here.",
                file=folder, cure="Copy the store here and pass its place, or train the run again.",
            ) from None  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise QbsltError(f"cannot be read ({type(e).__name__}).", file=file,
                         cure="Copy the run again from its source.") from None  # fmt: skip


def own_extractor(kept: Mapping[str, Any], root: Path, model: Path | None) -> Extractor:
    """The extractor that made a run's features, for clips below `root`.

    `model` is the folder of an image model that is not on the Hub. Raises QbsltError for features
    that are not made of video here, and for an extractor that would make other ones.
    """
    name, config = kept["extractor"], kept["config"]
    if name == "simulated":
        raise QbsltError("this run was trained on simulated features: no video was looked at, so "
                         "none can be translated.", cure=_TRAIN)  # fmt: skip
    if name == "import":
        raise QbsltError("this run was trained on imported features, which qbslt can't make of a "
                         "video.", cure=_TRAIN)  # fmt: skip
    options: dict[str, Any] = {"root": root}
    if name == "landmarks":
        options |= {"points": config["points"], "normalize": config["normalized"]}
    else:
        options |= _image_model(config, model)
    made = make_extractor(name, options)
    _compare(kept, made)
    return made


def _image_model(config: Mapping[str, Any], model: Path | None) -> dict[str, Any]:
    import torch

    of_hub = config["revision"] is not None
    if not of_hub and model is None:
        raise QbsltError(
            "the features of this run were made by the image model of a folder "
            f"{config['model']!r} (sha256 of its weights: {config['weights_sha256'][:16]}).",
            cure="Pass that folder: --model FOLDER.",
        )  # fmt: skip
    gpu = config["device"] != "cpu" and torch.cuda.is_available()
    return {"model": config["model"] if of_hub else str(model), "revision": config["revision"],
            "batch_size": config["batch_size"], "device": "cuda" if gpu else "cpu",
            "dtype": config["dtype"]}  # fmt: skip


def _compare(kept: Mapping[str, Any], made: Extractor) -> None:
    """Refuse other features than the run's; warn where only versions differ."""
    told = made.describe()
    ours = json.loads(json.dumps(dict(told.config)))
    unlike = sorted(
        key for key in {*ours, *kept["config"]} - _MACHINE
        if ours.get(key) != kept["config"].get(key) and (key, kept["extractor"]) != _NAME
    )  # fmt: skip
    if unlike or list(told.shape) != list(kept["shape"]):
        raise QbsltError(
            "other features than this run's would be made of the video (different: "
            f"{', '.join(unlike) or 'shape'}).",
            cure="Take the same image model (--model), or train the run again.",
        )
    libraries = dict(told.libraries)
    before = {"extractor": kept["version"], **kept["libraries"]}
    now = {"extractor": told.version, **libraries}
    if other := [n for n in before if before[n] != now.get(n)]:
        said = ", ".join(f"{n} {before[n]} then, {now.get(n)} now" for n in other)
        warn(f"the run's features were made by other versions ({said}): they may differ")


_NAME = ("model", "frames")  # a folder's name is its own; its weights are compared
