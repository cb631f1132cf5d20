"""Commands of `qbslt-bench` that show what a run did: `visualize` and `report`. Light itself."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=_PATH)
@click.option("--sample", "samples", multiple=True, metavar="ID", help="A sample; can be repeated.")
@click.option("--gallery", type=click.IntRange(1, 500), metavar="N",
              help="N samples of all scores, with an index.")  # fmt: skip
@click.option("--split", help="Default: that of the run.")
@click.option("--out", type=_PATH, help="The page; default: an .html file in the run's folder.")
@click.option("--root", type=_PATH, help="The corpus folder that has the frames.")
@click.option("--data", type=_PATH, help="The run's dataset, if it was moved.")
@click.option("--features", type=_PATH, help="The run's store of features, if it was moved.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of --gallery.")
def visualize(
    run: Path, samples: tuple[str, ...], gallery: int | None, split: str | None, out: Path | None,
    root: Path | None, data: Path | None, features: Path | None, seed: int,
) -> None:  # fmt: skip
    """Show what the trained model of a RUN's folder looked at when it translated.

    One HTML page that needs no other file: the weights of SSAW over the frames and the question,
    cross-attention, and the translation with its words that are not in the question marked.
    """
    if bool(samples) == bool(gallery):
        raise click.UsageError("Pass either --sample ID or --gallery N.")
    from baselines.methods import calm_threads

    calm_threads()
    from baselines.visualize import visualize as write

    page = write(run, sample_ids=samples, gallery=gallery or 0, split=split, out=out, root=root,
                 data=data, features=features, seed=seed, echo=click.echo)  # fmt: skip
    click.echo(f"wrote {page}")


@click.command()
@click.argument("run", type=_PATH)
def report(run: Path) -> None:
    """Write report.html into a RUN's folder: its curves, settings and hardware.

    Training does it at its end; this makes it of what there is by now. Stages that lie in folders
    of their own get one each.
    """
    from baselines.run_report import reports

    for page in reports(run):
        click.echo(f"wrote {page}")
