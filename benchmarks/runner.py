"""Run a model on a task: fit, predict, write the predictions, score them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from benchmarks.find_dataset import Found, find_dataset
from benchmarks.left_out import read_left_out
from benchmarks.models import MAX_SEED, Model, Run, TaskData, make_model, visible
from benchmarks.predictions import read_predictions
from benchmarks.results import Result, write_lines, write_result
from benchmarks.run_folder import RunConfig, glosses_file, open_run, predictions_file, read_run
from benchmarks.scorer import RESAMPLES, score
from benchmarks.split_data import SplitData, load_references
from benchmarks.tasks.task import check_track
from qa_builder.atomic import locked
from qa_builder.errors import QbsltError
from qa_builder.samples import Prediction

Echo = Callable[[str], None]


def run_model(
    name: str, found: Found, out: Path, *, options: Mapping[str, Any] | None = None, seed: int = 0,
    resamples: int = RESAMPLES, echo: Echo = lambda said: None,
) -> Result | None:  # fmt: skip
    """Run an installed model and leave config.yaml, predictions and result.json in `out`.

    The predictions appear whole or not at all. Glosses that the model leaves in
    glosses.{split}.jsonl are scored, too, into `out`/glosses. Of several processes (torchrun) the
    first alone writes and scores; the others give None. Raises QbsltError for an unknown model,
    option or track, for an `out` with another run in it or where another command is writing, and
    for predictions that don't cover the split.
    """
    model, config = plan(name, found, options or {}, seed)
    data = load_references(found.dataset, found.task.split)
    run = Run(out, seed, config.options)
    look_ahead(model, found, run)
    with _alone(out):
        if _first():
            open_run(out, config)
        model.fit(TaskData(found.task, found.dataset, model.track), run)
        return _predict(model, found, run, config, data, out, resamples, echo)


def plan(
    name: str, found: Found, options: Mapping[str, Any], seed: int
) -> tuple[Model, RunConfig]:  # fmt: skip
    """The model of a name, and the configuration of its run; raises as `run_model` does."""
    model, resolved = make_model(name, options)
    task, dataset = found.task, found.dataset
    check_track(model.track, task)
    if not 0 <= seed <= MAX_SEED:
        raise QbsltError(f"the seed {seed} is not between 0 and {MAX_SEED:,}.")
    return model, RunConfig(
        model=name, track=model.track, options=resolved, seed=seed, task=task.name,
        split=task.split, dataset=str(dataset.path.resolve()), fingerprint=dataset.fingerprint,
        features=getattr(model, "features", None),
    )  # fmt: skip


def look_ahead(model: Model, found: Found, run: Run) -> None:
    """Have a model look at the data before anything is written or trained.

    A model may have a method `check(data, run)` for it, which raises QbsltError for what its `fit`
    or `predict` would refuse.
    """
    check = getattr(model, "check", None)
    if check is not None:
        check(TaskData(found.task, found.dataset, model.track), run)


def predict_only(
    folder: Path, *, data: Path | None = None, split: str | None = None,
    resamples: int = RESAMPLES, echo: Echo = lambda said: None,
) -> Result | None:  # fmt: skip
    """Translate a split by the trained model of a run's folder, and score it.

    A model with a method `load(run)` is loaded by it, another one by `fit`, which finds what it
    left. Results of another split than the run's own go into the folder `folder`/`split`. Raises
    QbsltError for a folder without a run, and as `run_model` does.
    """
    config = read_run(folder)
    if config is None:
        raise QbsltError("holds no run.", file=folder,
                         cure="--predict-only takes the folder that `qbslt-bench run` left.")  # fmt: skip  # noqa: E501
    file = folder / predictions_file(split or config.split)
    found = find_dataset(data=data, split=split or config.split, predictions=file)
    for warning in found.warnings:
        echo(f"warning: {warning}")
    model, resolved = make_model(config.model, config.options)
    rows = load_references(found.dataset, found.task.split)
    run = Run(folder, config.seed, resolved)
    load = getattr(model, "load", None)
    out = folder if found.task.split == config.split else folder / found.task.split
    with _alone(folder):
        if load is None:
            model.fit(TaskData(found.task, found.dataset, model.track), run)
        else:
            load(run)
        return _predict(model, found, run, config, rows, out, resamples, echo)


def _predict(
    model: Model, found: Found, run: Run, config: RunConfig, data: SplitData, out: Path,
    resamples: int, echo: Echo,
) -> Result | None:  # fmt: skip
    """Translate, and score what was written."""
    task, rows = found.task, _rows(model, found, run)
    if not _first():
        for _ in rows:
            pass  # the first process gathers this one's share
        return None
    data.dataset["features"] = config.features
    file = run.folder / predictions_file(task.split)
    write_lines(file, rows)
    predictions = read_predictions(file, data.sample_id)
    echo(f"wrote {file}")
    result = score(
        task, data, predictions.texts, system=config.model, track=model.track, resamples=resamples,
        source=predictions, notes=getattr(model, "notes", ()), left_out=read_left_out(run.folder),
    )  # fmt: skip
    write_result(result, out)
    _score_glosses(found, run.folder, config, data, out / "glosses", echo)
    return result


def _score_glosses(
    found: Found, folder: Path, config: RunConfig, data: SplitData, out: Path, echo: Echo
) -> None:
    """Score the glosses that a model has read off the video, where it left some."""
    file = folder / glosses_file(found.task.split)
    if not file.exists():
        return
    glosses = read_predictions(file, data.sample_id, allow_missing=True)
    result = score(found.task, data, glosses.texts, system=config.model, track=config.track,
                   gloss=True, source=glosses, left_out=read_left_out(folder))  # fmt: skip
    write_result(result, out)
    wer = next(iter(result.scores.values()))["wer"]["value"]
    echo(f"glosses: WER {wer:.2f} % (details: {out / 'result.json'})")


def _alone(folder: Path) -> AbstractContextManager[None]:
    """No other command writes the run's folder; torchrun's first process sees to it."""
    return locked(folder) if _first() else nullcontext()


def _first() -> bool:
    """Whether this is the only process, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def _rows(model: Model, found: Found, run: Run) -> Iterator[dict[str, Any]]:
    samples = [visible(s, model.track) for s in found.dataset.samples(found.task.split)]
    blind: Collection[str] = getattr(model, "no_features", ())
    for sample_id, text in _checked(model.predict(samples, run), model.name):
        row: dict[str, Any] = {"sample_id": sample_id, "text": text}
        row |= {} if text.strip() else {"empty": True}
        yield row | ({"no_features": True} if sample_id in blind else {})


def _checked(predictions: Iterable[Prediction], name: str) -> Iterator[Prediction]:
    for sample_id, text in predictions:
        if not isinstance(text, str):
            raise QbsltError(
                f"the model {name} gave {type(text).__name__} for a translation.", id=sample_id
            )
        yield Prediction(sample_id, text)


def read_options(file: Path | None, words: Sequence[str]) -> dict[str, Any]:
    """Options of a model: those of a YAML file, then `key=value` words, which win.

    Raises QbsltError for what is no mapping or no key=value.
    """
    import yaml

    found: dict[str, Any] = {}
    if file is not None:
        try:
            found = yaml.safe_load(file.read_text("utf-8")) or {}
        except FileNotFoundError:
            raise QbsltError("there is no such file of options.", file=file,
                             cure="--config takes the path of a YAML file.") from None  # fmt: skip
        except (yaml.YAMLError, UnicodeDecodeError) as e:
            raise QbsltError(f"is no YAML ({' '.join(str(e).split())[:200]}).", file=file) from None
        if not isinstance(found, dict):
            raise QbsltError("is no mapping of options.", file=file)
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise QbsltError(f"{word!r} is no key=value.", cure="For instance epochs=3.")
        try:
            found[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            found[key] = value
    return found
