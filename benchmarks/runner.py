"""Run a model on a task: fit, predict, write the predictions, score them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.find_dataset import Found
from benchmarks.models import Model, Run, TaskData, make_model, visible
from benchmarks.predictions import read_predictions
from benchmarks.results import Result, write_lines, write_result
from benchmarks.run_folder import RunConfig, open_run, predictions_file
from benchmarks.scorer import RESAMPLES, score
from benchmarks.split_data import load_references
from benchmarks.tasks.task import check_track
from qa_builder.errors import QbsltError
from qa_builder.samples import Prediction


def run_model(
    name: str, found: Found, out: Path, *, options: Mapping[str, Any] | None = None, seed: int = 0,
    resamples: int = RESAMPLES, echo: Callable[[str], None] = lambda said: None,
) -> Result:  # fmt: skip
    """Run an installed model and leave config.yaml, predictions and result.json in `out`.

    The predictions appear whole or not at all. Raises QbsltError for an unknown model, option or
    track, for an `out` with another run in it, and for predictions that don't cover the split.
    """
    model, resolved = make_model(name, options or {})
    task, dataset = found.task, found.dataset
    check_track(model.track, task)
    data = load_references(dataset, task.split)
    config = RunConfig(
        model=name, track=model.track, options=resolved, seed=seed, task=task.name,
        split=task.split, dataset=str(dataset.path.resolve()), fingerprint=dataset.fingerprint,
        features=getattr(model, "features", None),
    )  # fmt: skip
    open_run(out, config)
    run = Run(out, seed, resolved)
    model.fit(TaskData(task, dataset, model.track), run)
    file = out / predictions_file(task.split)
    write_lines(file, _rows(model, found, run))
    predictions = read_predictions(file, data.sample_id)
    echo(f"wrote {file}")
    result = score(
        task, data, predictions.texts, system=name, track=model.track, resamples=resamples,
        source=predictions,
    )  # fmt: skip
    write_result(result, out)
    return result


def _rows(model: Model, found: Found, run: Run) -> Iterator[dict[str, Any]]:
    samples = [visible(s, model.track) for s in found.dataset.samples(found.task.split)]
    for sample_id, text in _checked(model.predict(samples, run), model.name):
        yield {"sample_id": sample_id, "text": text} | ({} if text.strip() else {"empty": True})


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
            raise QbsltError("there is no such file of options.", file=file) from None
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
