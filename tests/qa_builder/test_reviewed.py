"""Reviews of single questions: what did not fit is not asked again, and what fitted is."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from qa_builder.cli import main
from qa_builder.errors import QbsltError
from qa_builder.questions.candidates import Candidate
from qa_builder.questions.choose import Chooser
from qa_builder.questions.reviewed import Review, digest, read_reviews, reviews
from qa_builder.text import normalize_all

HEAD = "sentence\tquestion\tfits\tnatural\n"
ANSWER = "明天北京下雨。"
ASKED = [
    Candidate(text, "what", "", f"made/{n}", "weather", text, float(n))
    for n, text in enumerate(["外面怎么样？", "你去哪里？", "你想说什么？"])
]


def choose(known: dict[str, Review]) -> tuple[str, int]:
    name = digest(normalize_all([ANSWER], "zh")[0])
    chooser = Chooser("zh", reviews={name: known})
    ((best,),) = chooser.choose(["c1"], [ANSWER], [ASKED])
    return best.text, chooser.reviewed


def test_what_did_not_fit_is_asked_no_more_and_what_fitted_is() -> None:
    assert choose({}) == ("外面怎么样？", 0)
    assert choose({"外面怎么样？": Review(0, True)}) == ("你去哪里？", 0)
    assert choose({"你想说什么？": Review(2, True)}) == ("你想说什么？", 1)
    assert choose({"你想说什么？": Review(2, False)})[0] == "外面怎么样？"  # nobody says it so
    doubted = {a.text: Review(0, True) for a in ASKED}
    assert choose(doubted) == ("外面怎么样？", 0)  # never no question at all


def test_sentences_stand_as_they_are_or_as_digests(tmp_path: Path) -> None:
    file, name = tmp_path / "r.tsv", digest(normalize_all([ANSWER], "zh")[0])
    file.write_text(f"{HEAD}{ANSWER}\t你去哪里？\t0\t1\n\n{name}\t你去哪里？\t2\t0\n", "utf-8")
    assert read_reviews(file, "zh") == {name: {"你去哪里？": Review(2, False)}}  # the later holds
    assert reviews("de", "none") == reviews("de") == {} and not reviews("zh", "none")
    both = reviews("zh", str(file))
    assert len(both) == len(reviews("zh")) + 1 and name in both


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no file of reviews"),
        ("clip\tquestion\n", "is no file of reviews"),
        (HEAD + "a\tb\t3\t1\n", ":2: is no review"),
        (HEAD + "a\tb\t2\n", ":2: is no review"),
        (HEAD + "a\tb\t2\t1\nx\n", ":3: is no review"),
        (HEAD + "a\tb\t2\tyes\n" + "c\td\t\t0\n", ":3: is no review"),
    ],
)
def test_what_is_no_review_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "r.tsv"
    file.write_text(text, "utf-8")
    with pytest.raises((QbsltError, ExceptionGroup)) as refused:
        read_reviews(file, "de")
    errors = getattr(refused.value, "exceptions", [refused.value])
    assert any(said in str(e) for e in errors)


def test_a_build_heeds_reviews_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    run = CliRunner().invoke
    assert run(main, ["toy", str(tmp_path / "toys")]).exit_code == 0
    root = tmp_path / "toys" / "phoenix"

    def build(name: str, *more: str) -> dict[str, str]:
        out = tmp_path / name
        words = ["build", "phoenix", "--root", str(root), "--questions", "rules", *more]
        done = run(main, [*words, "--allow-findings", "--out", str(out)])
        assert done.exit_code == 0, done.output
        table = pq.read_table(out / "data", columns=["text", "question"])
        return dict(zip(*table.to_pydict().values(), strict=True))

    before = build("before")
    text, question = next(iter(before.items()))
    file.write_text(f"{HEAD}{text}\t{question}\t0\t1\n", "utf-8")
    after = build("after", "--reviewed", str(file))
    assert after[text] != question
    manifest = json.loads((tmp_path / "after" / "manifest.json").read_text("utf-8"))
    assert manifest["config"]["reviewed"] == "mine.tsv"
    assert any(s["role"] == "reviews" for s in manifest["sources"])
    missing = run(main, ["build", "phoenix", "--root", str(root), "--questions", "rules",
                         "--reviewed", "nowhere.tsv", "--out", str(tmp_path / "x")])  # fmt: skip
    assert missing.exit_code == 2 and "nowhere.tsv" in missing.output
    assert "Traceback" not in missing.output
    unused = run(main, ["build", "phoenix", "--root", str(root), "--questions", "none",
                        "--reviewed", str(file), "--out", str(tmp_path / "x")])  # fmt: skip
    assert unused.exit_code == 2 and "not for none" in unused.output
    assert not (tmp_path / "x").exists()
