"""The card of published features: README.md with a Hugging Face header, from the manifest alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from qa_builder.publish.card import licence_header, ordered, size_category


def make_store_card(manifest: dict[str, Any]) -> str:
    """The card of a store that was written as Parquet; the same manifest gives the same text.

    Simulated features are called so in the title.
    """
    import yaml

    manifest = ordered(manifest)
    return _render(
        header=yaml.safe_dump(_header(manifest), sort_keys=False, allow_unicode=True),
        title=_title(manifest), manifest=manifest, shape=manifest["shape"],
        number=lambda n: f"{n:,}",
    )  # fmt: skip


def _render(**values: Any) -> str:
    """Fill the template; at most one empty line stays between paragraphs."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701  Markdown, not HTML: nothing to escape
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    template = Path(__file__).with_name("card.md.jinja").read_text(encoding="utf-8")
    return re.sub(r"\n{3,}", "\n\n", environment.from_string(template).render(**values))


def _title(manifest: dict[str, Any]) -> str:
    kind = "Simulated features" if manifest["simulated"] else "Sign features"
    return f"{kind} of {manifest['source']['dataset']} ({manifest['extractor']})"


def _header(manifest: dict[str, Any]) -> dict[str, Any]:
    release = manifest.get("release")
    named = release["licence"] if release else manifest["rights"]["licence"]
    tags = ["sign-language-translation", "features", "qbslt", manifest["source"]["corpus"]]
    files = [{"split": s, "path": f"data/{s}.parquet"} for s in manifest["splits"]]
    return {
        **licence_header(named),
        "pretty_name": _title(manifest),
        "tags": tags + (["simulated"] if manifest["simulated"] else []),
        "size_categories": [size_category(manifest["clips"])],
        "configs": [{"config_name": "default", "data_files": files}],
    }
