"""The folder of a run and its resolved configuration, by which `score` finds the dataset again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from qa_builder.errors import QbsltError

CONFIG = "config.yaml"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What a run was started with: config.yaml in its folder."""

    model: str
    track: str
    options: dict[str, Any]
    seed: int
    task: str
    split: str
    dataset: str
    """Absolute path of the dataset."""
    fingerprint: str
    """Of the dataset."""
    features: str | None = None
    """"simulated" where the model was given simulated features."""


def predictions_file(split: str) -> str:
    """Name of the file of predictions in a run's folder."""
    return f"predictions.{split}.jsonl"


def glosses_file(split: str) -> str:
    """Name of the file of glosses that a model has read off the video, in a run's folder."""
    return f"glosses.{split}.jsonl"


def open_run(folder: Path, config: RunConfig) -> None:
    """Make a run's folder, or find one with the same configuration, to go on with it.

    A configuration with nothing beside it is of a run that failed before it began: it is replaced.
    Raises QbsltError for a folder with another run or other files in it.
    """
    import yaml

    from benchmarks.results import write_text

    there = read_run(folder)
    if there == config:
        return
    if there is not None and any(file.name != CONFIG for file in folder.iterdir()):
        changed = [_changed(f.name, getattr(there, f.name), getattr(config, f.name))
                   for f in fields(RunConfig)
                   if getattr(there, f.name) != getattr(config, f.name)]  # fmt: skip
        raise QbsltError(
            f"holds a run with another configuration (different: {', '.join(changed)}).",
            file=folder, cure="Choose another --out, or remove this folder.",
        )  # fmt: skip
    if there is None and folder.is_dir() and any(folder.iterdir()):
        raise QbsltError("holds files, but no run.", file=folder, cure="Choose another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / CONFIG, [yaml.safe_dump(asdict(config), allow_unicode=True)])


def expect_run(folder: Path) -> None:
    """Raise QbsltError for a folder without a run to go on with."""
    if read_run(folder) is None:
        raise QbsltError("holds no run to go on with.", file=folder,
                         cure="Leave --resume away to begin one, or pass its folder with --out.")  # fmt: skip  # noqa: E501


def _changed(name: str, old: Any, new: Any) -> str:
    """The name of a field, with the names of the options that differ."""
    if not isinstance(old, dict):
        return name
    keys = sorted(k for k in old.keys() | new.keys() if old.get(k) != new.get(k))
    return f"{name} {', '.join(keys)}"


def read_run(folder: Path) -> RunConfig | None:
    """The configuration of the run in a folder; None where there is none of ours.

    Datasets and other toolkits have a config.yaml too, so only one that names model, dataset and
    fingerprint is a run's. Raises QbsltError for one of those that lacks other fields.
    """
    import yaml

    file = folder / CONFIG
    if not file.is_file():
        return None
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    if not isinstance(found, dict) or not found.keys() >= {"model", "dataset", "fingerprint"}:
        return None
    names = {f.name for f in fields(RunConfig)}
    if set(found) != names:
        wrong = ", ".join(sorted(map(str, set(found) ^ names)))
        raise QbsltError(f"is no configuration of a run (fields: {wrong}).", file=file)
    config = RunConfig(**found)
    texts = (config.model, config.track, config.task, config.split, config.dataset,
             config.fingerprint)  # fmt: skip
    if not all(isinstance(text, str) for text in texts):
        raise QbsltError("is no configuration of a run (a field that is no text).", file=file)
    return config
