"""The simulated signer: deterministic, as long as the corpus says, harder step by step."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_builder.cli import main
from qa_builder.corpora.toy import MADE_ALIGNMENTS, copy_toy
from qa_builder.corpora.toy_clips import make_clips
from qa_builder.errors import QbsltError
from qa_builder.features.base import ClipTask, make_extractor
from qa_builder.features.simulated import DIFFICULTIES, Simulated, family_of
from qa_builder.features.simulated_signs import Alignments, Glosses
from qa_builder.features.store import open_store

ALIGNMENTS = "phoenix14t-frame-alignments.parquet"


def task(clip_id: str = "c", gloss: str | None = "REGEN WIND", n: int | None = 30) -> ClipTask:
    return ClipTask(clip_id, "train", "Signer01", gloss, None, n, None)


def sha(features: NDArray[np.float16]) -> str:
    return hashlib.sha256(features.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "toy"
    copy_toy(out)
    make_clips(out)
    return out


def write(path: Path, **columns: object) -> Path:
    full: dict[str, object] = {
        "name": ["a", "b"], "sign_state": [[0, 1, 2], [3]], "mouth_shape": [[0, 0, 5], [1]],
        "hand_shape": [[1, 1, 1], [0]],
    }  # fmt: skip
    kept = {k: v for k, v in (full | columns).items() if v is not None}
    pq.write_table(pa.table(kept), path)
    return path


TASKS = [task("x", n=40), task("y", "SONNE"), task("z", "REGEN + loc-NORD", None)]
_CHILD = """
import hashlib, json, sys
from qa_builder.features.simulated import Simulated
from qa_builder.features.base import ClipTask
tasks = [ClipTask(*t) for t in json.loads(sys.argv[1])]
simulated = Simulated(seed=3, dim=20)
print(json.dumps([hashlib.sha256(simulated(t).features.tobytes()).hexdigest() for t in tasks]))
"""


def test_the_same_bytes_in_any_process_and_order() -> None:
    here = [sha(Simulated(seed=3, dim=20)(t).features) for t in TASKS]
    warm = Simulated(seed=3, dim=20)
    assert [sha(warm(t).features) for t in reversed(TASKS)] == here[::-1]
    assert [sha(pickle.loads(pickle.dumps(warm))(t).features) for t in TASKS] == here
    for hash_seed in ("1", "2"):
        child = subprocess.run(
            [sys.executable, "-c", _CHILD, json.dumps(TASKS)], text=True, check=True,
            capture_output=True, env={"PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"},
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
        assert json.loads(child.stdout) == here
    other = [sha(Simulated(seed=4, dim=20)(t).features) for t in TASKS]
    assert not set(here) & set(other) and len(set(here)) == 3


def test_alignments_travel_with_the_extractor(toy: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes((toy / MADE_ALIGNMENTS).read_bytes())
    simulated = Simulated(alignments=path)
    name = pq.read_table(path, columns=["name"])["name"][0].as_py()
    sent = pickle.dumps(simulated)
    path.unlink()  # a worker on another machine has no such file
    assert sha(pickle.loads(sent)(task(name)).features) == sha(simulated(task(name)).features)


words = st.lists(st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1), min_size=1)


@given(
    words, st.one_of(st.none(), st.integers(1, 60)), st.sampled_from(sorted(DIFFICULTIES)),
    st.integers(1, 300), st.integers(0, 2**70),
)  # fmt: skip
def test_any_gloss_gives_finite_frames(
    gloss: list[str], n: int | None, difficulty: str, dim: int, seed: int
) -> None:
    simulated = Simulated(difficulty=difficulty, dim=dim, seed=seed)
    features = simulated(task(gloss=" ".join(gloss), n=n)).features
    assert features.dtype == np.float16 and features.shape[1:] == simulated.describe().shape
    assert len(features) == n if n else len(features) >= 1
    assert np.isfinite(features).all()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_a_track_of_alignments_is_the_alignment(states: list[int]) -> None:
    lists = {c: [states] for c in ("sign_state", "mouth_shape", "hand_shape")}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"name": ["a"], **lists}), sink)
    track = Alignments(sink.getvalue().to_pybytes(), Path("x")).track("a")
    runs = [3 * int(s) + p + 1 if s else 0
            for s, p in zip(track.signs, track.positions, strict=True)]  # fmt: skip
    assert np.repeat(runs, track.lengths).tolist() == states
    assert track.mouth.tolist() == track.hand.tolist() == states


def test_glosses_keep_their_order_and_their_hands() -> None:
    track = Glosses(0).track("c", "EINS ZWEI  EINS", 200, "a")
    shown = [s for s, p in zip(track.signs, track.positions, strict=True) if s and p == 0]
    assert shown == ["EINS", "ZWEI", "EINS"] and track.lengths.sum() == 200
    signs = np.repeat(np.array(track.signs), track.lengths)
    for sign in ("EINS", "ZWEI", ""):
        assert len(set(track.hand[signs == sign].tolist())) == 1
    assert len({tuple(Glosses(s).track("c", "A B", 90, None).lengths) for s in range(4)}) == 4


def test_signers_have_a_rate_of_their_own() -> None:
    lengths = {
        signer: np.mean([len(Glosses(0).track(f"c{i}", "A B C D E", None, signer).mouth)
                         for i in range(200)])
        for signer in ("Signer01", "Signer02", "Signer05", None)
    }  # fmt: skip
    assert min(lengths.values()) > 60 and max(lengths.values()) < 110
    assert max(lengths.values()) - min(lengths.values()) > 8


def _clips(difficulty: str, n: int = 1200) -> tuple[list[str], NDArray[np.float32]]:
    """Signs that were made alone, and the mean frame of each third of the middle of the clip."""
    signs = [f"SIGN{i % 40}" for i in range(n)]
    simulated = Simulated(difficulty=difficulty)
    rows = []
    for i, sign in enumerate(signs):
        frames = simulated(task(f"c{i}", sign, 24)).features.astype(np.float32)
        rows.append(np.concatenate([part.mean(axis=0) for part in np.split(frames[6:18], 3)]))
    return signs, np.stack(rows)


def test_each_difficulty_is_harder_for_a_nearest_centroid() -> None:
    errors = []
    for difficulty in ("easy", "medium", "hard"):
        signs, x = _clips(difficulty)
        half = len(signs) // 2
        names = sorted(set(signs))
        y = np.array([names.index(s) for s in signs])
        centroids = np.stack([x[:half][y[:half] == i].mean(axis=0) for i in range(len(names))])
        distances = ((x[half:, None] - centroids) ** 2).sum(axis=2)
        errors.append(float((distances.argmin(axis=1) != y[half:]).mean()))
    assert errors[0] + 0.03 < errors[1] and errors[1] + 0.1 < errors[2], errors


def test_look_alikes_are_nearer_than_others() -> None:
    signs = [f"G{i}" for i in range(150)]
    family = {s: family_of(0, s, DIFFICULTIES["easy"]) for s in signs}
    pairs = list(combinations(signs, 2))
    alike = [p for p in pairs if family[p[0]] is not None and family[p[0]] == family[p[1]]]
    assert len(alike) >= 5 and 75 < sum(f is not None for f in family.values()) < 105
    simulated = Simulated(difficulty="easy")
    mean = {s: np.mean([simulated(task(f"{s}-{i}", s, 20)).features[7:13] for i in range(12)],
                       axis=(0, 1), dtype=np.float32)
            for s in {s for p in alike for s in p} | set(signs[:30])}  # fmt: skip

    def far(pairs: list[tuple[str, str]]) -> list[float]:
        return [float(np.linalg.norm(mean[a] - mean[b])) for a, b in pairs]

    others = [p for p in combinations(signs[:30], 2) if p not in alike]
    assert np.median(far(alike)) < np.quantile(far(others), 0.05)


def test_the_description_tells_all_that_decides(toy: Path) -> None:
    said = make_extractor("simulated", {"difficulty": "hard", "dim": 8}).describe()
    assert said.simulated and said.shape == (8,) and said.libraries == {"numpy": np.__version__}
    assert said.config["made_of"] == "glosses" and said.config["alignments"] is None
    assert said.config["parameters"]["noise"] == DIFFICULTIES["hard"].noise
    path = toy / MADE_ALIGNMENTS
    config = Simulated(alignments=path).describe().config
    assert config["alignments"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert str(path.parent) not in json.dumps(config)
    others: list[dict[str, Any]] = [
        {}, {"seed": 1}, {"dim": 64}, {"difficulty": "easy"}, {"alignments": path},
    ]  # fmt: skip
    shown = [json.dumps(Simulated(**o).describe().config) for o in others]
    assert len(set(shown)) == 5


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"hand_shape": None}, "lacks the column hand_shape; it has: name, sign_state"),
        ({"mouth_shape": [[0, 0], [1]]}, "1 clip with a mouth_shape not as long .* such as a"),
        ({"name": ["a", "a"]}, "names a clip more than once"),
        ({"name": [1, 2]}, "column name holds int64, expected text"),
        ({"sign_state": [1, 2]}, "sign_state holds int64, expected lists of whole numbers"),
        ({"sign_state": [["x"], []]}, "sign_state holds list.* expected lists of whole"),
        ({"sign_state": [[0, -1, 2], [3]]}, "sign_state has negative numbers"),
        ({"hand_shape": [[0, None, 2], [3]]}, "hand_shape has empty cells"),
        ({"hand_shape": [None, [3]]}, "hand_shape has empty cells"),
    ],
)
def test_wrong_alignments_are_one_sentence(
    columns: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.parquet", **columns)
    with pytest.raises(QbsltError, match=message) as caught:
        Simulated(alignments=path).describe()
    assert str(path) in str(caught.value) and "docs/simulated-signer.md" in str(caught.value)


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    for options, message in (
        ({"difficulty": "brutal"}, "unknown difficulty 'brutal'; known are: easy, hard, medium"),
        ({"dim": 0}, "--dim 0 is not between 1 and 65,536"),
        ({"alignments": tmp_path / "none"}, "cannot be read"),
        ({"alignments": tmp_path}, "cannot be read"),
    ):
        with pytest.raises(QbsltError, match=message):
            Simulated(**options)  # type: ignore[arg-type]
    (tmp_path / "text").write_text("no parquet")
    with pytest.raises(QbsltError, match="cannot be read as Parquet"):
        Simulated(alignments=tmp_path / "text").describe()
    aligned = Simulated(alignments=write(tmp_path / "a.parquet"))
    with pytest.raises(QbsltError, match=r"\[c\] the alignments have no frames of this clip"):
        aligned(task())
    assert aligned(task("a", gloss=None)).features.shape == (3, 256)
    for wrong, message in ((task(gloss=None), "no gloss"), (task(gloss=" "), "no gloss"),
                           (task(n=0), "has 0 frames")):  # fmt: skip
        with pytest.raises(QbsltError, match=message):
            Simulated()(wrong)


def test_the_command_makes_a_store_that_says_simulated(toy: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke
    built, out = tmp_path / "built", tmp_path / "store"
    given = ["--root", str(toy / "phoenix"), "--questions", "none", "--out", str(built)]
    assert run(main, ["build", "phoenix", *given]).exit_code == 0
    alignments = ["--alignments", str(toy / MADE_ALIGNMENTS), "--workers", "0"]
    result = run(main, ["features", str(built), "--extractor", "simulated", "--out", str(out),
                        "--difficulty", "easy", "--dim", "32", *alignments])  # fmt: skip
    assert result.exit_code == 0, result.output
    store = open_store(out)
    assert store.simulated and len(store) == 120 and store.shape == (32,)
    clips = pq.read_table(toy / MADE_ALIGNMENTS).to_pylist()
    assert {c["name"]: c["num_frames"] for c in clips} == {i: len(store[i]) for i in store.clip_ids}


def test_lengths_of_the_real_alignments_are_kept(shared: Path) -> None:
    path = shared / ALIGNMENTS
    table = pq.read_table(path, columns=["name", "num_frames"]).to_pylist()
    simulated = Simulated(alignments=path, dim=8)
    for row in table[::40]:
        assert len(simulated(task(row["name"], None)).features) == row["num_frames"]
    with pytest.raises(QbsltError, match="no frames of this clip"):
        simulated(task("03May_2019_Friday_toy-3"))


def test_the_toy_alignments_are_spread_like_the_real_ones(shared: Path, toy: Path) -> None:
    def lengths(path: Path) -> NDArray[np.float64]:
        states = np.concatenate(pq.read_table(path)["sign_state"].to_pylist())
        return np.diff(np.flatnonzero(np.diff(states)))

    real, ours = lengths(shared / ALIGNMENTS), lengths(toy / MADE_ALIGNMENTS)
    assert abs(real.mean() - ours.mean()) < 0.7 and abs(np.median(real) - np.median(ours)) <= 1
