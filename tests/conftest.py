"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real annotation files, which are not part of the project."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("QBSLT_SHARED") or beside)
    if not path.is_dir():
        pytest.skip(f"the real corpora are not here ({path}): set QBSLT_SHARED")
    return path
