"""The sign encoder of another run, to begin with: one that has learned to read signs. (Ours.)

RUN/sign-encoder.json    which it was, with the sha256 of its weights
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open

from baselines import checkpoint
from baselines.materials import CHECKPOINTS, SIGN_START
from baselines.run_features import run_features
from benchmarks.results import json_text, write_text
from benchmarks.run_folder import read_run
from qa_builder.dataset import file_sha256
from qa_builder.errors import QbsltError
from qa_builder.features.store import read_store_manifest

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.translator import Translator

_OF_IT = "sign."  # names of its weights begin with it
_CURE = "Pass sign_encoder=RUN, a folder that `qbslt-bench run` left."


def start_sign(config: Config, model: Translator, folder: Path, *, write: bool) -> None:
    """Give a model the sign encoder of the run `config.sign_encoder`, and note it in `folder`.

    Nothing else is taken: neither its CTC head nor its decoder. Raises QbsltError for a folder
    without a trained run, one that sees no video or was given other features, and other sizes.
    """
    assert config.sign_encoder is not None and model.sign is not None
    source = Path(config.sign_encoder)
    run = read_run(source)
    best = None if run is None else checkpoint.find(source / CHECKPOINTS, checkpoint.BEST)
    if run is None or best is None:
        raise QbsltError("holds no trained run.", file=source, cure=_CURE)
    file = checkpoint.evaluated(best)
    try:
        with safe_open(file, "pt") as tensors:
            names = [name for name in tensors.keys() if name.startswith(_OF_IT)]  # noqa: SIM118
            found = {name.removeprefix(_OF_IT): tensors.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as e:
        raise QbsltError(f"cannot be read ({type(e).__name__}).", file=file,
                         cure="Copy the run again from its source.") from None  # fmt: skip
    if not found or run.options.get("features") is None:
        raise QbsltError(f"is a run of {run.model} without a sign encoder over sign features.",
                         file=source, cure=_CURE)  # fmt: skip
    _check_features(config, source, run.options["features"])
    ours = model.sign.state_dict()
    unlike = _unlike(found, ours)
    if run.options["heads"] != config.heads:
        unlike = f"heads is {run.options['heads']} there, {config.heads} here"
    if unlike:
        raise QbsltError(
            f"has a sign encoder of other sizes: {unlike}.", file=source,
            cure="Give d_model, ffn_dim, heads and sign_layers of that run.",
        )  # fmt: skip
    with torch.no_grad():
        for name, tensor in found.items():
            ours[name].copy_(tensor)
    if write:
        about = {"run": str(source), "model": run.model, "weights_sha256": file_sha256(file)}
        write_text(folder / SIGN_START, [json_text(about)])


def _check_features(config: Config, source: Path, store: str) -> None:
    assert config.features is not None
    theirs = run_features(source, store)
    ours = read_store_manifest(Path(config.features))
    for name in ("extractor", "config_hash", "shape"):
        if ours[name] != theirs[name]:
            raise QbsltError(
                f"was trained on features with {name} {theirs[name]}, not {ours[name]}.",
                file=source, cure="Take a run on features that the same command made.",
            )  # fmt: skip


def _unlike(found: dict[str, torch.Tensor], ours: dict[str, torch.Tensor]) -> str:
    """The first weight that one has and the other has not, or has in another shape."""
    for name in sorted(found.keys() | ours.keys()):
        a, b = (list(t[name].shape) if name in t else "absent" for t in (found, ours))
        if a != b:
            return f"{name} is {a} there, {b} here"
    return ""
