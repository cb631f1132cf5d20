"""`--questions rules`: questions by the rules of a language, without network or model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

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
from qa_builder.processes import Crew, Died, in_order
from qa_builder.questions.candidates import BUDGET, Candidate
from qa_builder.questions.choose import Chooser
from qa_builder.questions.languages import installed
from qa_builder.questions.reviewed import NONE, OURS, reviews
from qa_builder.samples import KINDS, Provenance, Question
from qa_builder.text import normalize_all

_LOOKED_AT = 1000  # characters of a sentence: whatever is longer is no sentence
_CHUNK = 512  # sentences at a time: bounds the memory, whatever the size of a batch


class Sentences(NamedTuple):
    """Some sentences of a corpus, in columns; words and tags are None where it has none."""

    texts: Sequence[str]
    words: Sequence[list[str] | None]
    tags: Sequence[list[str] | None]


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
        self._crew: Crew[Sentences, list[list[Candidate]]] | None = None

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
        if self._workers:
            self._crew = Crew(partial(candidates_of, self._code), self._workers)

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
        none = [None] * len(batch)
        words, tags = batch.words or none, batch.pos_tags or none
        items = (Sentences([t[:_LOOKED_AT] for t in batch.text[s]], words[s], tags[s])
                 for s in slices)  # fmt: skip
        if self._crew is None:
            yield from map(partial(candidates_of, self._code), items)
            return
        for found in in_order(self._crew.run(items)):
            if isinstance(found, Died):
                raise QbsltError(f"a worker was lost: {found.why}.", cure="Take fewer --workers.")
            yield found

    def finish(self, notes: Notes) -> None:
        """Close the workers; note the clips that got fewer questions than asked for."""
        if self._crew:
            self._crew.close()
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


def candidates_of(code: str, sentences: Sentences) -> list[list[Candidate]]:
    """The candidates of sentences, by the rules of a language; what a worker process runs."""
    return list(map(installed(code).language.candidates, *sentences))
