"""The benches of the baselines measure what they say, and end bad input with one sentence."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from baselines import speed
from baselines.speed_training import Watch, main

SMALL = ["preset=tiny", "d_model=32", "ffn_dim=32", "epochs=2", "device=cpu"]


def run(*words: object) -> Result:
    found = CliRunner().invoke(main, [str(w) for w in words])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def figures(text: str, what: str) -> list[list[float]]:
    """The numbers of the rows of that name."""
    rows = [line for line in text.splitlines() if line.startswith(what)]
    return [[float(x.replace(",", "")) for x in re.findall(r"[0-9][0-9.,]*", row)] for row in rows]


def test_the_speed_of_a_method_of_one_training(toy_phoenix: Path, toy_store: Path) -> None:
    found = run("--data", toy_phoenix, "--features", toy_store, "grad_accumulation=2", *SMALL)
    assert found.exit_code == 0, found.output
    assert "ssl-ssaw, preset tiny, training; CPU" in found.output
    assert "GPU busy" not in found.output
    ((ours, least, ratio),) = figures(found.output, "steps/s")
    assert ours > 0 and ratio == pytest.approx(ours / least, abs=0.02)
    ((frames, _),) = figures(found.output, "frames/s")
    # 84 clips of some 98 frames in batches of 16 at most: two of them are a step
    assert 300 < frames / ours < 32 * 150


def test_a_method_of_several_trainings_has_a_table_for_each(
    toy_phoenix: Path, toy_store: Path
) -> None:
    """It would else be the last alone, under the name of all."""
    found = run("--data", toy_phoenix, "--features", toy_store, "--model", "scl-slt", *SMALL,
                "reference_epochs=2", "reference_every=1", "contrast_epochs=1")  # fmt: skip
    assert found.exit_code == 0, found.output
    titles = re.findall(r"^scl-slt, preset tiny, (stage [0-9]/4)", found.output, re.M)
    assert titles == ["stage 1/4", "stage 3/4", "stage 4/4"]
    assert len(figures(found.output, "frames/s")) == 3


def test_a_method_that_sees_no_video_is_measured_in_sentences(toy_phoenix: Path) -> None:
    found = run("--data", toy_phoenix, "--model", "gloss-to-text", *SMALL)
    assert found.exit_code == 0, found.output
    ((steps, _, _),) = figures(found.output, "steps/s")
    ((sentences, _),) = figures(found.output, "sentences/s")
    assert 1 < sentences / steps <= 32


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--model", "nope"], "unknown model 'nope'"),
        (["--data", "nowhere", "features=STORE"], "nowhere"),
        (["--data", "DATA"], "needs a store of sign features"),
        (["--data", "DATA", "--features", "nowhere"], "nowhere"),
        (["--data", "DATA", "--features", "STORE", "epoch=2"], "unknown option of ssl-ssaw"),
        (["--data", "DATA", "--features", "STORE", "d_model=13"], "can't be divided"),
        (["--data", "DATA", "--features", "STORE", "weights=runs/x"], "no speed to measure"),
        (["--features", "STORE"], "pass --data"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], said: str, toy_phoenix: Path, toy_store: Path
) -> None:
    found = run(
        *(word.replace("DATA", str(toy_phoenix)).replace("STORE", str(toy_store)) for word in words)
    )
    assert found.exit_code == 2
    assert said in found.output
    assert "Traceback" not in found.output


@pytest.mark.parametrize(
    "words", [["curve", "abc"], ["curve", "3"], ["nothing"], ["budgets", "99"]]
)
def test_bad_input_of_the_budgets(words: list[str]) -> None:
    found = CliRunner().invoke(speed.main, words)
    assert found.exit_code == 2 and isinstance(found.exception, SystemExit)
    assert "Error: " in found.output


def test_the_curve_of_a_small_epoch() -> None:
    found = CliRunner().invoke(speed.main, ["curve", "40"])
    assert found.exit_code == 0, found.output
    assert re.search(r"^40 ", found.output, re.M)


def test_a_watch_gives_the_mean_of_what_it_read_meanwhile() -> None:
    with Watch(time.perf_counter, period=0.005) as watch:
        time.sleep(0.1)
        begin = time.perf_counter()
        time.sleep(0.2)
        end = time.perf_counter()
        time.sleep(0.1)
    found = watch.between(begin, end)
    assert found is not None and begin < found < end
    # of readings at even distances
    assert abs(found - (begin + end) / 2) < 0.3 * (end - begin)
    assert watch.between(end + 9, end + 10) is None
