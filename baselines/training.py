"""Training: accelerate's loop over batches, checkpoints, and the choice of the best on dev.

A run that was killed, started again in its folder, goes on from its last checkpoint and ends, on a
CPU, with the same bits. Under torchrun each process takes its share of the batches; translations of
dev are gathered before they are scored. (Ours.)
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

import click
import torch
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import get_cosine_schedule_with_warmup

from baselines import checkpoint
from baselines.batches import loader, shard, train_batches
from baselines.data import Batch
from baselines.decoding import translate
from baselines.disk import check_space
from baselines.jobs import make_job
from baselines.journal import CHOSEN_BY, CURVES, LOG, Journal, show
from baselines.machine import SIZES, batch_memory, in_words, make_accelerator, memory, named
from baselines.materials import CHECKPOINTS, DEV, drop_unused
from baselines.retrieval import retrieval
from baselines.sign_start import start_sign
from baselines.stage import Epoch, Job, Stage, Stages
from benchmarks.models import MAX_SEED
from qa_builder.console import progress
from qa_builder.errors import QbsltError

if TYPE_CHECKING:
    from baselines.config import Config
    from baselines.graph import Graph
    from baselines.translator import Translator
    from benchmarks.models import Run, TaskData


def train(
    config: Config, graph: Graph, data: TaskData, run: Run, stages: Stages | None = None
) -> None:
    """Train a method into a run's folder, in one stage or several, or go on with what is there.

    What fails before its first checkpoint leaves nothing there that another command would meet.
    Raises QbsltError for data that the method cannot be trained on, a loss that is not finite, and
    memory that runs out.
    """
    accelerator = make_accelerator(config)
    try:
        with memory("while it was trained", f"Lower {SIZES}."):
            job = make_job(config, graph, data, run, accelerator)
            alone = Stage(config=config, graph=graph, folder=run.folder)
            for stage in stages(job) if stages else (alone,):
                if not has_ended(job, stage):
                    Trainer(job, stage).run()
                accelerator.wait_for_everyone()
    except Exception:
        if accelerator.is_main_process:
            drop_unused(run.folder)
        raise


def has_ended(job: Job, stage: Stage) -> bool:
    """Whether all epochs of a stage are done; tells it without its model."""
    last = checkpoint.find(stage.folder / CHECKPOINTS)
    if last is None:
        return False
    state = checkpoint.read_state(last)["state"]
    checkpoint.check_config(last, state["config"], stage.settings(job))
    ended = bool(state["epoch"] >= stage.config.epochs)
    if ended and job.accelerator.is_main_process and not (stage.folder / CURVES).exists():
        show(stage.folder)  # it was killed after its last checkpoint
    return ended


@dataclass
class State:
    """Where a training stands; kept in its checkpoints."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Batches of the epoch that this process has done."""
    best: float = -math.inf
    """The measure of the stage on dev: BLEU-4, or without translations R@1."""
    best_epoch: int = -1
    seconds: float = 0.0


class Trainer:
    """One training."""

    def __init__(self, job: Job, stage: Stage) -> None:
        config, accelerator = stage.config, job.accelerator
        self.stage, self.config, self.materials, self.sets = stage, config, job.materials, job.sets
        self.accelerator, self.scores = accelerator, job.scores
        self.folder = stage.folder / CHECKPOINTS
        self.settings = stage.settings(job)
        self.measure = "bleu4" if stage.graph.translation else "recall1"
        set_seed(job.run.seed)
        with memory("while the model was made", f"Lower {SIZES}."):
            self.model = job.materials.translator(config, stage.graph, trained=bool(stage.start))
            if stage.start:
                checkpoint.load_weights(stage.start, self.model)
            elif config.sign_encoder and checkpoint.find(self.folder) is None:
                start_sign(config, self.model, job.run.folder, write=accelerator.is_main_process)
            self.model.to(accelerator.device)
            self.average = None
            if config.ema:
                decay: Any = get_ema_multi_avg_fn  # untyped
                self.average = AveragedModel(self.model, multi_avg_fn=decay(config.ema))
            self.optimizer = make_optimizer(self.model, config)
            self.total = self._count_steps()
            self.schedule = get_cosine_schedule_with_warmup(
                self.optimizer, round(config.warmup * self.total), self.total
            )
            self.state = State()
            self._resume(job.run.seed)
            self.wrapped = accelerator.prepare_model(self.model)
        if accelerator.is_main_process:
            check_space(self.model, self.average, stage, self.folder, say=job.say)
        self._sums: dict[str, Any] = defaultdict(float)
        self._unchecked: list[tuple[Tensor, list[str]]] = []

    def run(self) -> None:
        """Train until the end, or until dev gets no better; nothing where that was before."""
        if self._ended():
            return
        self.journal = Journal(
            self.folder.parent, self.state.step, tensorboard=self.config.tensorboard,
            quiet=not self.accelerator.is_main_process,
        )  # fmt: skip
        what = self.stage.title or f"training {self.config.method}"
        self._announce()
        unit = "sentences/s" if self.materials.source is None else "frames/s"
        with progress(what, self.total, "steps", unit) as advance:
            advance(self.state.step)
            while not self._ended():
                self._epoch(advance)
                self._end_of_epoch()
        self.journal.close()

    def _ended(self) -> bool:
        s, patience = self.state, self.config.patience
        waited = s.epoch - 1 - s.best_epoch
        return s.epoch >= self.config.epochs or bool(patience and s.epoch and waited >= patience)

    def _epoch(self, advance: Callable[..., None]) -> None:
        """The rest of the epoch that the state stands in."""
        config, s = self.config, self.state
        batches, self._about = self._batches(s.epoch)
        gpu = self.accelerator.device.type == "cuda"
        found = iter(loader(self.sets["train"], batches, s.epoch, start=s.batch,
                            workers=config.workers, pin=gpu))  # fmt: skip
        self.wrapped.train()
        begun = time.monotonic()
        while group := list(islice(found, config.grad_accumulation)):
            self._step(group)
            s.step += 1
            s.batch += len(group)
            amount = sum(batch.frames or len(batch) for batch in group)
            self._sums["amount"] += amount
            s.seconds += (passed := time.monotonic() - begun)
            self._sums["seconds"] += passed
            begun = time.monotonic()
            advance(1, amount)
            self._check(kept=1 if gpu else 0)
            if s.step % LOG == 0:
                self._log()
            if config.save_steps and s.step % config.save_steps == 0 and s.batch < len(batches):
                self._save()

    def _step(self, group: list[Batch]) -> None:
        """One step of the optimiser over the gradients of some batches."""
        self.optimizer.zero_grad(set_to_none=True)
        for i, batch in enumerate(group):
            last = i == len(group) - 1
            alone = contextlib.nullcontext() if last else self.accelerator.no_sync(self.wrapped)
            with batch_memory(batch, self.stage.size_option), alone:
                losses = self.wrapped(batch.to(self.accelerator.device))
                self.accelerator.backward(losses.total / len(group))
            total = losses.total.detach()
            self._unchecked.append((total, batch.sample_ids))
            self._sums["batches"] += 1
            self._sums["bad_frames"] += batch.bad_frames
            for name, part in {"loss": total, **losses.parts}.items():
                key = name if name == "loss" else f"loss_{name}"
                self._sums[key] = self._sums[key] + part  # a tensor: read when it is logged
        # AdamW takes memory for its moments at its first step
        with memory(f"in the optimiser's step, after {in_words(group[-1])}", f"Lower {SIZES}."):
            if self.config.clip_norm:
                self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
            self.optimizer.step()
            self.schedule.step()
            if self.average is not None:
                self.average.update_parameters(self.model)

    def _check(self, kept: int = 0) -> None:
        """Stop at a loss that is not finite; on a GPU one step late, not to wait for each."""
        while len(self._unchecked) > kept:
            loss, ids = self._unchecked.pop(0)
            if not math.isfinite(value := loss.item()):
                raise QbsltError(
                    f"the loss became {value} in step {self.state.step} with: {named(ids)}.",
                    cure="Look at these clips' features, lower learning_rate, or take "
                    "precision=fp32.",
                )

    def _end_of_epoch(self) -> None:
        self._check()
        s, config = self.state, self.config
        s.epoch, s.batch = s.epoch + 1, 0
        better = False
        if self._about:
            self.journal.write("batches", s.step, {"epoch": s.epoch, **self._about})
        if s.epoch % config.eval_every == 0 or s.epoch == config.epochs:
            found = self._evaluate()[self.measure]
            better = found > s.best
            if better:
                s.best, s.best_epoch = found, s.epoch - 1
        keep = self.stage.keep
        kept = keep and (s.epoch % keep == 0 or s.epoch == config.epochs)
        self._save(best=better, keep=checkpoint.kept(s.epoch) if kept else None)

    def _evaluate(self) -> dict[str, float]:
        """Scores on dev: of translations that are generated as at test, or of retrieval."""
        s = self.state
        train = self._log()
        model: Any = self.model if self.average is None else self.average.module
        model.eval()
        begun = time.monotonic()
        scores = self._scores(model)
        seconds = time.monotonic() - begun
        s.seconds += seconds
        self.journal.write("dev", s.step, {"epoch": s.epoch, "seconds": s.seconds,
                                           "dev_seconds": seconds, **scores})  # fmt: skip
        if self.accelerator.is_main_process:
            left = s.seconds / s.step * (self.total - s.step)
            found = scores[self.measure]
            click.echo(
                f"epoch {s.epoch}  loss {train.get('loss', math.nan):.3f}  dev "
                f"{CHOSEN_BY[self.measure]} {found:.2f} (best {max(s.best, found):.2f})  "
                f"{train.get('rate', 0):,.0f} "
                f"{'sentences' if self.materials.source is None else 'frames'}/s  "
                f"{timedelta(seconds=round(left))} left", err=True,
            )  # fmt: skip
        return scores

    def _scores(self, model: Translator) -> dict[str, float]:
        if not self.stage.graph.translation:
            return retrieval(model, self.sets[DEV], self.config, self.accelerator)
        found = translate(model, self.sets[DEV], self.config, self.materials, self.accelerator,
                          beams=self.config.eval_beams)  # fmt: skip
        return self.scores(found.texts)

    def _log(self) -> dict[str, float]:
        """Write the means since the last line; gives them."""
        sums, self._sums = self._sums, defaultdict(float)
        if not (n := sums.pop("batches", 0)):
            return {}
        rate = sums.pop("amount") / max(sums.pop("seconds"), 1e-9)
        bad = sums.pop("bad_frames", 0)
        values = {name: float(total) / n for name, total in sums.items()}
        if bad:
            values["bad_frames"] = bad
        values["rate"] = rate * self.accelerator.num_processes
        values |= {"learning_rate": self.schedule.get_last_lr()[0], "epoch": self.state.epoch}
        self.journal.write("train", self.state.step, values)
        return values

    def _save(self, best: bool = False, keep: str | None = None) -> None:
        self._check()
        if self.accelerator.is_main_process:
            state = {"config": self.settings} | asdict(self.state)
            checkpoint.save(
                self.folder, self.state.step, self.model, self.optimizer, self.schedule,
                self.average, state, best=best, keep=keep,
            )  # fmt: skip
        self.accelerator.wait_for_everyone()

    def _resume(self, seed: int) -> None:
        last = checkpoint.find(self.folder)
        rank = self.accelerator.process_index
        if last is not None:
            _, state = checkpoint.load(
                last, self.model, self.optimizer, self.schedule, self.average, self.settings
            )
            state.pop("config")
            self.state = State(**state)
        if rank:  # each process drops other activations; checkpoints hold the first's generator
            set_seed((seed + 1_000_003 * rank + self.state.step) % (MAX_SEED + 1))

    def _batches(self, epoch: int) -> Epoch:
        make = self.stage.batches
        all_of, about = make(epoch) if make else Epoch(train_batches(self.sets["train"], epoch))
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        return Epoch(shard(all_of, rank, world, even=True), about)

    def _count_steps(self) -> int:
        epochs, group = self.config.epochs, self.config.grad_accumulation
        if self.stage.batches:
            processes: int = self.accelerator.num_processes
            each = math.ceil(self.stage.batches.count / processes)
            return epochs * math.ceil(each / group)
        return sum(math.ceil(len(self._batches(e).batches) / group) for e in range(epochs))

    def _announce(self) -> None:
        """Say which of several stages begins, and how many weights it trains."""
        if not self.stage.title or not self.accelerator.is_main_process:
            return
        sizes = [(p.numel(), p.requires_grad) for p in self.model.parameters()]
        trained, known = sum(n for n, yes in sizes if yes), sum(n for n, _ in sizes)
        at = f", from epoch {self.state.epoch + 1}" if self.state.step else ""
        click.echo(f"{self.stage.title}: {trained:,} of {known:,} weights are trained{at}.",
                   err=True)  # fmt: skip


def make_optimizer(model: nn.Module, config: Config) -> torch.optim.Optimizer:
    """AdamW; biases, norms and the like (vectors and numbers) do not decay.

    A backbone has groups and a learning rate of its own.
    """
    learning = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    share = {False: 1.0, True: config.backbone_learning_rate}
    groups: list[dict[str, Any]] = []
    for backbone in (False, True):
        some = [p for n, p in learning if n.startswith("backbone.") is backbone]
        for matrix, decay in ((True, config.weight_decay), (False, 0.0)):
            found = [p for p in some if (p.dim() > 1) is matrix]
            if found or not backbone:
                rate = share[backbone] * config.learning_rate
                groups.append({"params": found, "weight_decay": decay, "lr": rate})
    fused = all(p.is_cuda for _, p in learning) or None  # one kernel for all weights
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), fused=fused)
