"""What a store's manifest says, and its digests, which anybody can compute again. (Ours.)"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qa_builder import __version__
from qa_builder.dataset import MANIFEST, file_sha256
from qa_builder.features.base import Description
from qa_builder.features.store import KIND, STORE_VERSION, Row
from qa_builder.features.tasks import Tasks


def config_hash(config: Mapping[str, Any]) -> str:
    """sha256 of an extractor's settings as JSON: sorted keys, no white space, ASCII."""
    return _sha256(config)


def store_fingerprint(files: Iterable[Mapping[str, Any]]) -> str:
    """sha256 of the JSON list [[path, sha256], ...] of a store's files, in the manifest's order."""
    return _sha256([[f["path"], f["sha256"]] for f in files])


def run_key(manifest: Mapping[str, Any]) -> str:
    """Digest of all that decides the features: the dataset's questions don't, its clips do."""
    decides = {name: manifest[name] for name in _DECIDES}
    return _sha256({**decides, "source": manifest["source"]["clips"]})


_DECIDES = ("extractor", "version", "config", "config_hash", "simulated", "shape", "points",
            "channels", "libraries", "limit", "store_version")  # fmt: skip


def _sha256(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def describe_run(name: str, what: Description, tasks: Tasks) -> dict[str, Any]:
    """The part of the manifest that is known before the first clip.

    Its `key` is the digest of all that decides the features: two runs of one key make one store.
    """
    run: dict[str, Any] = {
        "extractor": name,
        "version": what.version,
        "config": dict(what.config),
        "config_hash": config_hash(what.config),
        "simulated": what.simulated,
        "shape": list(what.shape),
        "points": list(what.points),
        "channels": list(what.channels),
        "libraries": dict(what.libraries),
        "limit": tasks.limit,
        "source": tasks.source,
    }
    return {**run, "key": run_key({**run, "store_version": STORE_VERSION})}


def make_manifest(
    folder: Path, run: Mapping[str, Any], tasks: Tasks, rows: Iterable[Row],
    failures: Mapping[int, str],
) -> dict[str, Any]:  # fmt: skip
    """The manifest of a store whose files are in `folder`; `failures` by number of the clip."""
    expected = {t.clip_id: t.n_frames for t in tasks.clips}
    clips = frames = bad_frames = 0
    differing = []
    for row in rows:
        clips, frames, bad_frames = clips + 1, frames + row.n_frames, bad_frames + row.bad_frames
        if (want := expected[row.clip_id]) is not None and want != row.n_frames:
            differing.append({"clip_id": row.clip_id, "expected": want, "found": row.n_frames})
    rates = {str(t.fps) for t in tasks.clips if t.fps}
    files = [
        {"path": f.relative_to(folder).as_posix(), "bytes": f.stat().st_size,
         "sha256": file_sha256(f)}
        for f in sorted((folder / "data").iterdir())
    ]  # fmt: skip
    return {
        **run,
        "kind": KIND,
        "store_version": STORE_VERSION,
        "dtype": "float16",
        "fps": rates.pop() if len(rates) == 1 else None,
        "clips": clips,
        "frames": frames,
        "bad_frames": bad_frames,
        "failures": [{"clip_id": tasks.clips[i].clip_id, "reason": failures[i]}
                     for i in sorted(failures)],
        "differing": differing,
        "rights": tasks.rights,
        "files": files,
        "fingerprint": store_fingerprint(files),
        "created_by": {"name": "qbslt", "version": __version__},
    }  # fmt: skip


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write manifest.json, last: its existence means that the rest is complete."""
    text = json.dumps(manifest, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
