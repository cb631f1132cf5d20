"""`qbslt-bench translate`: what it takes. Light itself, like any cli."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("run", type=_PATH)
@click.option("--video", type=_PATH, help="A video file, or a folder of PNG or JPEG frames.")
@click.option("--question", help="The question that the video answers, for ssl-ssaw.")
@click.option("--gloss", help="Its glosses, for gloss-assisted and gloss-to-text.")
@click.option(
    "--model",
    type=_PATH,
    metavar="FOLDER",
    help="Image model that made the run's features, if it is none of the Hub.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto",
              show_default=True, help="auto: a GPU where there is one.")  # fmt: skip
def translate(
    run: Path, video: Path | None, question: str | None, gloss: str | None, model: Path | None,
    device: str,
) -> None:  # fmt: skip
    """Translate a clip of your own by the model of the folder RUN, and print the sentence.

    The features are made by the extractor that made those of the run; neither their store nor the
    dataset is needed. `--video clip.mp4#250:410` is frames 250 to 409 of a video, counted from 0.
    """
    from baselines.methods import calm_threads

    calm_threads()
    from baselines.own_clip import Given, translate_clip

    sentence, glosses = translate_clip(run, Given(video, question, gloss, model), device)
    if glosses is not None:
        click.echo(f"glosses that were read: {glosses}", err=True)
    if not sentence:
        click.echo("warning: the translation is empty", err=True)
    click.echo(sentence)
