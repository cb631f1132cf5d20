"""Languages: the package of docs/add-a-language.md, installed and built with; bad packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from qa_builder.dataset import Dataset, open_dataset
from qa_builder.questions.wordings import read_wordings

DOCS = Path(__file__).resolve().parents[2] / "docs" / "add-a-language.md"
SENTENCES = (
    "tomorrow there are showers in the north", "in scotland it will be sunny on monday",
    "a storm comes in the evening", "rain in wales", "and now have a good night",
)  # fmt: skip
OTHER = """
from qa_builder.questions.candidates import Candidate

class Rules:
    code, files = "de", (__file__,)
    def candidates(self, text, words, tags):
        return [Candidate("Welcher Zug fährt?", "which", "", "train/1", "train")]

class Bare:
    code = "fr"

class Unknown(Rules):
    code = "fr"
    files = ("nowhere.txt",)

class Odd(Rules):
    code = "fr"
    def candidates(self, text, words, tags):
        return [Candidate("Quand ?", "whence", "", "q/1", "q")]

class Silent(Rules):
    code = "fr"
    def candidates(self, text, words, tags):
        return [] if "rain" in text else super().candidates(text, words, tags)

class Needy(Rules):
    code = "fr"
    def __init__(self, model):
        pass
"""


def block(language: str) -> str:
    """The first block of a language in the page."""
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text("utf-8"), re.S)
    assert found, f"docs/add-a-language.md has no {language} block"
    return found[1]


def install(site: Path, name: str, points: dict[str, str]) -> None:
    """Make a package known, as an installer leaves it."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{code} = {value}\n" for code, value in points.items()]
    (info / "entry_points.txt").write_text("[qbslt.languages]\n" + "".join(lines))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder on the path with the package of the docs."""
    package = tmp_path / "site" / "english_rules"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(block("python"), "utf-8")
    (package / "wordings.txt").write_text(block("text"), "utf-8")
    project = tomllib.loads(block("toml"))["project"]
    install(package.parent, project["name"], project["entry-points"]["qbslt.languages"])
    (package.parent / "other.py").write_text(OTHER, "utf-8")
    return package.parent


def qa(site: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    return subprocess.run(
        [sys.executable, "-m", "qa_builder.cli", *map(str, words)],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def build(site: Path, language: str = "en", *more: str) -> subprocess.CompletedProcess[str]:
    table = site.parent / "train.csv"
    rows = [f"c{i},{text}\n" for i, text in enumerate(SENTENCES)]
    table.write_text("clip_id,text\n" + "".join(rows), "utf-8")
    out = site.parent / "out"
    return qa(site, "build", "table", "--table", table, "--language", language,
              "--questions", "rules", "--out", out, *more)  # fmt: skip


def dataset(site: Path, language: str = "en", *more: str) -> Dataset:
    done = build(site, language, *more)
    assert done.returncode == 0, done.stderr
    return open_dataset(site.parent / "out")


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    return done.stderr


def test_the_package_of_the_docs_builds_a_dataset(site: Path) -> None:
    made = dataset(site)
    wordings = {w.fill() for own in read_wordings(site / "english_rules/wordings.txt").values()
                for w in own}  # fmt: skip
    questions = [s.question for s in made.samples("train") if s.question]
    assert len(questions) == len(SENTENCES)
    kept = re.compile(r" (?:tomorrow|(?:in|on) (?:the )?\w+)(?=[ ?])")
    for q in questions:
        assert q.text in wordings or kept.sub("", q.text) in wordings
        assert q.provenance.generator == "rules-en (english-rules)"
        assert q.leakage is not None and q.leakage <= 0.5
        assert (q.source, q.provenance.version) == ("rules", "1.0")
    assert any(kept.search(q.text) for q in questions)
    facts = made.manifest["questions"]
    assert (facts["rules"], facts["package"]) == ("en-1.0", "english-rules")
    sources = {s["path"] for s in made.manifest["sources"] if s["role"] == "rules"}
    assert sources == {"english_rules/__init__.py", "english_rules/wordings.txt"}
    assert qa(site, "verify", made.path).returncode == 0


def test_the_docs_are_short() -> None:
    assert len(block("python").splitlines()) < 80 and len(DOCS.read_text().splitlines()) < 120


def test_a_changed_lexicon_builds_anew(site: Path) -> None:
    first = dataset(site).fingerprint
    assert "unchanged" in build(site).stdout
    lexicon = site / "english_rules" / "wordings.txt"
    lexicon.write_text("[general]\nwhat - What is said?\n", "utf-8")
    assert dataset(site).fingerprint != first
    lexicon.write_text("[general]\nwhat -\n", "utf-8")
    assert "wordings.txt:2: is no wording of a section" in refused(build(site))


def test_a_package_takes_the_place_of_our_rules(site: Path) -> None:
    ours = {s.question.provenance.generator for s in dataset(site, "de").samples("train")
            if s.question}  # fmt: skip
    assert ours == {"rules-de"}
    install(site, "zug", {"de": "other:Rules"})
    questions = [s.question for s in dataset(site, "de").samples("train")]
    assert {q and (q.text, q.provenance.generator) for q in questions} == {
        ("Welcher Zug fährt?", "rules-de (zug)")
    }


def test_an_unknown_language_names_the_known(site: Path) -> None:
    assert "unknown language of rules 'fr'; known are: de, en, zh." in refused(build(site, "fr"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no_such:Rules", "(no_such:Rules) can't be loaded: No module named 'no_such'"),
        ("other:Gone", "can't be loaded"),
        ("other:Needy", "can't be loaded"),
        ("other:Rules", "lack code = 'fr'"),
        ("other:Bare", "candidates()"),
        ("other:Unknown", "lack files"),
    ],
)
def test_bad_packages_end_with_one_sentence(site: Path, value: str, said: str) -> None:
    install(site, "bad", {"fr": value})
    assert said in refused(build(site, "fr"))
    assert build(site).returncode == 0  # another language is not harmed


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("other:Odd", "give a question of the kind 'whence', which is none. Known: yes-no, what,"),
        ("other:Silent", "[c3] the rules for 'fr' of the package bad give no question for this"),
    ],
)
def test_what_rules_give_is_checked(site: Path, value: str, said: str) -> None:
    install(site, "bad", {"fr": value})
    error = refused(build(site, "fr"))
    assert said in error and "budget" not in error
    assert not (site.parent / "out").exists()


def test_two_packages_for_a_language_are_refused(site: Path) -> None:
    install(site, "zug", {"de": "other:Rules"})
    install(site, "bahn", {"de": "other:Rules"})
    assert "several packages have rules for the language 'de': bahn, zug" in refused(
        build(site, "de")
    )
