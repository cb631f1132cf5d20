"""`qa-builder features`: what it takes and prints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_builder.console import progress
from qa_builder.errors import counted

if TYPE_CHECKING:
    from qa_builder.features.extract import Extraction, How
    from qa_builder.features.importing import Coverage
    from qa_builder.features.tasks import Tasks

_PATH = click.Path(path_type=Path)
_SHOWN = 20


@click.command(
    epilog="Options in [brackets] are those of one extractor. docs/features.md tells which command "
    "to run for which corpus, how long it takes and how large it gets."
)
@click.argument("source", metavar="DATASET|STORE", type=_PATH)
@click.option("--extractor", help="landmarks, frames, simulated or import.")
@click.option("--out", type=_PATH, help="The store, a folder; or the file for --show.")
@click.option("--root", type=_PATH, help="The corpus folder, which the frames are below.")
@click.option("--splits", help="Splits, comma-separated; default: all.")
@click.option("--limit", type=int, help="The first N clips of each split alone.")
@click.option("--workers", type=int, help="Worker processes; default: one a core.")
@click.option("--executor", default="processes", show_default=True, help="processes or ray.")
@click.option("--address", help="Of an existing Ray cluster; default: Ray on this machine.")
@click.option("--gpus", type=float, default=0.0, help="GPUs that each Ray worker takes.")
@click.option("--restart", is_flag=True, help="Begin anew: drop what an earlier run has done.")
@click.option("--allow-missing", is_flag=True,
              help="Exit 0 though clips failed or have another number of frames.")  # fmt: skip
@click.option("--points", help="[landmarks] all, hands+pose or hands+pose+mouth.")
@click.option("--normalize", is_flag=True, default=None,
              help="[landmarks] Centre on the shoulders and scale by their distance.")  # fmt: skip
@click.option("--model", help="[frames] A transformers image backbone: name on the Hub or folder.")
@click.option("--revision", help="[frames] Its branch, tag or commit.")
@click.option("--batch-size", type=int, help="[frames] Frames at a time.")
@click.option("--device", help="[frames] auto, cpu, cuda, cuda:1, ...")
@click.option("--dtype", help="[frames] auto (bfloat16 on a GPU), float32, bfloat16, float16.")
@click.option("--difficulty", help="[simulated] easy, medium or hard.")
@click.option("--dim", type=int, help="[simulated] Numbers a frame.")
@click.option("--seed", type=int, help="[simulated] Of all that is drawn.")
@click.option("--alignments", type=_PATH, help="[simulated] Parquet file of frame alignments.")
@click.option("--from", "from_", type=_PATH, help="[import] The folder or file of features.")
@click.option("--format", help="[import] Format; default: found by looking.")
@click.option("--show", metavar="CLIP_ID", help="Draw a clip of a STORE into --out FILE.")
@click.option("--report", type=_PATH, metavar="FILE", help="Write a page about a STORE.")
def features(
    source: Path, extractor: str | None, out: Path | None, root: Path | None, splits: str | None,
    limit: int | None, workers: int | None, executor: str, address: str | None, gpus: float,
    restart: bool, allow_missing: bool, show: str | None, report: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Make sign features of a DATASET's clips, or look at those of a STORE.

    A STORE is shown with --show CLIP_ID --out clip.html (or .gif, .webm), and summed up with
    --report page.html; --root adds the frames.
    """
    from qa_builder.errors import QbsltError
    from qa_builder.features.base import make_extractor
    from qa_builder.features.extract import How

    if show or report:
        _look(source, show, report, out, root)
        return
    if not extractor:
        raise QbsltError("no --extractor is named.",
                         cure="Take one: landmarks, frames, simulated or import.")  # fmt: skip
    if not out:
        raise QbsltError("no --out is named.", cure="Name the folder of the store: --out STORE.")
    options["source"] = options.pop("from_")
    # The clips' own frames are all that needs the corpus folder.
    made = make_extractor(extractor, {**options, "root": root})
    from qa_builder.dataset import open_dataset
    from qa_builder.features.store import is_store
    from qa_builder.features.tasks import tasks_of

    if is_store(source):
        raise QbsltError("is a store of features; they are made of a dataset.", file=source,
                         cure="Name the folder that `qa-builder build` made.")  # fmt: skip
    wanted = [s.strip() for s in splits.split(",") if s.strip()] if splits else []
    tasks = tasks_of(open_dataset(source), wanted, limit)
    how = How(workers, executor, address, gpus, restart)
    _extract(tasks, made, extractor, out, how, allow_missing)


def _extract(
    tasks: Tasks, extractor: Any, name: str, out: Path, how: How, allow_missing: bool
) -> None:
    from qa_builder.features.extract import extract

    if covers := getattr(extractor, "coverage", None):
        _coverage(covers(tasks.clips))
    start = time.monotonic()
    with progress(name, len(tasks.clips), "clips", "frames/s") as advance:
        try:
            done = extract(tasks, extractor, name, out, how, advance)
        except KeyboardInterrupt as e:
            e.add_note("Finished clips are kept: the same command goes on with the others.")
            raise
    _tell(done, time.monotonic() - start, allow_missing)


def _coverage(found: Coverage) -> None:
    both, extra = len(found.both), found.only_source
    named = f": {', '.join(extra[:5])}{', ...' if len(extra) > 5 else ''}" if extra else ""
    click.echo(f"the source holds {counted(both + len(extra), 'clip')}: {both:,} of the dataset's "
               f"{both + len(found.only_dataset):,}, and {len(extra):,} that it does not know"
               f"{named}")  # fmt: skip


def _tell(done: Extraction, seconds: float, allow_missing: bool) -> None:
    """Print what was made; FindingError where clips failed or have another number of frames."""
    from qa_builder.errors import FindingError

    manifest, store = done.store.manifest, done.store
    simulated = ", simulated" if store.simulated else ""
    what = (f"{counted(manifest['clips'], 'clip')}, {counted(manifest['frames'], 'frame')} of "
            f"{manifest['shape']}")  # fmt: skip
    if done.changed:
        size = sum(f["bytes"] for f in manifest["files"]) / 2**20
        rate = f", {done.frames / seconds:,.0f} frames/s" if done.frames else ""
        before = f"; {counted(done.reused, 'clip', 'were')} done before" if done.reused else ""
        click.echo(f"wrote {store.path}: {what}{simulated}, {size:,.1f} MiB; {seconds:,.1f} s{rate}"
                   f"{before}")  # fmt: skip
    else:
        click.echo(f"{store.path} is up to date: {what}{simulated}")
    if n := manifest["bad_frames"]:
        click.echo(f"{counted(n, 'frame')} could not be read, NaN stands there (mended? --restart "
                   "reads again)")  # fmt: skip
    problems = [f"[{f['clip_id']}] {f['reason']}" for f in manifest["failures"]]
    problems += [f"[{d['clip_id']}] has {counted(d['found'], 'frame')}, the annotation says "
                 f"{d['expected']:,}" for d in manifest["differing"]]  # fmt: skip
    for problem in problems[:_SHOWN]:
        click.echo(problem)
    if len(problems) > _SHOWN:
        click.echo(f"... and {len(problems) - _SHOWN:,} more; manifest.json lists all")
    if problems and not allow_missing:
        raise FindingError(
            f"{counted(len(manifest['failures']), 'clip')} failed, and "
            f"{counted(len(manifest['differing']), 'clip', 'have')} another number of frames than "
            "the annotation says; the store holds all that did not fail.",
            file=store.path,
            cure="Mend them and run this again: it tries failed clips anew, and with --restart "
            "all. Or say --allow-missing.",
        )


def _look(
    path: Path, show: str | None, report: Path | None, out: Path | None, root: Path | None
) -> None:
    from qa_builder.errors import QbsltError
    from qa_builder.features.store import open_store

    store = open_store(path)
    if show:
        from qa_builder.features.show import show as draw

        if not out:
            raise QbsltError("no --out is named.", cure="Name a file: --out clip.html.")
        draw(store, show, out, root)
        click.echo(f"wrote {out}")
    if report:
        from qa_builder.features.report import report as write

        write(store, report, root)
        click.echo(f"wrote {report}")
