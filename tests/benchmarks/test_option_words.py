"""Options of a model among those of a command."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from benchmarks.cli import main
from benchmarks.option_words import UNKNOWN_TO_WORDS, key_value_words


@click.command(context_settings=UNKNOWN_TO_WORDS)
@click.option("--seed", type=int, default=0)
@click.option("--predict-only")
@click.option("--ablate", is_flag=True)
@key_value_words
def command(seed: int, predict_only: str | None, ablate: bool, words: tuple[str, ...]) -> None:
    click.echo(repr((seed, predict_only, ablate, words)))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--gloss ctc", (0, None, False, ("gloss=ctc",))),
        ("--gloss=ctc epochs=3 --seed 2", (2, None, False, ("gloss=ctc", "epochs=3"))),
        ("--seed 2 --gloss ctc --ablate", (2, None, True, ("gloss=ctc",))),
        ("--length-penalty -1.5", (0, None, False, ("length_penalty=-1.5",))),
        ("--allow-missing-features", (0, None, False, ("allow_missing_features=true",))),
        ("--tensorboard epochs=3", (0, None, False, ("tensorboard=true", "epochs=3"))),
        ("--tensorboard --beams 3", (0, None, False, ("tensorboard=true", "beams=3"))),
        ("--features a/b=c", (0, None, False, ("features=a/b=c",))),
        ("--features=", (0, None, False, ("features=",))),
        ("-x", (0, None, False, ("-x",))),
    ],
)
def test_unknown_options_are_words(given: str, expected: tuple[object, ...]) -> None:
    done = CliRunner().invoke(command, given.split())
    assert done.exit_code == 0, done.output
    assert done.output.strip() == repr(expected)


@pytest.mark.parametrize(
    ("given", "meant"), [("--seeds 1", "--seed"), ("--predict_only x", "--predict-only")]
)
def test_what_is_nearly_the_command_s_own_is_an_error(given: str, meant: str) -> None:
    done = CliRunner().invoke(command, given.split())
    assert done.exit_code == 2
    assert "No such option" in done.output and meant in done.output


def test_a_model_gets_its_options_either_way(toy_phoenix: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    common = ["run", "--model", "gloss-to-text", "--data", str(toy_phoenix)]
    small = "--d-model 32 --ffn_dim=32 preset=tiny --epochs 1 --device cpu --no-repeat-ngram 2"
    out = tmp_path / "run"
    done = CliRunner().invoke(main, [*common, "--out", str(out), *small.split()])
    assert done.exit_code == 0, done.output
    options = yaml.safe_load((out / "config.yaml").read_text("utf-8"))["options"]
    assert (options["d_model"], options["ffn_dim"], options["epochs"]) == (32, 32, 1)
    assert options["no_repeat_ngram"] == 2
    done = CliRunner().invoke(main, [*common, "--glos", "ctc"])
    assert done.exit_code == 2 and "unknown option of gloss-to-text 'glos'" in done.output
    done = CliRunner().invoke(main, ["run", "--predict-only", str(out), "--beams", "2"])
    assert done.exit_code == 2 and "key=value away" in done.output
