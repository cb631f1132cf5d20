"""What readers judged reaches the choice of Chinese questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from qa_builder.cli import main as builder
from qa_builder.errors import QbsltError
from qa_builder.questions import chinese_fit
from qa_builder.questions.candidates import Candidate
from qa_builder.questions.chinese_fit import FITS, fitted, traits
from qa_builder.questions.learn_fit import Example, examples, learn, main
from qa_builder.questions.reviewed import ours, reviews

ASKED = Candidate("他买了什么？", "what", "一本书", "ask-do/2", "book", "_买了什么？")


def test_a_question_is_known_by_its_kind_section_wording_and_phrase() -> None:
    wanted = ["kind what", "source ask", "section ask-do", "wording ask-do/2", "phrase _买了什么？"]
    assert list(traits(ASKED)) == wanted
    assert list(traits(ASKED._replace(phrase=""))) == wanted[:-1]


def test_what_fits_more_often_costs_less(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"section ask-do": 0.5, "kind what": -0.2, "wording other/1": 9.0}
    monkeypatch.setattr(chinese_fit, "_weights", lambda _: known)
    cost = fitted(ASKED).misfit - ASKED.misfit
    assert cost == pytest.approx(-0.3 * chinese_fit._STRENGTH)
    assert fitted(ASKED)._replace(misfit=0.0) == ASKED
    other = ASKED._replace(kind="why", template="none/1")
    assert fitted(other) == other  # nothing of it was judged


def test_weights_say_what_was_judged() -> None:
    """A wording of few reviews leans on its section; a trait of one has no weight."""
    good, bad = ["section a", "wording a/1"], ["section b", "wording b/1"]
    some = [Example(f"c{i}", good, 1.0) for i in range(30)]
    some += [Example(f"d{i}", bad, float(i % 3 == 0)) for i in range(30)]
    some += [Example("e", ["section b", "wording b/2"], 1.0)] * 3
    some += [Example("f", ["section a", "wording a/9"], 0.0)]
    found = learn(some)
    assert found["section a"] > 0 > found["section b"]
    assert found["section b"] + found["wording b/2"] > found["section b"] + found["wording b/1"]
    assert "wording a/9" not in found


def test_a_dataset_without_the_reviewed_sentences_is_refused(toy_csl: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, [str(toy_csl), "--out", str(tmp_path / "fit.txt")])
    assert isinstance(done.exception, QbsltError)
    assert "reviewed ones" in str(done.exception) and not (tmp_path / "fit.txt").exists()


def test_the_lexicon_is_what_the_reviews_teach(shared: Path, tmp_path: Path) -> None:
    """Learned again from the real corpus, it is the file that is here."""
    out, data = tmp_path / "fit.txt", tmp_path / "csl"
    root = str(shared / "CSL-Daily")
    words = ["build", "csl-daily", "--root", root, "--questions", "none", "--out", str(data)]
    assert CliRunner().invoke(builder, words).exit_code == 0
    done = CliRunner().invoke(main, [str(data), "--out", str(out)])
    assert done.exit_code == 0, done.output
    new, old = (
        dict(line.rsplit(" = ", 1) for line in file.read_text("utf-8").splitlines()[2:])
        for file in (out, FITS)
    )
    assert new.keys() == old.keys()
    assert max(abs(float(new[k]) - float(old[k])) for k in old) < 0.011  # the last digit
    own = reviews("zh")
    assert len(examples(own, data)) > 0.95 * sum(map(len, own.values()))  # they are still made


def test_our_reviews_hold_no_text_of_the_corpus() -> None:
    rows = ours("zh").read_text("utf-8").splitlines()[1:]
    assert len(rows) > 1000 and rows == sorted(rows)
    names = {row.split("\t")[0] for row in rows}
    assert all(len(n) == 16 and int(n, 16) >= 0 for n in names)
