"""The run: resumed after a kill, the same bytes whoever works, and nothing lost in silence."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from qa_builder.atomic import locked
from qa_builder.cli import main
from qa_builder.dataset import open_dataset
from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipFeatures, ClipTask, Description, make_extractor
from qa_builder.features.extract import How, extract
from qa_builder.features.partial import Partial
from qa_builder.features.store import is_store, open_store
from qa_builder.features.tasks import Tasks, tasks_of


class Counting:
    """Features that tell the clip; some clips misbehave as told by `wrong` (clip id -> how)."""

    def __init__(self, wrong: dict[str, str] | None = None, slow: float = 0.0) -> None:
        self.wrong, self.slow = wrong or {}, slow

    def describe(self) -> Description:
        return Description("1", {"slow": 0}, (4,))

    def __call__(self, task: ClipTask) -> ClipFeatures:
        time.sleep(self.slow)
        how = self.wrong.get(task.clip_id)
        n = 3 + len(task.clip_id) % 4
        features = np.full((n, 4), sum(map(ord, task.clip_id)) % 1000, np.float16)
        if how == "raises":
            raise ValueError("no such\nthing")
        if how == "refuses":
            raise QbsltError("has no frames.", file="/somewhere/private/clip.mp4")
        if how == "infinite":
            features[1] = np.inf
        if how == "shape":
            features = features[:, :2]
        if how == "unreadable":
            return ClipFeatures(np.full((n, 4), np.nan, np.float16), n)
        if how == "kills":
            os.kill(os.getpid(), signal.SIGKILL)
        return ClipFeatures(features, 1 if how == "bad-frame" else 0)


@pytest.fixture
def tasks(toy_phoenix: Path) -> Tasks:
    return tasks_of(open_dataset(toy_phoenix))


def content(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


def test_a_store_holds_every_clip_in_the_order_of_the_dataset(tasks: Tasks, tmp_path: Path) -> None:
    done = extract(tasks, Counting(), "import", tmp_path / "store", How(workers=2))
    store = done.store
    assert store.clip_ids == [t.clip_id for t in tasks.clips]
    for task in tasks.clips:
        assert np.array_equal(store[task.clip_id], Counting()(task).features)
    manifest = store.manifest
    assert manifest["clips"] == len(tasks.clips) == 120
    assert manifest["frames"] == sum(len(store[c]) for c in store.clip_ids)
    assert manifest["source"]["clips"].keys() == {"train", "dev", "test"}
    assert not (tmp_path / ".store.partial").exists()


@pytest.mark.parametrize("how", [How(workers=1), How(workers=2), How(workers=2, executor="ray")])
def test_the_same_bytes_whoever_works(tasks: Tasks, tmp_path: Path, how: How,
                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    if how.executor == "ray":
        pytest.importorskip("ray")
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    extract(tasks, Counting(), "import", tmp_path / "one", How(workers=0))
    extract(tasks, Counting(), "import", tmp_path / "other", how)
    assert content(tmp_path / "one") == content(tmp_path / "other")


def test_each_broken_clip_costs_that_clip_and_is_listed(tasks: Tasks, tmp_path: Path) -> None:
    ids = [t.clip_id for t in tasks.clips]
    hows = ("raises", "refuses", "infinite", "shape", "unreadable", "kills", "bad-frame")
    wrong = dict(zip(ids[3::7], hows, strict=False))
    done = extract(tasks, Counting(wrong), "import", tmp_path / "store", How(workers=2))
    failed = {f["clip_id"]: f["reason"] for f in done.store.manifest["failures"]}
    assert list(failed) == [i for i in ids if i in wrong and wrong[i] != "bad-frame"]
    reasons = {wrong[i]: reason for i, reason in failed.items()}
    assert reasons["raises"] == "ValueError: no such thing"
    assert reasons["refuses"] == "clip.mp4: has no frames."
    with pytest.raises(QbsltError, match=r"failed: clip.mp4: has no frames\. Extract"):
        done.store[next(i for i in wrong if wrong[i] == "refuses")]
    assert "65,504" in reasons["infinite"] and "expected float16 [4]" in reasons["shape"]
    assert "none of its" in reasons["unreadable"] and "killed" in reasons["kills"]
    assert done.store.manifest["bad_frames"] == 1
    assert done.store.clip_ids == [i for i in ids if i not in failed]
    with pytest.raises(QbsltError, match="extraction failed: ValueError"):
        done.store[next(i for i in wrong if wrong[i] == "raises")]


def test_failed_clips_are_tried_again_and_the_others_are_not(tasks: Tasks, tmp_path: Path) -> None:
    out, first = tmp_path / "store", tasks.clips[5].clip_id
    extract(tasks, Counting({first: "raises"}), "import", out, How(workers=0))
    again = extract(tasks, Counting(), "import", out, How(workers=0))
    assert again.changed and again.reused == len(tasks.clips) - 1
    extract(tasks, Counting(), "import", tmp_path / "whole", How(workers=0))
    assert content(out) == content(tmp_path / "whole")
    assert not extract(tasks, Counting(), "import", out, How(workers=0)).changed


def test_where_every_clip_fails_nothing_is_written(tasks: Tasks, tmp_path: Path) -> None:
    wrong = {t.clip_id: "raises" for t in tasks.clips}
    with pytest.raises(QbsltError, match=r"all 120 clips failed; the first: .* no such thing"):
        extract(tasks, Counting(wrong), "import", tmp_path / "store", How(workers=0))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(
    tasks: Tasks, tmp_path: Path, toy_phoenix: Path
) -> None:
    with pytest.raises(QbsltError, match="but something else; what is there is left alone"):
        extract(tasks, Counting(), "import", toy_phoenix, How(workers=0))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(QbsltError, match="is a file"):
        extract(tasks, Counting(), "import", tmp_path / "file", How(workers=0))


_RUN = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_features_extract import Counting
from qa_builder.dataset import open_dataset
from qa_builder.features.extract import How, extract
from qa_builder.features.tasks import tasks_of
if __name__ == "__main__":
    tasks = tasks_of(open_dataset({dataset!r}))
    extract(tasks, Counting(slow=0.02), "import", Path({out!r}), How(workers=2))
"""


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    tasks: Tasks, toy_phoenix: Path, tmp_path: Path
) -> None:
    out, script = tmp_path / "store", tmp_path / "run.py"
    path = [str(Path(__file__).parent)]
    script.write_text(_RUN.format(path=path, dataset=str(toy_phoenix), out=str(out)))
    for least, stop in ((10, signal.SIGTERM), (60, signal.SIGKILL)):
        running = subprocess.Popen([sys.executable, str(script)])
        kept: list[Path] = []
        end = time.monotonic() + 60
        while len(kept) < least and running.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
            kept = list((tmp_path / ".store.partial").glob("*.npz"))
        running.send_signal(stop)
        assert running.wait() == -stop
        assert not out.exists()
    assert 60 <= len(kept) < len(tasks.clips)
    resumed = extract(tasks, Counting(), "import", out, How(workers=2))
    assert resumed.reused >= len(kept)
    extract(tasks, Counting(), "import", tmp_path / "whole", How(workers=0))
    assert content(out) == content(tmp_path / "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.py", "store", "whole"]


def test_sigterm_ends_a_command_with_a_sentence_and_the_same_command_goes_on(
    toy_phoenix: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "qa_builder.cli", "features", str(toy_phoenix), "--extractor",
               "simulated", "--dim", "4096", "--workers", "1", "--out", "store"]  # fmt: skip
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True)
    end = time.monotonic() + 60
    while not list((tmp_path / ".store.partial").glob("*.npz")) and time.monotonic() < end:
        time.sleep(0.005)
    running.terminate()
    said, complained = running.communicate()
    assert (running.returncode, said) == (143, "")
    assert complained.strip() == (
        "error: terminated; nothing that existed before was changed. "
        "Finished clips are kept: the same command goes on with the others."
    )
    assert [p.name for p in tmp_path.iterdir()] == [".store.partial"]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0 and "done before" in again.stdout
    whole = subprocess.run([*command[:-1], "whole"], cwd=tmp_path, capture_output=True)
    assert whole.returncode == 0
    assert content(tmp_path / "store") == content(tmp_path / "whole")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["store", "whole"]


def test_no_other_command_begins_before_the_last_one_has_cleared_up(
    tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, remove, refused = tmp_path / "store", Partial.remove, []

    def removing(partial: Partial) -> None:
        with pytest.raises(QbsltError, match="another command is writing"), locked(out):
            pass
        refused.append(is_store(out))
        remove(partial)

    monkeypatch.setattr(Partial, "remove", removing)
    extract(tasks, Counting(), "import", out, How(workers=0))
    assert refused == [True]  # the store was in place, and still nobody else could write


def test_what_a_killed_run_left_beside_a_whole_store_goes(tasks: Tasks, tmp_path: Path) -> None:
    def stop(clips: int, frames: int) -> None:
        if frames:
            raise KeyboardInterrupt

    out, left = tmp_path / "store", tmp_path / ".store.partial"
    with pytest.raises(KeyboardInterrupt):
        extract(tasks, Counting(), "import", out, How(workers=0), stop)
    shutil.copytree(left, tmp_path / "copy")
    extract(tasks, Counting(), "import", out, How(workers=0))
    (tmp_path / "copy").rename(left)
    assert not extract(tasks, Counting(), "import", out, How(workers=0)).changed
    assert [p.name for p in tmp_path.iterdir()] == ["store"]


def test_a_broken_manifest_is_told_as_such(tasks: Tasks, tmp_path: Path) -> None:
    out = tmp_path / "store"
    extract(tasks, Counting(), "import", out, How(workers=0))
    manifest = out / "manifest.json"
    os.truncate(manifest, 100)
    with pytest.raises(QbsltError, match=r"store: its manifest.json is cut off or damaged \(Unt"):
        open_store(out)
    with pytest.raises(QbsltError, match=r"damaged .*; what is there is left alone"):
        extract(tasks, Counting(), "import", out, How(workers=0))
    manifest.unlink()
    with pytest.raises(QbsltError, match=r"holds no store .*: there is no manifest.json\. Make"):
        open_store(out)
    manifest.symlink_to(manifest)  # can't be read, whoever asks: root may read all modes
    with pytest.raises(QbsltError, match=r"its manifest.json can't be read \(Too many levels"):
        open_store(out)
    with pytest.raises(QbsltError, match="there is no such folder"):
        open_store(tmp_path / "nowhere")


def test_an_unfinished_run_of_other_settings_is_not_mixed_in(tasks: Tasks, tmp_path: Path) -> None:
    class Other(Counting):
        def describe(self) -> Description:
            return Description("2", {"slow": 1}, (4,))

    def stop(clips: int, frames: int) -> None:
        if frames:
            raise KeyboardInterrupt

    out = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        extract(tasks, Counting(), "import", out, How(workers=0), stop)
    with pytest.raises(QbsltError, match=r"another version, config\).*--restart"):
        extract(tasks, Other(), "import", out, How(workers=0))
    assert extract(tasks, Counting(), "import", out, How(workers=0)).reused == 1
    assert extract(
        tasks, Other(), "import", out, How(workers=0)
    ).changed  # a finished one gives way


def test_a_finished_clip_that_was_damaged_is_made_again(tasks: Tasks, tmp_path: Path) -> None:
    def stop(clips: int, frames: int) -> None:
        if frames:
            raise KeyboardInterrupt

    out = tmp_path / "store"
    with pytest.raises(KeyboardInterrupt):
        extract(tasks, Counting(), "import", out, How(workers=0), stop)
    os.truncate(tmp_path / ".store.partial" / "0.npz", 300)
    with pytest.raises(QbsltError, match="was damaged, and has been removed"):
        extract(tasks, Counting(), "import", out, How(workers=0))
    done = extract(tasks, Counting(), "import", out, How(workers=0))
    assert done.reused == len(tasks.clips) - 1
    extract(tasks, Counting(), "import", tmp_path / "whole", How(workers=0))
    assert content(out) == content(tmp_path / "whole")


def test_a_store_is_no_dataset(tasks: Tasks, tmp_path: Path) -> None:
    extract(tasks, Counting(), "import", tmp_path / "store", How(workers=0))
    result = CliRunner().invoke(main, ["features", str(tmp_path / "store"), "--extractor",
                                       "simulated", "--out", str(tmp_path / "other")])  # fmt: skip
    assert result.exit_code == 2 and "is a store of features" in result.output


def test_the_same_clips_with_other_questions_need_no_other_store(
    tasks: Tasks, tmp_path: Path
) -> None:
    extract(tasks, Counting(), "import", tmp_path / "store", How(workers=0))
    other = tasks._replace(source={**tasks.source, "fingerprint": "of other questions"})
    assert not extract(other, Counting(), "import", tmp_path / "store", How(workers=0)).changed


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Take one: landmarks, frames, simulated or import"),
        ({"--extractor": "magic"}, "known are: frames, import, landmarks, simulated"),
        ({"--extractor": "import", "--dim": "3"}, "--dim is no option of --extractor import"),
        ({"--extractor": "import"}, "--extractor import needs --from"),
        ({"--extractor": "simulated", "--splits": "dev,tset"}, "known are: dev, test, train"),
        ({"--extractor": "simulated", "--limit": "0"}, "--limit 0 leaves no clip"),
        ({"--extractor": "simulated", "--executor": "slurm"}, "known are: processes, ray"),
        ({"--extractor": "simulated", "--gpus": "1"}, "Add --executor ray"),
        ({"--extractor": "simulated", "--gpus": "-1"}, "--gpus -1 is neither"),
        ({"--show": "x"}, "holds no store"),
    ],
)
def test_bad_usage_is_one_sentence(
    options: dict[str, str], says: str, toy_phoenix: Path, tmp_path: Path
) -> None:
    given = [part for option in options.items() for part in option]
    result = CliRunner().invoke(
        main, ["features", str(toy_phoenix), "--out", str(tmp_path / "s"), *given]
    )
    assert result.exit_code == 2 and says in result.output, result.output
    assert "Traceback" not in result.output and list(tmp_path.iterdir()) == []


def test_a_store_is_sent_to_another_process_by_its_path(tasks: Tasks, tmp_path: Path) -> None:
    import pickle

    store = extract(tasks, Counting(), "import", tmp_path / "store", How(workers=0)).store
    sent = pickle.dumps(store)
    assert len(sent) < 500
    assert np.array_equal(pickle.loads(sent)[store.clip_ids[7]], store[store.clip_ids[7]])
    with pytest.raises(QbsltError, match="no features of this clip: it has none"):
        open_store(tmp_path / "store")["nobody"]
    (tmp_path / "store" / "data" / "00000.arrow").write_bytes(b"ARROW1 cut off")
    with pytest.raises(QbsltError, match="cannot be read as Arrow"):
        open_store(tmp_path / "store")


def test_extractors_are_checked_by_name() -> None:
    with pytest.raises(QbsltError, match="unknown extractor 'x'"):
        make_extractor("x", {})
