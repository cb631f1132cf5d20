"""Checkpoints: the same bits after going on, whole after a kill, refused where they don't fit."""

from __future__ import annotations

import copy
import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from small_disk import on_a_small_disk
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from baselines.checkpoint import BEST, LAST, find, load, load_weights, save
from qa_builder.errors import QbsltError

torch.set_num_threads(1)
CONFIG = {"epochs": 3, "features": "a", "learning_rate": 1 / 3}


class Tied(nn.Module):
    """Dropout, a buffer, and an output layer with the weights of the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.hidden = nn.Embedding(20, 8), nn.Linear(8, 8)
        self.norm, self.dropout = nn.BatchNorm1d(8), nn.Dropout(0.3)
        self.out = nn.Linear(8, 20, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Tensor:
        found: Tensor = self.out(self.dropout(self.norm(self.hidden(self.embed(ids)))))
        return found


class Training:
    """A loop that draws from all three generators."""

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        self.model = Tied()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda n: 1 / (n + 1))
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(0.9))

    def run(self, steps: int) -> None:
        for _ in range(steps):
            drawn = [random.randrange(20), int(np.random.randint(20))]
            ids = torch.tensor([*drawn, *torch.randint(20, (6,)).tolist()])
            loss = nn.functional.cross_entropy(self.model(ids), (ids + 1) % 20)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            self.average.update_parameters(self.model)

    def save(self, folder: Path, step: int, best: bool = False, **state: Any) -> None:
        save(folder, step, self.model, self.optimizer, self.schedule, self.average,
             {"config": CONFIG, **state}, best=best)  # fmt: skip

    def load(self, found: Path, config: dict[str, Any] = CONFIG) -> tuple[int, dict[str, Any]]:
        return load(found, self.model, self.optimizer, self.schedule, self.average, config)

    def bits(self) -> list[Tensor]:
        state = self.optimizer.state_dict()["state"]
        moments = [
            state[number][name] for number in sorted(state) for name in sorted(state[number])
        ]
        return [*self.model.state_dict().values(), *self.average.state_dict().values(), *moments]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(map(torch.equal, a, b))


def test_going_on_ends_with_the_same_bits(tmp_path: Path) -> None:
    whole = Training()
    whole.run(5)
    whole.save(tmp_path, 5, epoch=1, score=1 / 3)
    whole.run(7)
    other = Training(seed=1)
    other.run(2)
    found = find(tmp_path)
    assert found == tmp_path / LAST
    assert other.load(found) == (5, {"config": CONFIG, "epoch": 1, "score": 1 / 3})
    assert other.schedule.get_last_lr() != whole.schedule.get_last_lr()
    other.run(7)
    assert same(whole.bits(), other.bits())
    assert other.schedule.get_last_lr() == whole.schedule.get_last_lr()


def test_the_generators_go_on_where_they_were(tmp_path: Path) -> None:
    training = Training()
    np.random.standard_normal()  # leaves a second one in store
    random.gauss()
    training.save(tmp_path, 0)
    first = [random.gauss(), random.random(), *np.random.standard_normal(3), *torch.rand(3)]
    training.load(tmp_path / LAST)
    again = [random.gauss(), random.random(), *np.random.standard_normal(3), *torch.rand(3)]
    assert first == again


def test_what_is_on_disk(tmp_path: Path) -> None:
    training = Training()
    training.run(2)
    training.save(tmp_path, 2, best=True)
    names = {"model.safetensors", "average.safetensors", "optimizer.safetensors",
             "random.safetensors", "state.json"}  # fmt: skip
    for name in (LAST, BEST):
        assert {f.name for f in (tmp_path / name).iterdir()} == names
    assert (tmp_path / LAST / "model.safetensors").samefile(tmp_path / BEST / "model.safetensors")
    assert {f.name for f in tmp_path.iterdir()} == {LAST, BEST}
    best = {f.name: f.read_bytes() for f in (tmp_path / BEST).iterdir()}
    training.run(3)
    training.save(tmp_path, 5)
    assert best == {f.name: f.read_bytes() for f in (tmp_path / BEST).iterdir()}
    state = json.loads((tmp_path / LAST / "state.json").read_text())
    assert state["step"] == 5 and state["averaged"] == 5
    tensors = load_file(tmp_path / LAST / "model.safetensors")
    assert ("out.weight" in tensors) != ("embed.weight" in tensors)  # tied: once
    with safe_open(tmp_path / LAST / "model.safetensors", "pt") as file:
        assert file.metadata() is None  # no header of names: its order would change the bytes


def test_the_weights_that_are_evaluated(tmp_path: Path) -> None:
    training = Training()
    training.run(4)
    training.save(tmp_path, 4, best=True, score=12.5)
    model = Tied()
    assert load_weights(tmp_path / BEST, model)["score"] == 12.5
    assert same([*model.parameters()], [*training.average.module.parameters()])
    assert not torch.equal(model.embed.weight, training.model.embed.weight)
    assert model.out.weight is model.embed.weight
    save(tmp_path, 4, training.model, training.optimizer, training.schedule, None, {})
    load_weights(tmp_path / LAST, model)
    assert torch.equal(model.embed.weight, training.model.embed.weight)
    assert not (tmp_path / LAST / "average.safetensors").exists()


def test_another_config_is_refused_with_the_options_that_differ(tmp_path: Path) -> None:
    training = Training()
    training.run(1)
    training.save(tmp_path, 1)
    before = copy.deepcopy(training.bits())
    with pytest.raises(QbsltError) as e:
        training.load(tmp_path / LAST, {**CONFIG, "epochs": 4, "beams": None})
    said = str(e.value)
    assert "epochs is 3 there, 4 here" in said and "beams is not given there" in said
    assert "learning_rate" not in said and "features" not in said
    assert same(before, training.bits())
    training.load(tmp_path / LAST, dict(CONFIG))


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("cut", [0, 40])
def test_a_broken_checkpoint(tmp_path: Path, name: str, cut: int) -> None:
    training = Training()
    training.run(1)
    training.save(tmp_path, 1)
    file = tmp_path / LAST / name
    whole = file.read_bytes()
    file.unlink()
    file.write_bytes(whole[:cut])
    with pytest.raises(QbsltError, match="this checkpoint cannot be read") as e:
        training.load(tmp_path / LAST)
    assert "\n" not in str(e.value)


def test_another_model_and_no_checkpoint(tmp_path: Path) -> None:
    assert find(tmp_path) is None and find(tmp_path, BEST) is None
    training = Training()
    training.save(tmp_path, 0)
    with pytest.raises(QbsltError, match="cannot be read"):
        load_weights(tmp_path / LAST, nn.Linear(3, 3))


FULL = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_checkpoint import Training, same
from qa_builder.errors import QbsltError
training, folder = Training(), Path({folder!r}) / "checkpoints"
training.run(1)
training.save(folder, 1, best=True)
before = training.bits()
with (folder.parent / "other").open("wb", buffering=0) as other:
    try:
        while True:
            other.write(bytes(4096))
    except OSError:
        pass
training.run(1)
for _ in range(2):
    try:
        training.save(folder, 2, best=True)
    except QbsltError as e:
        print(e)
assert sorted(f.name for f in folder.iterdir()) == ["best", "last"]
assert training.load(folder / "last")[0] == training.load(folder / "best")[0] == 1
"""


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    here = Path(__file__).resolve().parent
    path = [str(here), str(here.parent), str(here.parents[1])]
    code = FULL.format(path=path, folder=str(tmp_path / "disk"))
    done = on_a_small_disk(tmp_path / "disk", "600k", "-c", code)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert len(said) == 2 and all("a checkpoint can't be written here" in line for line in said)
    assert "(os error 28)); the one before it is whole. Free some space" in said[0]


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from test_checkpoint import Training
training, folder, step = Training(), Path({folder!r}), 0
while True:
    step += 1
    training.run(1)
    training.save(folder, step, best=step % 2 == 0)
    print(step, flush=True)
"""


def test_killed_at_any_moment_it_leaves_whole_checkpoints(tmp_path: Path) -> None:
    here = Path(__file__).resolve().parent
    path = [str(here), str(here.parent), str(here.parents[1])]
    draw = random.Random(0)
    code = KILLED.format(path=path, folder=str(tmp_path / "run"))
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert process.stdout is not None
        while int(process.stdout.readline() or 10**9) < 12:
            pass
        time.sleep(draw.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        found, best = find(tmp_path / "run"), find(tmp_path / "run", BEST)
        assert found is not None and best is not None
        steps = []
        for one in (found, best):
            training = Training(seed=5)
            steps.append(training.load(one)[0])
            straight = Training()
            straight.run(steps[-1])
            assert same(training.bits(), straight.bits())
        assert steps[0] >= 12 and steps[1] % 2 == 0 and -1 <= steps[0] - steps[1] <= 1
