"""`--questions rules`: questions by the rules of a language, without network or model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from qa_builder.corpora.base import (
    NOTE,
    ClipBatch,
    CorpusInfo,
    Finding,
    Notes,
    SourceFile,
    in_batches,
)
from qa_builder.errors import QbsltError, counted
from qa_builder.questions.candidates import BUDGET, Candidate
from qa_builder.questions.choose import Chooser
from qa_builder.questions.languages import installed
from qa_builder.questions.reviewed import NONE, OURS, reviews
from qa_builder.samples import KINDS, Provenance, Question
from qa_builder.text import normalize_all

_LOOKED_AT = 1000  # characters of a sentence: whatever is longer is no sentence
_CHUNK = 512  # sentences at a time: bounds the memory, whatever the size of a batch


class Rules:
    """The source of questions that the rules of a corpus's language make.

    `sentences` gives all sentences of the corpus, in batches: none of them is asked. `workers`
    processes find the candidates (0: this one); the choice is made here, in the
    corpus's order, so that the questions are the same whatever their number. `reviewed` says which
    reviews the choice heeds (`reviewed.reviews`). `files` are those of an installed package's
    rules: like a file of reviews they become sources of the dataset.
    """

    name = "rules"

    def __init__(
        self,
        seed: int = 0,
        budget: float = BUDGET,
        per_clip: int = 1,
        workers: int = 0,
        sentences: Callable[[], Iterable[Sequence[str]]] = list,
        files: Sequence[Path] = (),
        reviewed: str = OURS,
    ) -> None:
        self._reviewed = reviewed
        self._seed, self._budget, self._per_clip, self._workers = seed, budget, per_clip, workers
        self._sentences, self._files = sentences, files
        self._code = ""
        self._short = 0
        self._pool: ProcessPoolExecutor | None = None

    def sources(self) -> list[SourceFile]:
        own = [] if self._reviewed in (OURS, NONE) else [Path(self._reviewed)]
        return [
            SourceFile("rules", file, f"{file.parent.name}/{file.name}") for file in self._files
        ] + [SourceFile("reviews", file, file.name) for file in own]

    def start(self, info: CorpusInfo, notes: Notes) -> None:
        """Raises QbsltError for a language without rules, a budget or a number that is none."""
        if self._per_clip < 1:
            raise QbsltError("a clip needs at least one question.", cure="Give --per-clip 1.")
        self._code = info.text_language
        self._rules = installed(self._code)
        answers = frozenset(a for t in self._sentences() for a in normalize_all(t, self._code))
        self._chooser = Chooser(
            self._code, self._seed, self._budget, self._per_clip, answers,
            reviews(self._code, self._reviewed),
        )  # fmt: skip
        self._provenance = Provenance(self._rules.generator, self._rules.version, seed=self._seed)
        if self._workers > 1:
            self._pool = ProcessPoolExecutor(self._workers, get_context("spawn"))

    def ask(self, batch: ClipBatch, notes: Notes) -> list[list[Question]]:
        result: list[list[Question]] = []
        slices = list(in_batches(len(batch), _CHUNK))
        for part, candidates in zip(slices, self._candidates(batch, slices), strict=True):
            if self._rules.package:
                self._check(batch.clip_id[part], candidates)
            chosen = self._chooser.choose(batch.clip_id[part], batch.text[part], candidates)
            self._short += sum(len(c) < self._per_clip for c in chosen)
            result += [
                [Question(c.text, c.kind, self.name, None, self._provenance) for c in own]
                for own in chosen
            ]
        return result

    def _check(self, clip_ids: Sequence[str], candidates: Sequence[Sequence[Candidate]]) -> None:
        """Raises QbsltError where a package's rules give nothing, or a kind that is none."""
        whose = f"the rules for {self._code!r} of the package {self._rules.package}"
        for clip_id, own in zip(clip_ids, candidates, strict=True):
            if not own:
                raise QbsltError(
                    f"{whose} give no question for this sentence.", id=clip_id,
                    cure="candidates() must end with questions that keep nothing of it.",
                )  # fmt: skip
            for c in own:
                if c.kind not in KINDS:
                    raise QbsltError(
                        f"{whose} give a question of the kind {c.kind!r}, which is none.",
                        id=clip_id, cure=f"Known: {', '.join(KINDS)}.",
                    )  # fmt: skip

    def _candidates(
        self, batch: ClipBatch, slices: Sequence[slice]
    ) -> Iterator[list[list[Candidate]]]:
        """The candidates of each slice of a batch, in order."""
        run = self._pool.map if self._pool else map
        words, tags = batch.words, batch.pos_tags
        none = [None] * len(batch)
        return iter(run(
            candidates_of,
            [self._code] * len(slices),
            [[t[:_LOOKED_AT] for t in batch.text[s]] for s in slices],
            [(words or none)[s] for s in slices],
            [(tags or none)[s] for s in slices],
        ))  # fmt: skip

    def finish(self, notes: Notes) -> None:
        """Close the workers; note the clips that got fewer questions than asked for."""
        if self._pool:
            self._pool.shutdown()
            self._pool = None
        if self._short:
            clips = counted(self._short, "clip", "have")
            message = f"{clips} fewer than {self._per_clip} different questions"
            notes.findings.append(Finding("questions-few", NOTE, message, self._short))

    def facts(self) -> dict[str, object]:
        package = {"package": self._rules.package} if self._rules.package else {}
        return {
            "rules": f"{self._code}-{self._rules.version}", **package,
            "seed": self._seed, "budget": self._budget, "per_clip": self._per_clip,
            "distinct": len(self._chooser.texts), "wordings": len(self._chooser.wordings),
            "judged_to_fit": self._chooser.reviewed,
        }  # fmt: skip


def candidates_of(
    code: str,
    texts: Sequence[str],
    words: Sequence[list[str] | None],
    tags: Sequence[list[str] | None],
) -> list[list[Candidate]]:
    """The candidates of sentences, by the rules of a language; what a worker process runs."""
    return list(map(installed(code).language.candidates, texts, words, tags))
