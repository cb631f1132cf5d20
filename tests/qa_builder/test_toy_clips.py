"""What `qa-builder toy` makes beside the annotations: alignments, drawn frames, small videos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from qa_builder.cli import main
from qa_builder.corpora import csl_daily, phoenix, toy_clips
from qa_builder.corpora.base import Notes
from qa_builder.corpora.frames import FrameCheck
from qa_builder.corpora.toy import MADE_ALIGNMENTS, MADE_VIDEOS, copy_toy
from qa_builder.dataset import open_dataset

CORPORA = {"phoenix": phoenix.Phoenix, "csl-daily": csl_daily.CslDaily}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clips") / "toy"
    result = CliRunner().invoke(main, ["toy", str(out)])
    assert result.exit_code == 0, result.output
    assert f"made {out / MADE_ALIGNMENTS}: simulated" in result.output
    return out


def state(folder: Path) -> dict[Path, tuple[bytes, int]]:
    return {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("corpus", sorted(CORPORA))
def test_drawn_frames_stand_where_the_annotation_says(corpus: str, toy: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    reader, notes, batches = CORPORA[corpus](toy / corpus), Notes(), []
    check = FrameCheck(reader.frames_root)
    for batch in reader.read(notes):
        check.check(batch, notes)
        batches.append(batch)
    assert {r.reason for r in notes.rejects} == {"frames-missing"}
    missing = {r.id for r in notes.rejects}
    rows = [row for b in batches for row in zip(b.clip_id, b.frames, b.n_frames, strict=True)]
    drawn = [(frames, n) for clip_id, frames, n in rows if clip_id not in missing]
    assert len(drawn) == 3
    size = (260, 210, 3) if corpus == "phoenix" else (512, 512, 3)
    for pattern, n in drawn:
        files = sorted(reader.frames_root.glob(pattern or ""))
        first, middle, last = (cv2.imread(str(files[i])) for i in (0, len(files) // 2, -1))
        assert len(files) == n and first.shape == last.shape == size
        assert np.abs(first.astype(int) - middle).max() > 100  # the arms have moved


def test_drawn_frames_are_as_many_as_the_alignments_have(toy: Path) -> None:
    pytest.importorskip("cv2")
    lengths = {r["name"]: r["num_frames"] for r in pq.read_table(toy / MADE_ALIGNMENTS).to_pylist()}
    folders = [f for f in (toy / "phoenix").rglob("fullFrame-210x260px/*/*") if f.is_dir()]
    assert len(folders) == 3 and len(lengths) == 120
    assert all(len(list(f.iterdir())) == lengths[f.name] for f in folders)


def test_videos_are_a_corpus_of_their_own(toy: Path, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    table = toy / MADE_VIDEOS / "clips.csv"
    given = ["--table", str(table), "--language", "de", "--questions", "none"]
    result = CliRunner().invoke(main, ["build", "table", *given, "--out", str(tmp_path / "built")])
    assert result.exit_code == 0, result.output
    built = open_dataset(tmp_path / "built")
    clips = [s.clip for split in built.splits for s in built.samples(split)]
    clips.sort(key=lambda c: c.clip_id)
    assert [c.split for c in clips] == ["train", "train", "dev", "test"]
    ends: dict[str, int] = {}
    for clip in clips:
        name, _, part = (clip.frames or "").partition("#")
        start, end = map(int, part.split(":")) if part else (0, clip.n_frames or 0)
        assert start == ends.get(name, 0) and end - start == clip.n_frames
        ends[name] = end
    assert len(ends) == 3
    for name, n in ends.items():
        capture = cv2.VideoCapture(str(table.parent / name))
        frames = [capture.read() for _ in range(n + 1)]
        assert [ok for ok, _ in frames] == [True] * n + [False]
        assert frames[0][1].shape == (260, 210, 3) and capture.get(cv2.CAP_PROP_FPS) == 25


def test_again_changes_nothing_and_mends_what_was_cut(toy: Path) -> None:
    before = state(toy)
    assert CliRunner().invoke(main, ["toy", str(toy)]).exit_code == 0
    assert state(toy) == before
    made = [toy / MADE_ALIGNMENTS, *sorted(toy.rglob("*.mp4"))[:1], *sorted(toy.rglob("*.jpg"))[:1]]
    for path in made:
        path.write_bytes(path.read_bytes()[:100])
    (toy / "phoenix" / "toy.json").unlink()
    copy_toy(toy)  # what was made is no reason to refuse the folder
    toy_clips.make_clips(toy)
    assert {p: data for p, (data, _) in state(toy).items()} == {
        p: data for p, (data, _) in before.items()
    }


def test_without_opencv_it_says_that_nothing_was_drawn(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['cv2'] = None  # as if it were not installed\n"
        f"from qa_builder.cli import main; main(['toy', {str(tmp_path / 'toy')!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "no clips were drawn: that needs OpenCV" in done.stdout
    assert (tmp_path / "toy" / MADE_ALIGNMENTS).is_file()
    assert not (tmp_path / "toy" / MADE_VIDEOS).exists() and "drew" not in done.stdout
