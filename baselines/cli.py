"""Commands of `qbslt-bench` that need torch: what they take. Light itself, like any cli."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path)


@click.command("prepare-vocabulary")
@click.option("--data", type=_PATH, help="A built dataset; default: the only one under data/.")
@click.option("--out", type=_PATH, required=True, help="The folder that is written.")
@click.option("--checkpoint", help="An mBART checkpoint, name on the Hub or folder, to cut down.")
@click.option("--size", type=click.IntRange(min=300), help="Without --checkpoint: pieces to learn.")
def prepare_vocabulary(
    data: Path | None, out: Path, checkpoint: str | None, size: int | None
) -> None:
    """Cut an mBART checkpoint down to a dataset's own pieces, or learn a vocabulary.

    Use what --checkpoint gives as `pretrained=OUT` (preset paper), and what --size gives as
    `vocabulary=OUT`. Pieces are those of train's sentences, questions and glosses, the latter two
    in lower case. The sentences of all splits are checked: each has to come back from its pieces.
    """
    from baselines.prepare import prepare
    from benchmarks.find_dataset import find_dataset
    from qa_builder.console import print_table

    print_table(*prepare(find_dataset(data=data).dataset, out, checkpoint, size))
