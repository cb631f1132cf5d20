"""The page about a store: the figures are right, and the worst clips come first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from feature_stores import embedding_store, landmark_store, simulated_store, write_video

from qa_builder.cli import main
from qa_builder.errors import QbsltError
from qa_builder.features.figures import BOTH, by, collect, histograms, odd, worst
from qa_builder.features.report import make_page, report
from qa_builder.features.store import open_store

pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("PIL.Image", reason="pillow is not installed")


def test_landmarks(tmp_path: Path) -> None:
    store = landmark_store(tmp_path / "store")
    figures = collect(store)
    assert [c.shares["left_hand"] for c in figures] == [i / (8 + i) for i in range(10)]
    assert all(c.shares[BOTH] == 0 == c.shares["right_hand"] for c in figures)
    assert [c.clip_id for c in worst(figures, 3)] == ["dev/9", "train/8", "train/7"]
    columns, rows = by(figures, lambda c: c.split)
    assert columns == ("", "clips", "frames", "body, %", "left hand, %", "right hand, %",
                       "neither hand, %")  # fmt: skip
    assert rows == [("train", 9, 108, "0.0", "33.3", "0.0", "0.0"),
                    ("dev", 1, 17, "0.0", "52.9", "0.0", "0.0")]  # fmt: skip
    plots = histograms(figures)
    assert list(plots) == ["frames", "left_hand"]
    assert sum(plots["left_hand"].counts["train"]) == 9


def test_the_page_shows_the_worst_clips_over_their_frames(tmp_path: Path) -> None:
    store = landmark_store(tmp_path / "store")
    write_video(tmp_path / "clip.mp4")
    args = ["features", str(store.path), "--report", str(tmp_path / "page.html")]
    result = CliRunner().invoke(main, [*args, "--root", str(tmp_path)])
    assert result.exit_code == 0, result.output
    page = (tmp_path / "page.html").read_text()
    shown = re.findall(r"<figcaption><b>([^<]+)</b>", page)
    assert shown[:2] == ["dev/9", "train/8"] and len(shown) == 9  # train/0 lacks no hand
    assert "missing: left hand 53%" in page and "frame 2 of 17" in page
    assert "has no frames." in page and "No video was looked at" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    again = make_page(open_store(store.path), tmp_path)
    assert again == page
    report(store, tmp_path / "white.html", tmp_path / "store")  # no frames are there
    assert "No frames: has no clip.mp4" in (tmp_path / "white.html").read_text()


def test_embeddings(tmp_path: Path) -> None:
    store = embedding_store(tmp_path / "store")
    figures = collect(store)
    found = [c.clip_id for c, _ in odd(figures)]
    assert found[0] == "train/4" and set(found) == {"train/3", "train/4", "train/5"}
    page = make_page(store, None)
    assert "Clips that look odd" in page and page.count("data:image/png") == 3
    assert "6 frames unreadable" in page


def test_simulated_is_said(tmp_path: Path) -> None:
    page = make_page(simulated_store(tmp_path / "store"), None)
    assert '<p class="simulated">simulated</p>' in page


def test_the_real_skeletons_lack_nothing(shared: Path, tmp_path: Path) -> None:
    from feature_stores import RIGHTS, SOURCE

    from qa_builder.features.base import ClipTask
    from qa_builder.features.extract import How, extract
    from qa_builder.features.importing import Imported
    from qa_builder.features.tasks import Tasks

    source = Imported(shared / "phoenix-skeletons")
    clips = [ClipTask(name, name.partition("/")[0], None, None, None, None, None)
             for name in source.ids()]  # fmt: skip
    store = extract(Tasks(clips, SOURCE, RIGHTS, None), source, "import", tmp_path / "store",
                    How(workers=0)).store  # fmt: skip
    page = make_page(store, None)
    assert "Nothing is missing in any frame" in page
    assert page.count("data:image/webp") == 3 * 6
    with pytest.raises(QbsltError, match="is a folder"):
        report(store, tmp_path, None)
