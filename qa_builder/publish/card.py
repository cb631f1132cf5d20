"""The dataset card: README.md with a Hugging Face header, from the manifest alone."""

from __future__ import annotations

import json
import re
from typing import Any

from qa_builder.publish.card_text import card_text
from qa_builder.samples import SPLITS

_HUB_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]*")
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"))


def make_card(manifest: dict[str, Any]) -> str:
    """The card of a built dataset or of a release; the same manifest gives the same text.

    Every figure comes from the manifest. The header names one data file a split, so that
    `datasets.load_dataset` reads the folder and the Hub repository alike.
    """
    import yaml

    manifest = ordered(manifest)
    header = yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True)
    return f"---\n{header}---\n\n{card_text(_title(manifest), manifest)}"


def ordered(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with sorted keys, as read from its file, but splits in their usual order."""
    sorted_: dict[str, Any] = json.loads(json.dumps(manifest, sort_keys=True))
    splits = sorted_["splits"]
    names = [s for s in SPLITS if s in splits] + [s for s in splits if s not in SPLITS]
    sorted_["splits"] = {s: splits[s] for s in names}
    if "questions" in sorted_:
        leakage = sorted_["questions"].get("mean_leakage") or {}
        sorted_["questions"]["mean_leakage"] = {
            s: leakage[s] for s in names if leakage.get(s) is not None
        }
    return sorted_


def size_category(rows: int) -> str:
    """The Hub's name for a number of rows."""
    return next((name for n, name in _SIZES if rows < n), "n>1M")


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
        "size_categories": [size_category(rows)],
        "configs": [{"config_name": "default", "data_files": files}],
    }


def _licence(manifest: dict[str, Any]) -> dict[str, str]:
    """The publisher's licence. What is not a release is not published: that of the corpus."""
    release = manifest.get("release")
    return licence_header(release["licence"] if release else manifest["corpus"]["licence"])


def licence_header(named: str | None) -> dict[str, str]:
    """A licence as the header has it: an id of the Hub's list, or `other` with a name."""
    if not named:
        return {"license": "unknown"}
    if _HUB_LICENCE.fullmatch(named):
        return {"license": named}
    name = re.sub(r"[^a-z0-9.]+", "-", named.lower()).strip("-.")
    return {"license": "other", "license_name": name or "see-below"}
