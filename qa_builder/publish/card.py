"""The dataset card: README.md with a Hugging Face header, from the manifest alone."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_builder.samples import SPLITS

if TYPE_CHECKING:
    from jinja2 import Template

_HUB_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def make_card(manifest: dict[str, Any]) -> str:
    """The card of a built dataset or of a release; the same manifest gives the same text.

    Every figure comes from the manifest. The header names one data file a split, so that
    `datasets.load_dataset` reads the folder and the Hub repository alike.
    """
    import yaml

    manifest = _in_order(manifest)
    text = _template().render(
        header=yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True),
        title=_title(manifest),
        leakage=manifest["questions"]["mean_leakage"],
        release=manifest.get("release"),
        audit=manifest.get("audit"),
        number=lambda n: f"{n:,}",
        **{k: manifest[k] for k in _USED},
    )
    return re.sub(r"\n{3,}", "\n\n", text)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701  Markdown, not HTML: nothing to escape
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = Path(__file__).with_name("card.md.jinja").read_text(encoding="utf-8")
    return environment.from_string(text)


_USED = ("corpus", "content", "splits", "rejects", "questions", "fingerprint", "created_by",
         "sources", "findings")  # fmt: skip


def _in_order(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with sorted keys, as read from its file, but splits in their usual order."""
    ordered: dict[str, Any] = json.loads(json.dumps(manifest, sort_keys=True))
    splits, leakage = ordered["splits"], ordered["questions"].get("mean_leakage") or {}
    names = [s for s in SPLITS if s in splits] + [s for s in splits if s not in SPLITS]
    ordered["splits"] = {s: splits[s] for s in names}
    ordered["questions"]["mean_leakage"] = {
        s: leakage[s] for s in names if leakage.get(s) is not None
    }
    return ordered


def _title(manifest: dict[str, Any]) -> str:
    kind = " (questions only)" if manifest["content"] == "questions" else ""
    return f"{manifest['dataset']}{kind}"


def _header(manifest: dict[str, Any]) -> dict[str, Any]:
    corpus = manifest["corpus"]
    languages = [corpus["text_language"], corpus["sign_language"]]
    tags = ["sign-language-translation", "question-based", "qbslt", corpus["name"]]
    rows = sum(s["rows"] for s in manifest["splits"].values())
    files = [{"split": s, "path": f"data/{s}.parquet"} for s in manifest["splits"]]
    return {
        **_licence(manifest),
        "language": [code for code in languages if code],
        "task_categories": ["translation"],
        "pretty_name": _title(manifest),
        "tags": tags + (["toy"] if corpus["toy"] else []),
        "size_categories": [next((name for n, name in _SIZES if rows < n), "n>1M")],
        "configs": [{"config_name": "default", "data_files": files}],
    }


def _licence(manifest: dict[str, Any]) -> dict[str, str]:
    """The header's licence: the publisher's, as an id of the Hub's list or as `other` with a name.

    A dataset that is not a release is not published: its card shows the licence of the corpus.
    """
    release = manifest.get("release")
    named = release["licence"] if release else manifest["corpus"]["licence"]
    if not named:
        return {"license": "unknown"}
    if _HUB_LICENCE.fullmatch(named):
        return {"license": named}
    name = re.sub(r"[^a-z0-9.]+", "-", named.lower()).strip("-.")
    return {"license": "other", "license_name": name or "see-below"}
