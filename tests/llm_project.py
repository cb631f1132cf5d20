"""A small corpus, the loopback endpoint, and the command that builds with both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from llm_double import KEY, MODEL, LlmServer

from qa_builder.cli import main
from qa_builder.dataset import open_dataset

SENTENCES = {
    "a-1": "morgen regnet es im süden",
    "a-2": "am freitag scheint überall die sonne",
    "a-3": "in der nacht sinken die werte auf null grad",
    "a-4": "morgen regnet es im süden",
}


class Project:
    """A folder with a small corpus, its cache, and the command that builds it."""

    def __init__(self, folder: Path, server: LlmServer, clips: dict[str, str]) -> None:
        self.folder, self.server = folder, server
        self.table = folder / "clips.tsv"
        lines = ["clip_id\ttext\tsplit", *(f"{i}\t{t}\ttrain" for i, t in clips.items())]
        self.table.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def arguments(self, *more: str, out: str = "out", language: str = "de") -> list[str]:
        return [
            "build", "table", "--table", str(self.table), "--language", language,
            "--dataset", "d", "--questions", "llm", "--base-url", self.server.url,
            "--model", MODEL, "--llm", f"cache={self.folder / 'cache.sqlite'}",
            "--out", str(self.folder / out), *more,
        ]  # fmt: skip

    def build(self, *more: str, **given: Any) -> Result:
        return CliRunner().invoke(main, self.arguments(*more, **given))

    def built(self, *more: str, out: str = "out", **given: Any) -> list[dict[str, Any]]:
        """Build and return the rows."""
        result = self.build(*more, out=out, **given)
        assert result.exit_code == 0, result.output
        assert KEY not in result.output
        return open_dataset(self.folder / out).table("train").to_pylist()

    def facts(self, out: str = "out") -> Any:
        return open_dataset(self.folder / out).manifest["questions"]

    def rejects(self, out: str = "out") -> list[dict[str, Any]]:
        lines = (self.folder / out / "rejects.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def everything(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())
