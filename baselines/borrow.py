"""The weights of another run, with other questions or another way to decode. (Ours.)

So `wrong-question` need not be trained: it is the model of `ssl-ssaw`, asked differently.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from baselines import checkpoint
from baselines.materials import CHECKPOINTS, PARTS
from benchmarks.run_folder import read_run
from qa_builder.atomic import new_folder
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.config import Config

# What may differ: how is translated, not what is trained.
_AT_TEST = {
    "weights", "features", "frames_root", "backbone", "backbone_frames", "backbone_chunk",
    "allow_missing_features", "batch_frames", "batch_size", "workers",
    "precision", "device", "tensorboard", "beams", "eval_beams", "length_penalty",
    "no_repeat_ngram", "max_length", "ctc_beams",
}  # fmt: skip
_UNTRAINED = {"none", "wrong-question"}  # controls that train as usual


def borrow(config: Config, folder: Path) -> None:
    """Put the best checkpoint and the vocabularies of the run `config.weights` into a run's folder.

    Does nothing where they are there. Raises QbsltError for a folder without a trained run, and for
    a run of another model or of options that shape the training.
    """
    assert config.weights is not None
    source = Path(config.weights)
    run = read_run(source)
    best = None if run is None else checkpoint.find(source / CHECKPOINTS, checkpoint.BEST)
    if run is None or best is None:
        raise QbsltError("holds no trained run.", file=source,
                         cure="Pass weights=RUN, a folder that `qbslt-bench run` left.")  # fmt: skip  # noqa: E501
    if run.model != config.method:
        raise QbsltError(f"is a run of {run.model}, not of {config.method}.", file=source)
    # an option that came later than the run was as good as at its default
    ours, theirs = asdict(config), {f.name: f.default for f in fields(config)} | run.options
    unlike = {k for k in ours.keys() - _AT_TEST if ours[k] != theirs.get(k)}
    if {ours.get("control"), theirs.get("control")} <= _UNTRAINED:
        unlike.discard("control")
    if unlike:
        raise QbsltError(f"was trained with other options: {', '.join(sorted(unlike))}.",
                         file=source, cure="Give those of that run, or leave weights away.")  # fmt: skip  # noqa: E501
    if checkpoint.find(folder / CHECKPOINTS, checkpoint.BEST) is not None:
        return
    for name in PARTS:
        if (source / name).is_dir():
            with new_folder(folder / name) as new:
                shutil.copytree(source / name, new, dirs_exist_ok=True)
        elif (source / name).exists():
            shutil.copyfile(source / name, folder / name)
    with new_folder(folder / CHECKPOINTS / checkpoint.BEST) as new:
        for file in best.iterdir():
            checkpoint.link(file, new / file.name)
