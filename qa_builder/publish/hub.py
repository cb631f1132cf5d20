"""Publish a dataset to the Hugging Face Hub, and check what arrived."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qa_builder.console import warn
from qa_builder.dataset import CARD, CONFIG, MANIFEST, REJECTS, file_sha256, open_dataset
from qa_builder.errors import FindingError, QbsltError
from qa_builder.features.parquet import write_parquet
from qa_builder.features.store import is_store, open_store
from qa_builder.publish.release import make_release
from qa_builder.publish.remote import retrying

if TYPE_CHECKING:
    from huggingface_hub import CommitInfo, HfApi
    from huggingface_hub.hf_api import RepoFile

SENT, DELETED = "sent", "deleted"


class ReleaseFile(NamedTuple):
    """A file of a release."""

    path: str  # in the repository
    bytes: int


class PushReport(NamedTuple):
    """What `push` did, or in a dry run would publish."""

    repo_id: str
    url: str | None  # None in a dry run
    content: str
    public: bool
    files: tuple[ReleaseFile, ...]  # all of the release
    sent: tuple[str, ...]  # those that the Hub did not hold already
    deleted: tuple[str, ...]  # files of an earlier release that this one has no more
    warnings: tuple[str, ...]


def push(
    dataset_dir: Path,
    repo_id: str,
    *,
    content: str = "questions",
    rights: bool = False,
    licence: str | None = None,
    public: bool = False,
    dry_run: bool = False,
    echo: Callable[[str], None] = lambda line: None,
) -> PushReport:
    """Publish the dataset, or the store of features, in a folder as the repository `OWNER/NAME`.

    It is a dataset repository, private by default. Features go as Parquet, with `content` full.

    Endpoint and token are huggingface_hub's own (HF_ENDPOINT, HF_TOKEN, `hf auth login`). Files
    that the Hub holds already are not sent again, so a push that broke off is simply run again.
    Raises QbsltError for bad usage and for what the Hub refuses; FindingError for a dataset that
    `verify` finds fault with, and where the Hub holds other bytes after the push than were sent.
    """
    features = is_store(dataset_dir)
    _check_usage(repo_id, content, rights, licence, features)
    _check_dataset(dataset_dir)
    with tempfile.TemporaryDirectory(prefix="qbslt-push-") as tmp:
        folder = Path(tmp)
        if features:
            manifest = write_parquet(open_store(dataset_dir), folder, licence, publish=True)
        else:
            manifest = make_release(open_dataset(dataset_dir), folder, content, licence)
        paths = sorted([MANIFEST, CARD, *(f["path"] for f in manifest["files"])])
        files = tuple(ReleaseFile(p, (folder / p).stat().st_size) for p in paths)
        report = PushReport(
            repo_id, None, content, public, files, (), (), tuple(_warnings(manifest))
        )
        if not dry_run:
            changes: dict[str, str] = {}
            url = retrying(repo_id, lambda: _push_once(repo_id, folder, paths, public, changes))
            sent, deleted = (
                tuple(sorted(p for p in changes if changes[p] == what)) for what in (SENT, DELETED)
            )
            report = report._replace(url=url, sent=sent, deleted=deleted)
    _tell(report, echo)
    return report


def _tell(report: PushReport, echo: Callable[[str], None]) -> None:
    for warning in report.warnings:
        warn(warning)
    size = f"{len(report.files)} files, {sum(f.bytes for f in report.files):,} bytes"
    kind = f"{report.content}, {'public' if report.public else 'private'}"
    if report.url is None:
        for path, n in report.files:
            echo(f"{n:>12,}  {path}")
        echo(f"dry run: {size} ({kind}) would go to {report.repo_id}; nothing was sent")
        return
    for path in report.deleted:
        echo(f"removed {path}, which was of an earlier release")
    same = len(report.files) - len(report.sent)
    echo(
        f"published {report.url} ({kind}): {size}, {len(report.sent)} sent, {same} there already; "
        "the hashes of all agree"
    )


def _check_usage(
    repo_id: str, content: str, rights: bool, licence: str | None, features: bool
) -> None:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo_id)
    except HFValidationError as e:
        raise QbsltError(f"{e}", cure="Name it OWNER/NAME.") from None
    if "/" not in repo_id:
        raise QbsltError(f"the repository {repo_id!r} has no owner.", cure="Name it OWNER/NAME.")
    if features and not (content == "full" and rights and licence):
        raise QbsltError(
            "features are made from the corpus's videos, simulated ones from its annotation: "
            "publishing them needs the same right as publishing its text.",
            cure="If you hold it, say so: --content full --i-hold-the-rights --licence LICENCE.",
        )
    if content == "full" and not rights:
        raise QbsltError(
            "publishing sentences and glosses needs the right to do so.",
            cure="Say that you hold it with --i-hold-the-rights, or publish the questions alone.",
        )
    if content == "full" and not licence:
        raise QbsltError(
            "a full release needs a licence.",
            cure="Name the one that you may give with --licence, such as cc-by-nc-sa-4.0.",
        )


def _check_dataset(path: Path) -> None:
    """Refuse to publish a dataset that `verify` finds fault with."""
    from qa_builder.verify import verify

    findings = [str(f) for f in verify(path)]
    if findings:
        shown = "\n".join(findings[:20])
        raise FindingError(
            f"has {len(findings)} findings, so it is not published:\n{shown}\n",
            file=path, cure="Build or extract it again.",
        )  # fmt: skip


def _warnings(manifest: dict[str, Any]) -> Iterable[str]:
    release = manifest["release"]
    if n := release.get("repeating_questions"):
        yield (
            f"{n:,} questions hold the whole sentence that they ask for; they are published as "
            "their authors wrote them, and the card says so."
        )
    for what, n in release.get("withheld", {}).items():
        yield f"withheld, since they may quote the corpus: {n:,} {what}."


def _push_once(
    repo_id: str, folder: Path, paths: list[str], public: bool, changes: dict[str, str]
) -> str:
    """One try, from whatever the Hub holds; notes what it changes. Gives the address."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi()
    url = api.create_repo(repo_id, repo_type="dataset", private=not public, exist_ok=True)
    info = api.dataset_info(repo_id)
    _check_visibility(repo_id, bool(info.private), public)
    remote = _listing(api, repo_id, info.sha)
    differing = [p for p in paths if not _same(folder / p, remote.get(p))]
    earlier = _earlier_release(api, repo_id, info.sha, remote)
    _check_owner(repo_id, earlier, remote, differing)
    stale = [p for p in earlier or () if p in remote and p not in paths]
    changes |= dict.fromkeys(differing, SENT) | dict.fromkeys(stale, DELETED)
    revision = info.sha
    if differing or stale:
        commit: CommitInfo = api.create_commit(
            repo_id,
            [*(CommitOperationAdd(p, folder / p) for p in differing),
             *map(CommitOperationDelete, stale)],
            commit_message="Publish with qbslt", repo_type="dataset", parent_commit=info.sha,
        )  # fmt: skip
        revision = commit.oid
    _check_arrived(api, repo_id, revision, folder, paths)
    return str(url)


def _check_visibility(repo_id: str, private: bool, public: bool) -> None:
    """Never change who sees a repository that exists: its history would be shown, too."""
    if private and public:
        raise QbsltError(
            "the repository exists and is private; --public makes new ones public only.",
            id=repo_id,
            cure="Make it public in its settings on the Hub (its history becomes public, too), "
            "then push again.",
        )
    if not private and not public:
        raise QbsltError(
            "the repository exists and is public.",
            id=repo_id,
            cure="Pass --public, make it private in its settings, or choose another name.",
        )


def _listing(api: HfApi, repo_id: str, revision: str | None) -> dict[str, RepoFile]:
    from huggingface_hub.hf_api import RepoFile

    tree = api.list_repo_tree(repo_id, recursive=True, revision=revision, repo_type="dataset")
    return {entry.path: entry for entry in tree if isinstance(entry, RepoFile)}


def _same(path: Path, remote: RepoFile | None) -> bool:
    """Whether the Hub holds the file's bytes, by sha256 (large files) or git's blob hash."""
    from huggingface_hub.utils.sha import git_hash

    if remote is None or remote.size != path.stat().st_size:
        return False
    if remote.lfs is not None:
        return bool(remote.lfs.sha256 == file_sha256(path))
    return bool(remote.blob_id == git_hash(path.read_bytes()))


def _earlier_release(
    api: HfApi, repo_id: str, revision: str | None, remote: dict[str, RepoFile]
) -> list[str] | None:
    """Paths of the release that the repository holds; None if it holds none of ours."""
    if MANIFEST not in remote:
        return None
    with tempfile.TemporaryDirectory() as tmp:
        file = api.hf_hub_download(
            repo_id, MANIFEST, repo_type="dataset", revision=revision, local_dir=tmp
        )
        try:
            manifest = json.loads(Path(file).read_text(encoding="utf-8"))
            ours = manifest["created_by"]["name"] == "qbslt"
            paths = [str(f["path"]) for f in manifest["files"]]
        except (ValueError, KeyError, TypeError):
            return None
    return [p for p in paths if _may_be_ours(p)] if ours else None


def _may_be_ours(path: str) -> bool:
    return path in (CONFIG, REJECTS) or (path.startswith("data/") and path.endswith(".parquet"))


def _check_owner(
    repo_id: str, earlier: list[str] | None, remote: dict[str, RepoFile], differing: list[str]
) -> None:
    """Refuse to write over files that are not of an earlier release; a bare card doesn't count."""
    foreign = [p for p in differing if p in remote and p != CARD and earlier is None]
    if foreign:
        raise QbsltError(
            f"the repository holds files of other making: {', '.join(foreign)}.",
            id=repo_id,
            cure="Choose another repository, or remove them there.",
        )


def _check_arrived(
    api: HfApi, repo_id: str, revision: str | None, folder: Path, paths: list[str]
) -> None:
    remote = _listing(api, repo_id, revision)
    wrong = [p for p in paths if not _same(folder / p, remote.get(p))]
    if wrong:
        raise FindingError(
            f"after the push the Hub holds other bytes than were sent, in: {', '.join(wrong)}.",
            id=repo_id,
            cure="Run the same command again: it sends these files anew.",
        )
