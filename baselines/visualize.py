"""`qbslt-bench visualize`: what a trained run looked at, for one sample or some. (Ours.)"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines import checkpoint
from baselines.choice import Choice, named, spread
from baselines.explaining import Seen, TrainedRun, explain, open_trained, trained_config
from baselines.marks import mark, sentence_scores
from baselines.materials import CHECKPOINTS
from baselines.visualize_page import make_page, sample_values
from benchmarks.find_dataset import Found, find_dataset
from benchmarks.pages import slug
from benchmarks.run_folder import predictions_file
from benchmarks.split_data import SplitData, load_references
from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.clip_pictures import ClipPictures


def visualize(
    folder: Path, *, sample_ids: Sequence[str] = (), gallery: int = 0, split: str | None = None,
    out: Path | None = None, root: Path | None = None, data: Path | None = None,
    features: Path | None = None, seed: int = 0, echo: Callable[[str], None] = print,
) -> Path:  # fmt: skip
    """Write the page of some samples, or of a `gallery` of so many; gives its path.

    `split`: by default the run's; `root`: the corpus folder with the frames; `data` and `features`:
    where the run's dataset and store are now, if they were moved. Raises QbsltError as
    `open_trained` and `choice.named` do, and for an `out` that is a folder.
    """
    trained_config(folder)
    found = find_dataset(data=data, split=split, predictions=folder / "predictions")
    for warning in found.warnings:
        echo(f"warning: {warning}")
    wanted = found.task.split
    rows = load_references(found.dataset, wanted)
    run = open_trained(folder, features, root)
    if gallery:
        choice = spread(folder, run.about, found.dataset, wanted, gallery, seed)
    else:
        choice = named(found.dataset, wanted, sample_ids)
    out = out or folder / _name(choice, wanted, gallery)
    if out.is_dir():
        raise QbsltError("is a folder, a page is a file.", file=out, cure="Name a new .html file.")
    seen = list(explain(run, found.dataset, wanted, choice.sample_ids))
    values = _samples(run, found, rows, seen, root)
    replace_text(out, make_page(_about(run, found, rows, choice), values))
    return out


def _name(choice: Choice, split: str, gallery: int) -> str:
    if gallery:
        return f"gallery.{split}.html"
    return f"visualize.{split}.{slug(choice.sample_ids[0])}.html"


def _about(run: TrainedRun, found: Found, rows: SplitData, choice: Choice) -> dict[str, Any]:
    best = checkpoint.find(run.folder / CHECKPOINTS, checkpoint.BEST)
    state = {} if best is None else checkpoint.read_state(best)["state"]
    about, graph = run.about, run.graph
    notes = []
    if graph.hide_sign:
        notes.append("A control: the video is hidden from this model, at train and test.")
    if graph.wrong_question:
        notes.append("A control: at test each sample gets the question of another one.")
    return {
        "title": f"{about.model} on {found.dataset.name}", "run": run.folder.resolve().name,
        "seed": about.seed, "track": about.track, "dataset": found.dataset.name,
        "fingerprint": found.dataset.fingerprint, "split": found.task.split,
        "epoch": state.get("best_epoch", -1) + 1, "dev": state.get("best", 0.0),
        "beams": run.config.beams, "notes": notes, "questions": rows.has_questions,
        "simulated": run.store is not None and run.store.simulated, "how": choice.how,
        "weights": graph.ssaw is not None, "assist": _assist(run),
    }  # fmt: skip


def _assist(run: TrainedRun) -> str:
    """What people call the text that the model is given."""
    return {"gloss": "glosses", None: "text"}.get(run.graph.assist, str(run.graph.assist))


def _samples(
    run: TrainedRun, found: Found, rows: SplitData, seen: Sequence[Seen], root: Path | None
) -> list[dict[str, Any]]:
    task = found.task
    scores = sentence_scores(rows, {s.sample_id: s.hypothesis for s in seen}, task.convention)
    at = {sample_id: i for i, sample_id in enumerate(rows.sample_id)}
    written = _written(run.folder / predictions_file(task.split))
    values = []
    for s in seen:
        i = at[s.sample_id]
        question, reference = rows.question[i], rows.text[i]
        marked = None
        if rows.has_questions:
            marked = mark(s.hypothesis, reference, question, convention=task.convention,
                          language=rows.language)  # fmt: skip
        notes = []
        if written.get(s.sample_id, s.hypothesis) != s.hypothesis:
            notes.append(f"The run's own file of predictions says: {written[s.sample_id]}")
        texts = {
            "reference": reference, "question": question, "language": rows.language,
            "scores": scores[s.sample_id], "signer": rows.signer[i], "notes": notes,
            "source": s.source, "source_name": _source_name(run, question, s.source),
            "asked": _asked(question, s.source), "assist": _assist(run),
            "no_video": _no_video(run),
        }  # fmt: skip
        values.append(sample_values(s, marked, texts, _rate(run, s), _painter(run, s, root)))
    return values


def _source_name(run: TrainedRun, question: str | None, source: str | None) -> str:
    """What the model was given, where the page does not show it as the question."""
    if run.graph.assist == "gloss":
        return "glosses read" if run.graph.ctc else "glosses"
    return "" if _asked(question, source) else "question given"


def _asked(question: str | None, source: str | None) -> bool:
    """Whether the model was given the sample's own question."""
    return source is not None and source.lower() == (question or "").lower()


def _no_video(run: TrainedRun) -> str:
    if not run.graph.sign:
        return "This model sees no video."
    if run.graph.hide_sign:
        return "The video is hidden from this control: its one position is a frame of zeros."
    return "The store has no features of this clip: it was translated without its video."


def _rate(run: TrainedRun, s: Seen) -> Fraction | None:
    """Frames a second, of the store or of the dataset."""
    if run.store is None or not s.spans:
        return s.clip.fps
    from qa_builder.features.pictures import frame_rate

    return frame_rate(run.store, s.clip.clip_id)


def _painter(
    run: TrainedRun, s: Seen, root: Path | None
) -> Callable[[Sequence[int]], ClipPictures] | None:
    if not s.spans:
        return None
    from baselines.clip_pictures import clip_pictures, of_frames

    if run.store is not None:
        return partial(clip_pictures, run.store, s.clip.clip_id, root)
    assert run.materials.images is not None
    return partial(of_frames, run.materials.images.path, s.clip.frames, s.spans[-1][1])


def _written(file: Path) -> dict[str, str]:
    """The run's predictions of a split by sample id; nothing where it left none."""
    try:
        rows = [json.loads(line) for line in file.open(encoding="utf-8")]
        return {row["sample_id"]: row["text"] for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
