"""A store of simulated features for the toy corpus; torch with one thread."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from simulated_store import simulate

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def toy_store(toy_phoenix: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated features of the German toy corpus, 32 numbers a frame; not to be changed."""
    return simulate(toy_phoenix, tmp_path_factory.mktemp("features") / "store")
