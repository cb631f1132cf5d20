"""Join a questions-only release with the local corpus: the dataset that it was made of, again."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from qa_builder.atomic import new_folder
from qa_builder.build import list_files, write_manifest
from qa_builder.config import BuildConfig
from qa_builder.console import warn
from qa_builder.corpora.base import FINDING, Corpus, CorpusInfo
from qa_builder.dataset import CONFIG, REJECTS, Dataset, dataset_fingerprint, open_dataset
from qa_builder.errors import FindingError, QbsltError
from qa_builder.publish.join import Joined, join, write_joined
from qa_builder.publish.release import full_manifest
from qa_builder.publish.remote import fetch
from qa_builder.samples import SPLITS
from qa_builder.writer import SplitCounts

_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_FILES = ["manifest.json", "README.md", CONFIG, REJECTS, "data/*.parquet"]
_SHOWN = 5


class Hydrated(NamedTuple):
    """What `hydrate` wrote."""

    path: Path
    manifest: dict[str, Any]
    left_out: tuple[str, ...]  # ids of the release's rows that the corpus does not have
    notes: tuple[str, ...]  # how it differs from the dataset that the release was made of


def hydrate(
    source: str,
    *,
    root: str | None = None,
    out: Path | None = None,
    revision: str | None = None,
    allow_missing: bool = False,
    corpus: Corpus | None = None,
    echo: Callable[[str], None] = lambda line: None,
) -> Hydrated:
    """Write the full dataset of a release, a folder or `OWNER/NAME` on the Hub, into `out`.

    `out` must be new or empty; default: data/NAME. The corpus is the one that the release names,
    in `root`, or is given as a reader. Rows are joined by clip id and source hash, never by
    position. With `allow_missing` the rows without their clip are left out, and the manifest gets
    its own fingerprint and a finding. Raises QbsltError for what is no release or the wrong
    corpus, FindingError for damaged files, missing clips and other annotations, having written
    nothing.
    """
    with _open_release(source, revision) as release:
        full = _full_manifest(release)
        corpus = corpus or _open_corpus(full, root)
        _check_corpus(full, corpus)
        out = out or Path("data") / release.name
        _check_out(out)
        splits = join(release, corpus)
        left_out = _check_missing(splits, allow_missing)
        with new_folder(out) as folder:
            manifest, notes = _write(folder, release, full, splits, left_out)
    result = Hydrated(out, manifest, left_out, tuple(notes))
    for note in notes:
        warn(note)
    rows = sum(s["rows"] for s in manifest["splits"].values())
    echo(f"wrote {out}: {rows:,} rows, fingerprint {manifest['fingerprint'][:16]}")
    return result


@contextmanager
def _open_release(source: str, revision: str | None) -> Iterator[Dataset]:
    """The release in a folder, or fetched from the Hub for the while; its files are checked."""
    if Path(source).is_dir():
        if revision:
            raise QbsltError("a folder has no revision.", file=source, cure="Leave --revision out.")
        yield _checked(Path(source))
        return
    if not _REPO.fullmatch(source):
        raise QbsltError(
            "is neither a folder nor the name of a Hub repository.",
            file=source, cure="Name the folder of a release, or OWNER/NAME.",
        )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="qbslt-release-") as tmp:
        fetch(source, Path(tmp), revision, _FILES)
        yield _checked(Path(tmp), source)


def _checked(folder: Path, repo_id: str | None = None) -> Dataset:
    release = open_dataset(folder)
    if not release.questions_only:
        raise QbsltError(
            "is no questions-only release: its sentences are there already.",
            file=repo_id or folder, cure="Use it as it is.",
        )  # fmt: skip
    have = list_files(folder)
    wrong = [str(f.get("path")) for f in release.manifest.get("files", []) if f not in have]
    if wrong or not set(release.splits) <= set(SPLITS):
        raise FindingError(
            f"files of the release are damaged or missing: {', '.join(wrong) or 'manifest.json'}.",
            file=repo_id or folder, cure="Fetch the release again.",
        )  # fmt: skip
    return release


def _full_manifest(release: Dataset) -> dict[str, Any]:
    try:
        return full_manifest(release.manifest)
    except (KeyError, TypeError):
        raise QbsltError("is not the manifest of a release.", file=release.path) from None


def _open_corpus(manifest: dict[str, Any], root: str | None) -> Corpus:
    """The reader that the dataset was built with, on the local corpus."""
    from qa_builder.corpora import open_corpus, open_labels, open_table

    config = BuildConfig(**manifest["config"])
    if config.corpus not in ("labels", "table"):
        return open_corpus(config, root)
    if root is None:
        raise QbsltError("the release needs the folder of its corpus.", cure="Pass --root DIR.")
    if config.corpus == "labels":
        labels = open_labels(Path(root), None)
        # The build compared the labels with the official files and took their name; the join, by
        # hash, needs the labels alone.
        labels.info = CorpusInfo(**manifest["corpus"])
        return labels
    names = [s["path"] for s in manifest["sources"] if s["role"] == "annotation"]
    return open_table(config, [Path(root) / name for name in names])


def _check_corpus(manifest: dict[str, Any], corpus: Corpus) -> None:
    wanted = manifest["corpus"]
    if wanted["name"] != corpus.info.name:
        raise QbsltError(
            f"holds {corpus.info.title}, but the release is of {wanted['title']}.",
            file=corpus.root, cure="Set --root to that corpus.",
        )  # fmt: skip


def _check_out(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise QbsltError("is there already.", file=out, cure="Remove it, or choose another --out.")


def _check_missing(splits: dict[str, Joined], allow: bool) -> tuple[str, ...]:
    """Ids of the rows whose clip the corpus lacks or annotates otherwise; they must be allowed."""
    lacking = [id for split in splits.values() for id in split.lacking()]
    differing = [id for split in splits.values() for id in split.differing()]
    kinds = (("lacks the clips of", lacking), ("annotates otherwise", differing))
    parts = [
        f"{what} {len(ids):,} rows of the release ({_first(ids)})" for what, ids in kinds if ids
    ]
    if parts and not allow:
        raise FindingError(
            f"the corpus {' and '.join(parts)}.",
            cure="Use the files whose sha256 the release's card names, or keep the rest with "
            "--allow-missing.",
        )
    return (*lacking, *differing)


def _first(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")


def _write(
    folder: Path,
    release: Dataset,
    full: dict[str, Any],
    splits: dict[str, Joined],
    left_out: tuple[str, ...],
) -> tuple[dict[str, Any], list[str]]:
    """Write all the files; gives the manifest and how it differs from the original's."""
    (folder / "data").mkdir()
    language = full["corpus"]["text_language"]
    counts = {
        split: write_joined(folder / "data" / f"{split}.parquet", joined, language)
        for split, joined in splits.items()
    }
    for name in (CONFIG, REJECTS):
        shutil.copyfile(release.path / name, folder / name)
    files = list_files(folder)
    notes = _differences(full["files"], files)
    manifest = {**full, "files": files}
    if left_out:
        notes = [f"{len(left_out):,} rows are left out: {_first(left_out)}.", *notes]
        manifest |= _of_the_rest(full, counts, len(left_out))
    else:
        _check_fingerprints(full, counts)
    write_manifest(folder, manifest)
    return manifest, notes


def _check_fingerprints(full: dict[str, Any], counts: dict[str, SplitCounts]) -> None:
    """Sentences and glosses agree by their hashes; this leaves the signers and the questions."""
    for split, counted in counts.items():
        if counted.as_dict()["fingerprint"] != full["splits"][split]["fingerprint"]:
            raise FindingError(
                f"joined with this corpus, the {split} split has another fingerprint than the "
                "original: its signers differ.",
                cure="Use the files whose sha256 the release's card names.",
            )


def _differences(original: list[dict[str, Any]], files: list[dict[str, Any]]) -> list[str]:
    """How the files differ from the original's, whose content fingerprints agree."""
    differing = [f["path"] for f in files if f not in original]
    notes = []
    if REJECTS in differing:
        notes.append(f"{REJECTS} lacks the details that the release withholds.")
    if data := [p for p in differing if p.startswith("data/")]:
        notes.append(
            f"other bytes than the original's in {', '.join(data)}: another pyarrow wrote them, or "
            "a column outside the fingerprint differs."
        )
    return notes


def _of_the_rest(
    full: dict[str, Any], counts: dict[str, SplitCounts], left_out: int
) -> dict[str, Any]:
    """What the manifest says when rows are left out. No build gives this dataset: it has no key."""
    splits = {s: c.as_dict() for s, c in counts.items()}
    finding = {
        "id": "hydrated-in-part", "severity": FINDING, "count": left_out,
        "message": f"{left_out:,} rows of the release are left out: the local corpus lacks their "
        "clips or annotates them otherwise",
    }  # fmt: skip
    questions = {
        "kinds": dict(sum((c.kinds for c in counts.values()), Counter[str]())),
        "kinds_by_split": {s: dict(c.kinds) for s, c in counts.items()},
        "mean_leakage": {s: c.leakage for s, c in counts.items()},
    }
    return {
        "splits": splits,
        "fingerprint": dataset_fingerprint({s: v["fingerprint"] for s, v in splits.items()}),
        "questions": {**full["questions"], **questions},
        "findings": [*full["findings"], finding],
        "key": "",
    }
