"""Fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real annotation files, which are not part of the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("QBSLT_SHARED") or beside)
    if not path.is_dir():
        pytest.skip(f"the real corpora are not here ({path}): set QBSLT_SHARED")
    return path


def build_toy(folder: Path, corpus: str) -> Path:
    """Build one toy corpus (phoenix, csl-daily) with its annotated questions, by the command."""
    from click.testing import CliRunner

    from qa_builder.cli import main
    from qa_builder.corpora.toy import copy_toy

    copy_toy(folder / "corpora")
    root, out = folder / "corpora" / corpus, folder / f"{corpus}-qa"
    files = ",".join(map(str, sorted((root / "annotated-questions").iterdir())))
    given = ["--root", str(root), "--questions", f"annotated:{files}", "--out", str(out)]
    result = CliRunner().invoke(main, ["build", corpus, *given])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="session")
def toy_phoenix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built dataset of the German toy corpus; not to be changed."""
    return build_toy(tmp_path_factory.mktemp("toy"), "phoenix")


@pytest.fixture(scope="session")
def toy_csl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built dataset of the Chinese toy corpus; not to be changed."""
    return build_toy(tmp_path_factory.mktemp("toy"), "csl-daily")


# What the machine says of its network, its terminal and warnings shall not matter.
for name in list(os.environ):
    forced = ("FORCE_COLOR", "TTY_COMPATIBLE", "PYTHONWARNINGS")
    if name.lower().endswith("_proxy") or name in forced:
        del os.environ[name]

# Or Ray would write a token into the home folder. A process keeps the mode of its first session,
# and can't own workers of a cluster in another: so here, for whatever test comes first.
os.environ.setdefault("RAY_AUTH_MODE", "disabled")

# The same examples in each run, however slow the machine: a test fails for everybody or nobody.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

# Where the suite runs in the background, Ctrl-C may be ignored, and would be by what tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
