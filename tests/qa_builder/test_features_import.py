"""Published features by clip id: real `.pose` and skeleton files, arrays, and broken ones."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipTask
from qa_builder.features.import_source import digest
from qa_builder.features.importing import Imported
from qa_builder.features.landmarks import point_names

POSE = "signer0_sample1000"


def clip(clip_id: str, split: str = "train") -> ClipTask:
    return ClipTask(clip_id, split, None, None, None, None, None)


def refused(source: Imported, clip_id: str, split: str = "train") -> str:
    with pytest.raises(QbsltError) as e:
        source(clip(clip_id, split))
    return e.value.message


def test_the_real_pose_file(shared: Path) -> None:
    from pose_format import Pose

    pose = Pose.read((shared / "video" / f"{POSE}.pose").read_bytes())
    source = Imported(shared / "video")  # the video beside it is no features
    what = source.describe()
    assert (what.shape, what.channels) == ((543, 4), ("x", "y", "z", "confidence"))
    assert what.points == point_names()
    assert "pose-format" in what.libraries and "/" not in what.config["sha256"]
    made = source(clip(POSE))
    assert made.features.shape == (43, 543, 4) and made.bad_frames == 0
    order = [*range(33), *range(501, 543), *range(33, 501)]  # the file has the face before hands
    data = pose.body.data[:, 0, order].filled(np.nan)
    there = np.asarray(pose.body.confidence)[:, 0, order] > 0
    assert np.allclose(made.features[..., 0], data[..., 0] / 512, atol=5e-4, equal_nan=True)
    assert np.allclose(made.features[..., 2], data[..., 2], atol=5e-4, equal_nan=True)
    assert np.array_equal(~np.isnan(made.features[..., 3]), there) and (~there).sum() == 63


@pytest.mark.parametrize("cut", [1, 4 * 543 * 5, 300_000, 471_460])
def test_a_cut_pose_file_costs_its_clip(shared: Path, tmp_path: Path, cut: int) -> None:
    whole = shared / "video" / f"{POSE}.pose"
    (tmp_path / "a.pose").write_bytes(whole.read_bytes()[:-cut])
    shutil.copy(whole, tmp_path / "b.pose")
    source = Imported(tmp_path)
    assert source.describe().shape == (543, 4)
    assert "a.pose" not in (why := refused(source, "a")) and ("cut off" in why or "cannot" in why)
    assert len(source(clip("b")).features) == 43


def test_the_real_skeletons(shared: Path) -> None:
    folder = shared / "phoenix-skeletons"
    source = Imported(folder)
    what = source.describe()
    assert (what.shape, what.channels, len(set(what.points))) == ((50, 3), ("x", "y", "z"), 50)
    found = {}
    for split in ("train", "dev", "test"):
        names = (folder / f"{split}.files").read_text().split()
        lines = (folder / f"{split}.skels").read_text().splitlines()
        for name, line in zip(names, lines, strict=True):
            made = source(clip(name.removeprefix(f"{split}/"), split)).features
            numbers = np.array(line.split(), float).reshape(-1, 151)[:, :150]
            assert np.array_equal(made, numbers.reshape(-1, 50, 3).astype(np.float16))
            assert not made[:, what.points.index("body.neck")].any()
            found[name] = len(made)
    assert source.ids() == sorted(found, key=source.ids().index) and len(found) == 15
    assert "no features" in refused(source, names[0].removeprefix("test/"), "train")


def test_broken_skeleton_files(tmp_path: Path) -> None:
    frame = " ".join(["0.5"] * 150)
    (tmp_path / "dev.skels").write_text(f"{frame} 0.0 {frame} 0.5\n{frame} 0.0 {frame[:40]}\n"
                                        f"{frame} 7.5\n{frame} 0.0 x\n")  # fmt: skip
    (tmp_path / "dev.files").write_text("dev/a\ndev/b\ndev/c\ndev/d\n")
    source = Imported(tmp_path / "dev.skels")
    assert source(clip("a", "dev")).features.shape == (2, 50, 3)
    assert "no multiple of 151" in refused(source, "b", "dev")
    assert "no counter" in refused(source, "c", "dev")
    assert "cannot be read as skels" in refused(source, "d", "dev")
    (tmp_path / "dev.files").write_text("dev/a\n")
    with pytest.raises(QbsltError, match="has 4 lines, and the file of names beside it 1"):
        Imported(tmp_path).describe()
    (tmp_path / "dev.files").unlink()
    with pytest.raises(QbsltError, match=r"there is no dev\.files"):
        Imported(tmp_path).describe()


def test_arrays_a_clip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(7, 6)).astype(np.float32)
    array[2, 1], array[3, 1] = np.nan, np.inf
    for format in ("npy", "npz"):
        (tmp_path / format / "train").mkdir(parents=True)
        (tmp_path / format / ".hidden").mkdir()
    np.save(tmp_path / "npy/train/a.npy", array)
    np.savez(tmp_path / "npz/train/a.npz", features=array, fps=np.float32(25), other=array)
    np.savez(tmp_path / "all.npz", **{"train/a": array, "dev/b": array[:3]})
    for path in ("npy", "npz", "npy/train/a.npy", "all.npz"):
        made = Imported(tmp_path / path)(clip("a")).features
        assert made.dtype == np.float16 and made.shape == (7, 6)
        assert np.isnan(made).sum() == 2 and np.isnan(made[3, 1]) and not np.isinf(made).any()
    assert len(Imported(tmp_path / "all.npz")(clip("b", "dev")).features) == 3


def test_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    array = np.ones((5, 4), np.float16)
    with h5py.File(tmp_path / "datasets.h5", "w") as f:
        f["train/a"], f["dev/b"] = array, array[:2]
        f["elsewhere"] = h5py.ExternalLink("other.h5", "/secret")
    with h5py.File(tmp_path / "groups.h5", "w") as f:
        for name, n in (("train/a", 5), ("dev/b", 2)):
            f[f"{name}/keypoints"], f[f"{name}/fps"] = array[:n], 25
    (tmp_path / "folder/train").mkdir(parents=True)
    with h5py.File(tmp_path / "folder/train/a.hdf5", "w") as f:
        f["x"] = array
    for name in ("datasets.h5", "groups.h5", "folder"):
        source = Imported(tmp_path / name)
        assert source.describe().shape == (4,)
        assert len(source(clip("a")).features) == 5
    assert Imported(tmp_path / "groups.h5").ids() == ["dev/b", "train/a"]
    assert len(Imported(tmp_path / "datasets.h5")(clip("b", "dev")).features) == 2
    data = (tmp_path / "groups.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(data[: len(data) // 2])
    with pytest.raises(QbsltError, match="cannot be read as hdf5"):
        Imported(tmp_path / "cut.h5").describe()


def test_what_is_wrong_with_one_clip_is_said(tmp_path: Path) -> None:
    good = np.ones((4, 3), np.float32)
    np.save(tmp_path / "a.npy", good)
    np.save(tmp_path / "shape.npy", np.ones((4, 2), np.float32))
    np.save(tmp_path / "large.npy", good * 65_600)
    np.save(tmp_path / "flat.npy", good[0])
    np.save(tmp_path / "nothing.npy", good * np.nan)
    np.save(tmp_path / "words.npy", np.array([["a", "b", "c"]]))
    np.save(tmp_path / "objects.npy", np.array([[{}, 1, 2]]), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-5])
    (tmp_path / "other.npy").write_text("this is no array")
    source = Imported(tmp_path)
    assert source.describe().shape == (3,)
    assert (
        refused(source, "shape") == "has [2] values a frame, expected [3], as the first clip has."
    )
    assert refused(source, "large") == "holds 65,600, which is beyond float16 (65,504 at most)."
    assert "expected frames x values" in refused(source, "flat")
    assert refused(source, "nothing") == "holds nothing but NaN."
    assert "expected real numbers" in refused(source, "words")
    assert "Python objects" in refused(source, "objects")
    for name in ("cut", "other"):
        assert refused(source, name).startswith("cannot be read as npy (")
    assert refused(source, "unknown") == "the source has no features of this clip."


@pytest.mark.parametrize(
    ("key", "clip_id", "split", "found"),
    [
        ("NAME-2", "NAME-2", "train", True),
        ("train/NAME-2", "NAME-2", "train", True),
        ("features/train/NAME-2", "NAME-2", "train", True),
        ("val/NAME-2", "NAME-2", "dev", True),
        ("NAME-2", "train/NAME-2", "train", True),
        ("train_NAME_2", "train/NAME-2", "train", True),
        ("train_NAME-2", "NAME-2", "train", True),
        ("Tag_u\u0308ber", "Tag-über", "train", True),  # as a Mac writes names
        ("dev/NAME-2", "NAME-2", "train", False),
        ("NAME-20", "NAME-2", "train", False),
        ("NAME-2", "talk/NAME-2", "train", False),
    ],
)
def test_ids(tmp_path: Path, key: str, clip_id: str, split: str, found: bool) -> None:
    path = tmp_path / f"{key}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.ones((2, 2)))
    source = Imported(tmp_path)
    coverage = source.coverage([clip(clip_id, split)])
    assert coverage == (([clip_id], [], []) if found else ([], [clip_id], [key]))
    assert source.ids() == [key]


def test_ambiguous_names_are_refused(tmp_path: Path) -> None:
    for name in ("one/a", "two/a", "b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        np.save(tmp_path / f"{name}.npy", np.ones((2, 2)))
    source = Imported(tmp_path)
    assert refused(source, "a") == "the source has it more than once: one/a, two/a."
    assert source.coverage([clip("a"), clip("c")]) == (["a"], ["c"], ["b"])
    with pytest.raises(QbsltError, match="'b', which fits two clips: train/b and dev/b"):
        source.coverage([clip("train/b"), clip("dev/b", "dev")])


def test_sources_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(QbsltError, match="no such file or folder"):
        Imported(tmp_path / "nowhere").describe()
    with pytest.raises(QbsltError, match="holds no features that can be imported"):
        Imported(tmp_path).describe()
    np.save(tmp_path / "a.npy", np.ones((2, 2)))
    with pytest.raises(QbsltError, match="unknown format 'bvh'"):
        Imported(tmp_path, "bvh").describe()
    with pytest.raises(QbsltError, match="holds no clips in the format pose"):
        Imported(tmp_path, "pose").describe()
    np.savez(tmp_path / "b.npz", np.ones((2, 2)))
    with pytest.raises(QbsltError, match=r"several formats \(npy, npz\).*--format"):
        Imported(tmp_path).describe()
    assert Imported(tmp_path, "npz").ids() == ["b"]


def test_it_is_sent_to_workers_before_and_after_use(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["a"] = np.ones((2, 2))
    source = Imported(tmp_path / "a.h5")
    before = pickle.dumps(source)
    source.describe()
    assert pickle.dumps(source) == before
    assert pickle.loads(before)(clip("a")).features.shape == (2, 2)


def test_the_digest_sees_a_change_of_the_same_size(tmp_path: Path) -> None:
    files = [tmp_path / "a.npy", tmp_path / "b.npy"]
    for file in files:
        np.save(file, np.ones((2, 2)))
    before = Imported(tmp_path).describe().config
    assert before["sha256"] == digest(tmp_path, files[::-1])
    np.save(files[0], np.zeros((2, 2)))
    after = Imported(tmp_path).describe().config
    assert before["bytes"] == after["bytes"] and before["sha256"] != after["sha256"]
