"""Building as a whole: the same bytes, no-ops, rebuilds, real kills, a full disk."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qa_builder.cli import main
from qa_builder.corpora.toy import copy_toy
from qa_builder.dataset import open_dataset
from qa_builder.samples import arrow_schema, samples_from_rows
from qa_builder.verify import verify


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def arguments(corpora: Path, out: Path, *more: str) -> list[str]:
    root = corpora / "phoenix"
    files = ",".join(map(str, sorted((root / "annotated-questions").iterdir())))
    given = ["build", "phoenix", "--root", str(root), "--questions", f"annotated:{files}"]
    return [*given, "--out", str(out), *more]


def run(corpora: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(main, arguments(corpora, out, *more))


def test_same_inputs_same_bytes(tmp_path: Path) -> None:
    """Two folders, two hash seeds, two locales, two copies of the corpus elsewhere."""
    for name, hash_seed, locale in (("a", "0", "C"), ("b/c", "12345", "C.UTF-8")):
        copy_toy(tmp_path / name / "corpora")
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "LC_ALL": locale, "TZ": "Asia/Shanghai"}
        command = arguments(tmp_path / name / "corpora", Path("out"))
        subprocess.run(
            [sys.executable, "-m", "qa_builder.cli", *command],
            cwd=tmp_path / name, env=env, check=True, capture_output=True,
        )  # fmt: skip
    assert bytes_of(tmp_path / "a/out") == bytes_of(tmp_path / "b/c/out")


@pytest.mark.parametrize("corpus", ["phoenix", "csl-daily"])
def test_rules_give_the_same_bytes(corpus: str, tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    for hash_seed, locale in (("0", "C"), ("12345", "C.UTF-8")):
        env = os.environ | {"PYTHONHASHSEED": hash_seed, "LC_ALL": locale}
        command = ["build", corpus, "--root", f"toy/{corpus}", "--out", f"out{hash_seed}"]
        subprocess.run(
            [sys.executable, "-m", "qa_builder.cli", *command],
            cwd=tmp_path, env=env, check=True, capture_output=True,
        )  # fmt: skip
    assert bytes_of(tmp_path / "out0") == bytes_of(tmp_path / "out12345")


def test_unchanged_is_a_no_op_and_says_so(tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    out = tmp_path / "out"
    first = run(tmp_path / "toy", out)
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    again = run(tmp_path / "toy", out)
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert "built" in first.output and "unchanged" in again.output
    for said in (first.output, again.output):
        assert re.findall(r"^(train|dev|test) ", said, re.M) == ["train", "dev", "test"]
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


def test_changed_source_option_or_code_rebuilds(tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    out = tmp_path / "out"
    run(tmp_path / "toy", out)
    key = open_dataset(out).manifest["key"]
    assert "unchanged" not in run(tmp_path / "toy", out, "--seed", "1").output
    questions = tmp_path / "toy/phoenix/annotated-questions/phoenix.dev.txt"
    text = questions.read_text(encoding="utf-8")
    questions.write_text(text.replace("Wie", "wie"), encoding="utf-8")
    assert "unchanged" not in run(tmp_path / "toy", out).output
    assert open_dataset(out).manifest["key"] != key
    # another version of the code, in a copy of the package
    package = tmp_path / "code/qa_builder"
    shutil.copytree(Path(main.callback.__code__.co_filename).parent, package)  # type: ignore[union-attr]
    (package / "text.py").open("a").write("# changed\n")
    command = [sys.executable, "-m", "qa_builder.cli", *arguments(tmp_path / "toy", out)]
    env = os.environ | {"PYTHONPATH": str(package.parent)}
    changed = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)
    assert changed.returncode == 0 and "unchanged" not in changed.stdout, changed.stderr


def test_damaged_dataset_is_rebuilt(tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    out = tmp_path / "out"
    run(tmp_path / "toy", out)
    whole = bytes_of(out)
    (out / "data/dev.parquet").write_bytes(b"broken")
    assert "unchanged" not in run(tmp_path / "toy", out).output
    assert bytes_of(out) == whole


@pytest.fixture(scope="module")
def big_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that takes long enough to build to be killed in the middle."""
    path = tmp_path_factory.mktemp("big") / "train.csv"
    words = ["regen", "wind", "sonne", "wolken", "norden"]
    rows = (f"c{i:06d},{words[i % 5]} {words[i % 3]} {i},was ist {i}\n" for i in range(60_000))
    path.write_text("clip_id,text,question\n" + "".join(rows), encoding="utf-8")
    return path


def table_command(table: Path, out: Path, seed: int) -> list[str]:
    given = ["--table", str(table), "--language", "de", "--out", str(out), "--seed", str(seed)]
    return [sys.executable, "-m", "qa_builder.cli", "build", "table", *given]


def test_killed_at_any_moment_leaves_a_whole_dataset(big_table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    start = time.perf_counter()
    subprocess.run(table_command(big_table, out, 0), check=True, capture_output=True)
    seconds = time.perf_counter() - start
    draw = random.Random(0)
    killed, seed = 0, 0
    while killed < 5 and seed < 20:
        seed += 1
        # half of the moments lie where the new folder takes the old one's place
        moment = seconds * (draw.random() if seed % 2 else 0.8 + 0.2 * draw.random())
        process = subprocess.Popen(
            table_command(big_table, out, seed),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            begun = time.perf_counter()
            process.wait(moment)
            seconds = min(seconds, time.perf_counter() - begun)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert verify(out) == []
    assert killed >= 3
    subprocess.run(table_command(big_table, out, 99), check=True, capture_output=True)
    assert verify(out) == [] and open_dataset(out).manifest["config"]["seed"] == 99
    assert not list(tmp_path.glob(".out.*"))


def test_death_between_two_renames_is_mended(toy_phoenix: Path, tmp_path: Path) -> None:
    """Where the file system can't exchange folders, the old one is put back."""
    shutil.copytree(toy_phoenix, tmp_path / ".out.old")
    assert open_dataset(tmp_path / "out").fingerprint == open_dataset(toy_phoenix).fingerprint
    assert not (tmp_path / ".out.old").exists()


def test_two_builds_of_one_folder(big_table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = subprocess.Popen(table_command(big_table, out, 0), stdout=subprocess.DEVNULL)
    while not (tmp_path / ".out.new").exists():
        assert first.poll() is None, "the first build ended too early"
        time.sleep(0.005)
    second = subprocess.run(table_command(big_table, out, 0), capture_output=True, text=True)
    assert second.returncode == 2 and "another command is writing" in second.stderr
    assert first.wait() == 0 and verify(out) == []


def test_full_disk(big_table: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        copy_toy(tmp_path / "toy")
        assert run(tmp_path / "toy", disk / "out").exit_code == 0
        before = bytes_of(disk / "out")
        result = subprocess.run(table_command(big_table, disk / "out", 1), capture_output=True,
                                text=True)  # fmt: skip
        assert result.returncode == 2 and "disk is full" in result.stderr
        assert "Traceback" not in result.stderr
        assert bytes_of(disk / "out") == before and verify(disk / "out") == []
        assert [p.name for p in disk.iterdir()] == ["out"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_findings_exit_1_and_the_dataset_is_there(tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    questions = tmp_path / "toy/phoenix/annotated-questions/phoenix.dev.txt"
    with questions.open("a", encoding="utf-8") as f:
        f.write("\ndev/99May_2031_Friday_toy-1 nichts%Was%NICHTS\n")
    found = run(tmp_path / "toy", tmp_path / "out")
    again = run(tmp_path / "toy", tmp_path / "out")
    allowed = run(tmp_path / "toy", tmp_path / "out", "--allow-findings")
    assert (found.exit_code, again.exit_code, allowed.exit_code) == (1, 1, 0)
    assert "names no clip of the corpus" in found.output
    assert "1 finding about the sources" in found.output
    rejects = [json.loads(x) for x in (tmp_path / "out/rejects.jsonl").read_text().splitlines()]
    unknown = [r["id"] for r in rejects if r["reason"] == "no-such-clip"]
    assert unknown == ["99May_2031_Friday_toy-1"]
    assert verify(tmp_path / "out") == []


def test_load_dataset_offline_gives_the_documented_features(
    toy_csl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    loaded = datasets.load_dataset(str(toy_csl), cache_dir=str(tmp_path))
    assert {s: d.num_rows for s, d in loaded.items()} == {"train": 84, "dev": 16, "test": 20}
    documented = [(f.name, f.type) for f in arrow_schema()]
    assert [(f.name, f.type) for f in loaded["test"].features.arrow_schema] == documented
    ours = list(open_dataset(toy_csl).samples("test"))
    assert [s.sample_id for s in ours] == loaded["test"]["sample_id"]
    assert ours == list(samples_from_rows(loaded["test"]))


def test_config_beside_the_data_builds_the_same(toy_phoenix: Path, tmp_path: Path) -> None:
    copy_toy(tmp_path / "toy")
    folder = tmp_path / "toy/phoenix/annotated-questions"
    config = str((toy_phoenix / "config.yaml").resolve())
    command = ["build", "phoenix", "--root", str(tmp_path / "toy/phoenix"), "--config", config,
               "--out", str(tmp_path / "out")]  # fmt: skip
    here = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(main, command)
    finally:
        os.chdir(here)
    assert result.exit_code == 0, result.output
    assert bytes_of(tmp_path / "out") == bytes_of(toy_phoenix)
