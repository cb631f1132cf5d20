"""The command `qa-builder`: what it takes and prints. Heavy imports stand inside the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_builder import __version__
from qa_builder.cli_audit import audit
from qa_builder.cli_build import build_group
from qa_builder.cli_features import features
from qa_builder.console import Commands, print_table

_DATASET = click.argument("dataset", type=click.Path(path_type=Path))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qbslt")
def main() -> None:
    """Pair sign language corpora with questions, audit them, and publish them as datasets."""


main.add_command(build_group)
main.add_command(audit)
main.add_command(features)


@main.command()
@click.argument("out", type=click.Path(path_type=Path))
def toy(out: Path) -> None:
    """Write the toy corpora into the folder OUT, in the layouts of the real ones.

    With simulated frame alignments and, where OpenCV is installed, a few clips drawn as frames and
    as videos.
    """
    from qa_builder.corpora.toy import copy_toy
    from qa_builder.corpora.toy_clips import can_draw, make_clips

    for root in copy_toy(out):
        click.echo(f"wrote {root}")
    alignments, *drawn = make_clips(out)
    click.echo(f"made {alignments}: simulated, not seen in a video")
    for path in drawn:
        click.echo(f"drew {path}")
    if not can_draw():
        click.echo("no clips were drawn: that needs OpenCV (pip install 'qbslt[features]')")
    root = out / "phoenix"
    questions = f"--questions annotated:{root / 'annotated-questions'}"
    click.echo(f"next: qa-builder build phoenix --root {root} {questions}")


@main.command()
@_DATASET
def verify(dataset: Path) -> None:
    """Check every hash, count, id and cross-reference of a DATASET or a store of features."""
    from qa_builder.errors import FindingError
    from qa_builder.verify import verify as check

    findings = check(dataset)
    for finding in findings[:100]:
        click.echo(finding)
    if findings:
        more = " (the first 100 are shown)" if len(findings) > 100 else ""
        raise FindingError(f"{len(findings):,} findings{more}.", file=dataset,
                           cure="Make it again, or copy it again from its source.")  # fmt: skip
    click.echo(f"{dataset}: verified, nothing to complain of")


@main.command()
@_DATASET
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with plots here too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def stats(dataset: Path, html: Path | None, as_json: bool) -> None:
    """Rows, signers, lengths, vocabulary, question kinds and duplicates of a DATASET."""
    import json

    from qa_builder.dataset import open_dataset
    from qa_builder.stats import collect, tables, write_page

    found = collect(open_dataset(dataset))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for title, columns, rows in tables(found):
            print_table(title, columns, rows)
    if html:
        write_page(found, html)
        click.echo(f"wrote {html}", err=as_json)


@main.command()
@_DATASET
@click.option("--to", "format", required=True,
              help="jsonl, csv, tsv, labelstudio, gfslt-labels; a store: parquet.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A new folder.")
def export(dataset: Path, format: str, out: Path) -> None:
    """Write a DATASET, or a store of features, in another format."""
    from qa_builder.dataset import open_dataset
    from qa_builder.export import export as write
    from qa_builder.features.parquet import export_store
    from qa_builder.features.store import is_store, open_store

    if is_store(dataset):
        written = export_store(open_store(dataset), format, out)
    else:
        written = write(open_dataset(dataset), format, out)
    for file, rows in written:
        click.echo(f"wrote {file}" + (f" ({rows:,} rows)" if rows else ""))


@main.command("push-to-hub")
@_DATASET
@click.argument("repo")
@click.option("--content", default="questions", show_default=True,
              help="questions (ids, questions, provenance, leakage; no corpus text) or full.")  # fmt: skip  # noqa: E501
@click.option("--i-hold-the-rights", "rights", is_flag=True,
              help="You may publish what is of the corpus: needed with --content full.")  # fmt: skip  # noqa: E501
@click.option(
    "--licence", help="Licence for the card, needed with --content full (cc-by-4.0, ...)."
)
@click.option("--public", is_flag=True, help="Make the repository public (default: private).")
@click.option("--dry-run", is_flag=True, help="List the files and sizes, send nothing.")
def push_to_hub(dataset: Path, repo: str, **options: Any) -> None:
    """Publish a DATASET, or a store of features, as the Hugging Face dataset REPO (owner/name)."""
    from qa_builder.publish.hub import push

    push(dataset, repo, echo=click.echo, **options)


@main.command()
@click.argument("source")
@click.option("--root", help="The corpus folder; default $PHOENIX_ROOT or $CSL_DAILY_ROOT.")
@click.option("--out", type=click.Path(path_type=Path), help="Default: data/NAME.")
@click.option("--revision", help="Revision of the Hub repository: a branch, tag or commit.")
@click.option("--allow-missing", is_flag=True,
              help="Keep the clips that the local corpus has, instead of stopping.")  # fmt: skip
def hydrate(source: str, root: str | None, out: Path | None, revision: str | None,
            allow_missing: bool) -> None:  # fmt: skip
    """Join a questions-only release (a folder, or owner/name on the Hub) with the local corpus."""
    from qa_builder.publish.hydrate import hydrate as join

    join(source, root=root, out=out, revision=revision, allow_missing=allow_missing,
         echo=click.echo)  # fmt: skip


if __name__ == "__main__":
    main()
