"""What the rules of a language give: for a sentence, several questions that it could answer."""

from __future__ import annotations

from typing import NamedTuple, Protocol

BUDGET = 0.5  # content recall that a question may have at most, 0..1


class Candidate(NamedTuple):
    """A question that could come before a sentence."""

    text: str  # as it is to be shown: capitals and question mark
    kind: str  # one of samples.KINDS; a general prompt is of the kind "prompt"
    asked: str  # the span that answers it, as in the sentence; empty where it is all of it
    template: str  # name of the wording: the questions of one wording differ in what they keep
    topic: str  # what the sentence is about, in the language's own list
    phrase: str = ""  # fixed part of its wording, what it keeps being blanks; empty: by template
    misfit: float = 0.0  # what speaks against it: 0 it asks for a part, 3 it names the topic only


class Language(Protocol):
    """The rules of one language. Pure: the same sentence gives the same candidates."""

    code: str  # ISO 639-1

    def candidates(
        self, text: str, words: list[str] | None, tags: list[str] | None
    ) -> list[Candidate]:
        """Questions for one sentence, the most fitting first; never empty.

        `words` and `tags` are the corpus's own word segmentation and parts of speech, where it
        has them. The last resort is a general prompt of the topic.
        """
        ...
