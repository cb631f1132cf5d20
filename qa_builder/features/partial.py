"""What an unfinished extraction has done already: one file a clip, beside the store. (Ours.)"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from qa_builder.atomic import replace_text
from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipFeatures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RUN = "run.json"
_SHOWN = ("extractor", "version", "config", "libraries", "source", "limit")


def partial_folder(out: Path) -> Path:
    """Where the finished clips of an unfinished store lie."""
    return out.parent / f".{out.name}.partial"


class Partial:
    """The folder `.STORE.partial`; `done` are the numbers of the clips in it.

    Raises QbsltError if it is that of a run with other settings, unless `restart`.
    """

    def __init__(self, out: Path, run: dict[str, Any], restart: bool = False) -> None:
        self.path = partial_folder(out)
        if restart:
            self.remove()
        if self.path.is_dir():
            self._check_same(run)
        else:
            self.path.mkdir(parents=True)
            replace_text(self.path / _RUN, json.dumps(run, default=str))
        self.done = {int(p.stem) for p in self.path.glob("[0-9]*.npz")}

    def keep(self, i: int, made: ClipFeatures) -> None:
        """Keep the features of clip number i: after this, no kill can lose them."""
        import numpy as np

        new = self.path / ".new"
        with new.open("wb") as f:
            np.savez(f, features=made.features, bad_frames=np.int64(made.bad_frames))
        os.replace(new, self.path / f"{i}.npz")
        self.done.add(i)

    def get(self, i: int) -> tuple[NDArray[np.float16], int]:
        """The features of clip number i, and how many frames could not be read.

        Raises QbsltError for a file that is damaged (by a full disk, or a loss of power), and
        removes it, so that the next run makes the clip anew.
        """
        import numpy as np

        path = self.path / f"{i}.npz"
        try:
            with np.load(path, allow_pickle=False) as file:
                return file["features"], int(file["bad_frames"])
        except (OSError, EOFError, ValueError, KeyError, BadZipFile):
            path.unlink(missing_ok=True)
            raise QbsltError("this finished clip was damaged, and has been removed.", file=path,
                             cure="Run the same command again: it makes this clip anew.") from None  # fmt: skip  # noqa: E501

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _check_same(self, run: dict[str, Any]) -> None:
        try:
            before = json.loads((self.path / _RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # killed before it had done anything
            self.remove()
            self.path.mkdir()
            replace_text(self.path / _RUN, json.dumps(run, default=str))
            return
        if before.get("key") != run["key"]:
            now = json.loads(json.dumps(run, default=str))
            differ = [name for name in _SHOWN if before.get(name) != now.get(name)]
            raise QbsltError(
                f"an unfinished run with other settings lies here (another {', '.join(differ)}).",
                file=self.path,
                cure="Finish it with its own settings, choose another --out, or begin anew with "
                "--restart.",
            )
