"""Checkpoints: tensors as safetensors, the rest as JSON, whole or not there at all. (Ours.)

    checkpoints/last/, checkpoints/best/, checkpoints/epoch-000005/ (weights alone)
      model.safetensors       weights
      average.safetensors     their moving average, where there is one
      optimizer.safetensors   moments, by the number of the parameter
      random.safetensors      states of the generators of torch, numpy and python
      state.json              step, the rest of those states, and what training wants to know again

A run that was killed and goes on from `last` ends, on a CPU, with the same bits. `best` is what is
evaluated; files that both share are stored once where the file system has hard links.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from baselines.machine import ran_out
from qa_builder.atomic import new_folder, recover
from qa_builder.errors import QbsltError

LAST, BEST = "last", "best"
TRAINING_ONLY = "sentences."  # names of weights begin with it that no translation needs
MODEL, AVERAGE, OPTIMIZER = "model.safetensors", "average.safetensors", "optimizer.safetensors"
RANDOM, STATE = "random.safetensors", "state.json"
VERSION = 1


class Scheduler(Protocol):
    """What torch's learning-rate schedules have."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


def save(
    folder: Path, step: int, model: nn.Module, optimizer: Optimizer, scheduler: Scheduler,
    average: AveragedModel | None, state: Mapping[str, Any], *, best: bool = False,
    keep: str | None = None,
) -> None:  # fmt: skip
    """Write the checkpoint `last` in a run's folder of checkpoints; with `best` that one too.

    With `keep` its weights are also kept under that name. `state` is what load() gives back: it
    holds the run's config under "config", and JSON alone. Raises QbsltError where it can't be
    written, say on a full disk. Killed at any moment it leaves the old
    checkpoint or the new one: `last` is put in place after the others, so that a run that goes on
    comes to them again.
    """
    try:
        with new_folder(folder / LAST) as new:
            _write(new, step, model, optimizer, scheduler, average, state)
            whole = [file.name for file in new.iterdir()]
            copies = [(BEST, whole)] if best else []
            if keep is not None:
                copies.append((keep, [n for n in whole if n not in (OPTIMIZER, RANDOM)]))
            for name, files in copies:
                with new_folder(folder / name) as copy:
                    for file in files:
                        link(new / file, copy / file)
    except (OSError, SafetensorError) as e:
        raise _unwritten(folder, e) from None


def kept(epoch: int) -> str:
    """The name of the checkpoint of an epoch (1, 2, ...) that is kept for good."""
    return f"epoch-{epoch:06}"


def load(
    checkpoint: Path, model: nn.Module, optimizer: Optimizer, scheduler: Scheduler,
    average: AveragedModel | None, config: Mapping[str, Any],
) -> tuple[int, dict[str, Any]]:  # fmt: skip
    """Set everything back to a checkpoint, the random states too; gives its step and `state`.

    Raises QbsltError for a checkpoint of another config, naming the options that differ, and for
    one that cannot be read.
    """
    state = read_state(checkpoint)
    check_config(checkpoint, state["state"].get("config", {}), config)
    try:
        load_model(model, checkpoint / MODEL)
        if average is not None:
            load_model(average.module, checkpoint / AVERAGE)
            average.n_averaged.fill_(state["averaged"])
        moments = _unflattened(load_file(checkpoint / OPTIMIZER))
        noises = load_file(checkpoint / RANDOM)
    except (OSError, RuntimeError, SafetensorError) as e:
        raise _broken(checkpoint, e) from None
    optimizer.load_state_dict({"state": moments, "param_groups": state["groups"]})
    scheduler.load_state_dict(state["scheduler"])
    _set_random(noises, state["random"])
    return int(state["step"]), dict(state["state"])


def load_weights(checkpoint: Path, model: nn.Module) -> dict[str, Any]:
    """Only the weights that are evaluated, those of the average where there is one; gives `state`.

    Weights that only training needs are left out where the model has no place for them. Raises
    QbsltError for a checkpoint that cannot be read, or of another model.
    """
    state = read_state(checkpoint)
    try:
        missing, more = load_model(model, evaluated(checkpoint), strict=False)
        wrong = [*missing, *(name for name in more if not name.startswith(TRAINING_ONLY))]
        if wrong:
            raise RuntimeError(f"of another model: {', '.join(sorted(wrong))}")
    except (OSError, RuntimeError, SafetensorError) as e:
        raise _broken(checkpoint, e) from None
    return dict(state["state"])


def evaluated(checkpoint: Path) -> Path:
    """The file of the weights that are evaluated: of their average where there is one."""
    return checkpoint / (MODEL if read_state(checkpoint)["averaged"] is None else AVERAGE)


def find(folder: Path, name: str = LAST) -> Path | None:
    """The checkpoint of a name in a run's folder of checkpoints; None where there is none yet."""
    recover(folder / name)
    return folder / name if (folder / name / STATE).is_file() else None


def read_state(checkpoint: Path) -> dict[str, Any]:
    """state.json of a checkpoint; raises QbsltError where it cannot be read."""
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text("utf-8"))
        if state["version"] != VERSION:
            raise QbsltError(f"has version {state['version']}, this qbslt reads {VERSION}.",
                             file=checkpoint / STATE, cure=_AGAIN)  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise _broken(checkpoint, e) from None
    return state


def check_config(checkpoint: Path, there: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Raise QbsltError, with the options that differ, for a checkpoint of another config."""
    absent = object()
    if changed := [
        f"{key} is {_shown(there, key)} there, {_shown(config, key)} here"
        for key in sorted({*there, *config})
        if there.get(key, absent) != config.get(key, absent)
    ]:
        raise QbsltError(
            f"is a checkpoint of another configuration: {'; '.join(changed)}.", file=checkpoint,
            cure="Go on with the same options, or choose another --out.",
        )  # fmt: skip


def _shown(config: Mapping[str, Any], key: str) -> str:
    return repr(config[key]) if key in config else "not given"


_AGAIN = "Remove this run's folder and train again."


def _broken(checkpoint: Path, e: Exception) -> Exception:
    if ran_out(e):
        return e
    said = " ".join(str(e).split())[:200]
    return QbsltError(f"this checkpoint cannot be read ({type(e).__name__}: {said}).",
                      file=checkpoint, cure=_AGAIN)  # fmt: skip


def _unwritten(folder: Path, e: Exception) -> Exception:
    """What is said where the disk is full; memory that ran out is told by others."""
    if ran_out(e):
        return e
    said = " ".join(str(e).split())[:200]
    return QbsltError(
        f"a checkpoint can't be written here ({type(e).__name__}: {said}); the one before it is "
        "whole.", file=folder,
        cure="Free some space, and the same command goes on from that one.",
    )  # fmt: skip


def _write(
    folder: Path, step: int, model: nn.Module, optimizer: Optimizer, scheduler: Scheduler,
    average: AveragedModel | None, state: Mapping[str, Any],
) -> None:  # fmt: skip
    save_file(_weights(model), folder / MODEL)
    if average is not None:
        save_file(_weights(average.module), folder / AVERAGE)
    optimized = optimizer.state_dict()
    save_file(_flattened(optimized["state"]), folder / OPTIMIZER)
    noises, rest = _random_states()
    save_file(noises, folder / RANDOM)
    about = {
        "version": VERSION, "step": step, "groups": optimized["param_groups"],
        "averaged": None if average is None else int(average.n_averaged),
        "scheduler": scheduler.state_dict(), "random": rest, "state": dict(state),
    }  # fmt: skip
    (folder / STATE).write_text(json.dumps(about, indent=1, allow_nan=True) + "\n", "utf-8")


def _weights(model: nn.Module) -> dict[str, Tensor]:
    """Each weight once, under the first of its names, as load_model wants it.

    safetensors' save_model adds a header of the other names in an order that changes from process
    to process; without it equal weights are equal files.
    """
    tensors = dict(sorted(model.state_dict().items()))
    once = {(t.data_ptr() or name, t.shape): name for name, t in reversed(tensors.items())}
    return {name: tensors[name].contiguous() for name in sorted(once.values())}


def link(file: Path, to: Path) -> None:
    """Give a file a second name, or copy it where the file system has no hard links."""
    try:
        os.link(file, to)
    except OSError:
        shutil.copyfile(file, to)


def _flattened(moments: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Moments of an optimiser by "parameter.name"; AdamW has nothing but tensors."""
    return {
        f"{number}.{name}": value.contiguous()
        for number, by_name in moments.items() for name, value in by_name.items()
    }  # fmt: skip


def _unflattened(tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        moments.setdefault(int(number), {})[name] = tensor
    return moments


def _random_states() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The generators' states: tensors, and what of them is none."""
    version, words, spare = random.getstate()
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    tensors = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor(words),
        "numpy": torch.from_numpy(np.asarray(keys).astype(np.int64)),
    }
    for i, cuda in enumerate(torch.cuda.get_rng_state_all() if torch.cuda.is_available() else ()):
        tensors[f"cuda.{i}"] = cuda
    rest = {"python": [version, spare], "numpy": [name, position, has_gauss, gauss]}
    return tensors, rest


def _set_random(tensors: Mapping[str, Tensor], rest: Mapping[str, Any]) -> None:
    version, spare = rest["python"]
    random.setstate((version, tuple(tensors["python"].tolist()), spare))
    name, *numbers = rest["numpy"]
    np.random.set_state((name, tensors["numpy"].numpy().astype(np.uint32), *numbers))
    torch.set_rng_state(tensors["torch"])
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            if (state := tensors.get(f"cuda.{i}")) is not None:
                torch.cuda.set_rng_state(state, i)
