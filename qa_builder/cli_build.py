"""`qa-builder build`: the options of the four readers, and what a build prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from qa_builder.console import print_table, progress, warn

if TYPE_CHECKING:
    from qa_builder.build import Built
    from qa_builder.config import BuildConfig
    from qa_builder.corpora.base import Corpus
    from qa_builder.questions.base import QuestionSource
    from qa_builder.questions.llm import LanguageModel

_PATH = click.Path(path_type=Path)
_SHARED = [
    click.option("--questions", multiple=True, metavar="SOURCE",
                 help="rules (default), llm, none, or annotated:PATH[,PATH...] (files or "
                 "folders); may be repeated."),
    click.option("--base-url", help="llm: an OpenAI-compatible endpoint; its key is read from "
                 "$OPENAI_API_KEY."),
    click.option("--model", help="llm: the model, as the endpoint names it."),
    click.option("--llm", multiple=True, metavar="KEY=VALUE",
                 help="llm: prompt, temperature, concurrency, candidates, price_in, price_out, "
                 "cache, rights (docs/llm-questions.md)."),
    click.option("--executor", help="llm: processes (default) or ray."),
    click.option("--workers", help="llm: how many workers ask; rules: how many processes look for "
                 "questions; default 0, this process alone."),
    click.option("--address", help="llm: an existing Ray cluster; default: Ray starts here."),
    click.option("--dry-run", is_flag=True, help="llm: print what it would cost, send nothing."),
    click.option("--per-clip", type=int, help="rules, llm: different questions a clip; default 1."),
    click.option("--budget", type=float, help="rules, llm: most content recall of a question "
                 "(0..1, default 0.5)."),
    click.option("--reviewed", metavar="FILE",
                 help="rules: reviews of questions to heed beside ours; `none`: not ours either."),
    click.option("--format", help="Format of annotated questions; default: found by looking."),
    click.option("--frames", help="check: compare the frame folders with n_frames."),
    click.option("--frames-root", type=_PATH, help="Where the frames are, if not below the root."),
    click.option("--dataset", help="Name of the dataset; default: that of the corpus."),
    click.option("--out", type=_PATH, help="Folder of the dataset; default: data/DATASET."),
    click.option("--seed", type=int, help="Seed of whatever is drawn (default 0)."),
    click.option("--config", type=_PATH, help="YAML file of options; command line options win."),
    click.option("--allow-findings", is_flag=True, help="Exit 0 although there are findings."),
    click.argument("words", nargs=-1, metavar="[KEY=VALUE]..."),
]  # fmt: skip


def _shared(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_SHARED):
        command = option(command)
    return command


@click.group("build")
def build_group() -> None:
    """Build a dataset from a corpus and its questions."""


@build_group.command()
@click.option("--root", help="Folder of the release; default: $PHOENIX_ROOT.")
@_shared
def phoenix(root: str | None, **options: Any) -> None:
    """PHOENIX-2014T, from its official annotation files."""
    from qa_builder.corpora import open_corpus

    config = _config("phoenix", options)
    _run(config, open_corpus(config, root), options)


@build_group.command("csl-daily")
@click.option("--root", help="Folder that has sentence_label; default: $CSL_DAILY_ROOT.")
@click.option("--annotations", help="pickle, video-map or auto (the pickle where there is one).")
@_shared
def csl_daily(root: str | None, annotations: str | None, **options: Any) -> None:
    """CSL-Daily, from its official pickle or video_map.txt."""
    from qa_builder.corpora import open_corpus

    config = _config("csl-daily", options, annotations=annotations)
    _run(config, open_corpus(config, root), options)


@build_group.command()
@click.option("--root", required=True, type=_PATH, help="Folder of the label files.")
@click.option("--official", metavar="NAME:ROOT",
              help="Compare with the official files: phoenix:DIR or csl-daily:DIR.")  # fmt: skip
@_shared
def labels(root: Path, official: str | None, **options: Any) -> None:
    """Label pickles of the GFSLT or signjoey family (labels.train, ...)."""
    from qa_builder.corpora import open_labels

    _run(_config("labels", options), open_labels(root, official), options)


@build_group.command()
@click.option("--table", "files", multiple=True, required=True, type=_PATH,
              help="CSV, TSV or JSONL file; may be given several times.")  # fmt: skip
@click.option("--column", "columns", multiple=True, metavar="FIELD=NAME",
              help="clip_id, text, gloss, split, signer, frames, n_frames, question.")  # fmt: skip
@click.option("--split", help="Split of files that tell none (train, dev, test).")
@click.option("--delimiter", help="Character between fields; default by the file's ending.")
@click.option("--language", help="Language of the sentences (ISO 639-1: de, zh, en, ...).")
@click.option("--sign-language", help="Sign language (ISO 639-3: gsg, csl, ase, ...).")
@click.option("--fps", help="Frames per second, a number or fraction (25, 30000/1001).")
@click.option("--licence", help="Licence of the corpus, for the card.")
@_shared
def table(files: tuple[Path, ...], columns: tuple[str, ...], split: str | None,
          delimiter: str | None, language: str | None, sign_language: str | None,
          fps: str | None, licence: str | None, **options: Any) -> None:  # fmt: skip
    """Your own corpus: files with one clip a row."""
    from qa_builder.corpora import open_table

    named = _pairs("--column", columns, "text=satz")
    config = _config("table", options, columns=named, split=split, delimiter=delimiter,
                     language=language, sign_language=sign_language, fps=fps, licence=licence)  # fmt: skip  # noqa: E501
    _run(config, open_table(config, files), options)


def _config(corpus: str, options: dict[str, Any], **own: Any) -> BuildConfig:
    from qa_builder.config import load_config

    questions = ",".join(options["questions"]).replace(",annotated:", ",") or None
    given = {
        k: options[k]
        for k in ("format", "frames", "dataset", "seed", "per_clip", "budget", "reviewed")
    }
    own_llm = ("base_url", "model", "executor", "workers", "address")
    llm = {k: v for k in own_llm if (v := options[k]) is not None}
    llm |= _pairs("--llm", options["llm"], "temperature=0.2")
    return load_config(
        options["config"], options["words"],
        given | own | {"corpus": corpus, "questions": questions, "llm": llm},
    )  # fmt: skip


def _pairs(option: str, words: Sequence[str], example: str) -> dict[str, str]:
    """Options like KEY=VALUE as a mapping."""
    from qa_builder.errors import QbsltError

    if wrong := [w for w in words if "=" not in w]:
        raise QbsltError(f"{option} {wrong[0]} is no KEY=VALUE.", cure=f"For instance {example}.")
    return dict(w.split("=", 1) for w in words)


def _run(config: BuildConfig, corpus: Corpus, options: dict[str, Any]) -> None:
    from qa_builder.build import build
    from qa_builder.questions import open_source

    source: QuestionSource = open_source(config, corpus)
    # by its name: importing the class takes a tenth of a build that has no need of it
    model = cast("LanguageModel", source) if source.name == "llm" else None
    if options["dry_run"]:
        return _estimate(model, corpus)
    name = config.dataset or corpus.info.dataset
    out = options["out"] or Path("data") / name
    if out.is_symlink() or out.name in ("", ".."):
        out = out.resolve()  # the folder itself is replaced, not a link to it
    with progress(f"building {name}", None, "clips") as advance:
        if model:  # takes long for a batch, and counts clips one by one
            model.advance = advance
        once = (lambda n: None) if model else advance
        built = build(config, corpus, source, out, options["frames_root"], once)
    report(built)
    if model and built.changed:
        click.echo(model.spent())
    if built.findings and not options["allow_findings"]:
        from qa_builder.errors import FindingError

        n = len(built.findings)
        found = "1 finding" if n == 1 else f"{n} findings"
        raise FindingError(
            f"{found} about the sources (above); the dataset was written.",
            file=out, cure="See rejects.jsonl, mend the files, or pass --allow-findings.",
        )  # fmt: skip


def _estimate(model: LanguageModel | None, corpus: Corpus) -> None:
    from qa_builder.corpora.base import Notes
    from qa_builder.errors import QbsltError

    if model is None:
        raise QbsltError("--dry-run is for --questions llm.", cure="Nothing else costs anything.")
    texts = (text for batch in corpus.read(Notes()) for text in batch.text)
    click.echo(model.estimate(texts))


def report(built: Built) -> None:
    """Print what a build wrote: splits, question coverage, rejects, findings."""
    from qa_builder.samples import SPLITS

    manifest = built.manifest
    questions = manifest["questions"]
    rows = [
        (s, v["rows"], v["signers"], v["distinct_sentences"], v["with_question"],
         f"{100 * v['with_question'] / v['rows']:.1f} %",
         "-" if (leak := questions["mean_leakage"][s]) is None else f"{leak:.2f}")
        for s in SPLITS if (v := manifest["splits"].get(s))
    ]  # fmt: skip
    columns = ("split", "rows", "signers", "sentences", "with question", "coverage", "leakage")
    print_table(f"{manifest['dataset']} ({built.path})", columns, rows)
    for finding in manifest["findings"]:
        click.echo(f"{finding['severity']}: {finding['message']}")
    if manifest["rejects"]:
        listed = ", ".join(f"{n:,} {r}" for r, n in sorted(manifest["rejects"].items()))
        click.echo(f"listed in {built.path / 'rejects.jsonl'}: {listed}")
    if questions["source"] == "none":
        warn("the dataset has no questions; pass --questions annotated:FILE for some")
    state = "built" if built.changed else "unchanged: the same sources, options and code; kept"
    click.echo(f"{state} {built.path}, fingerprint {manifest['fingerprint'][:16]}")
