"""Datasets built of the real corpora, for tests that run where their files are."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from qa_builder.cli import main


def _build(shared: Path, out: Path, corpus: str, files: list[str]) -> Path:
    questions = ",".join(str(shared / "annotated-questions" / name) for name in files)
    given = ["build", corpus, "--root", str(shared), "--questions", f"annotated:{questions}"]
    result = CliRunner().invoke(main, [*given, "--out", str(out), "--allow-findings"])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="session")
def real_phoenix(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PHOENIX-2014T with the public questions."""
    files = [f"phoenix.{split}.txt" for split in ("train", "dev", "test")]
    return _build(shared, tmp_path_factory.mktemp("real") / "phoenix", "phoenix", files)


@pytest.fixture(scope="session")
def real_csl(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """CSL-Daily with the public questions, which only dev has."""
    out = tmp_path_factory.mktemp("real") / "csl"
    return _build(shared, out, "csl-daily", ["csl-daily.dev.txt"])
