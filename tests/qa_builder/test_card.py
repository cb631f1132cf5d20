"""The card: a valid header, every figure from the manifest, and the same text each time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_dataset import small_dataset

from qa_builder.dataset import read_manifest
from qa_builder.publish.card import make_card


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    return read_manifest(small_dataset(tmp_path / "small"))


def header(card: str) -> dict[str, Any]:
    return dict(yaml.safe_load(card.split("---\n")[1]))


def test_header_is_what_the_hub_reads(manifest: dict[str, Any]) -> None:
    found = header(make_card(manifest))
    assert found["license"] == "other"
    assert found["license_name"] == "cc-by-nc-sa-3.0"
    assert found["language"] == ["de", "gsg"]
    assert found["task_categories"] == ["translation"]
    assert found["size_categories"] == ["n<1K"]
    files = found["configs"][0]["data_files"]
    assert [f["split"] for f in files] == ["train", "dev", "test"]
    assert files[0]["path"] == "data/train.parquet"


def test_figures_come_from_the_manifest(manifest: dict[str, Any]) -> None:
    counts = {"rows": 7096, "clips": 7001, "signers": 9, "distinct_sentences": 6853}
    manifest["splits"]["train"] |= counts | {"with_question": 7002}
    manifest["questions"]["mean_leakage"]["train"] = 0.5234
    manifest["questions"]["kinds"] = {"yes-no": 4057}
    manifest["sources"] = [{"role": "questions", "path": "q.txt", "sha256": "a" * 64, "bytes": 9}]
    manifest["questions"]["formats"] = ["table", "phoenix", "table"]
    card = make_card(manifest)
    assert "Source: annotated (table, phoenix)." in card
    assert "| train | 7,096 | 7,001 | 9 | 6,853 | 7,002 |" in card
    assert "| train | 0.523 |" in card
    assert "| yes-no | 4,057 |" in card
    assert "- no-such-clip: 1" in card
    assert manifest["fingerprint"] in card
    assert f"| questions | `q.txt` | `{'a' * 64}` |" in card
    assert "**two-revisions** (note, 1): One | of two." in card
    assert header(card)["size_categories"] == ["1K<n<10K"]


def test_says_what_must_be_said(manifest: dict[str, Any]) -> None:
    card = make_card(manifest)
    for text in ("Nowhere: it is invented.", "Ask its owners.", "copy-question", "2509.14036",
                 "114189", "@misc{small, title = {A small corpus}}", "give the answer away",
                 "title   = {{SSL-SSAW}: Self-Supervised"):  # fmt: skip
        assert text in card
    assert "toy" not in card.lower()
    manifest["corpus"]["toy"] = True
    toy = make_card(manifest)
    assert "This is the toy corpus" in toy
    assert "toy" in header(toy)["tags"]


def test_card_without_questions(manifest: dict[str, Any]) -> None:
    manifest["questions"] = {"source": "none", "formats": [], "kinds": {}, "mean_leakage": {}}
    manifest["rejects"], manifest["findings"] = {}, []
    card = make_card(manifest)
    assert "built without questions" in card
    assert "Leakage" not in card
    assert "Nothing of the sources was left out" in card


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("cc-by-4.0", {"license": "cc-by-4.0"}),
        ("My Own Terms 2", {"license": "other", "license_name": "my-own-terms-2"}),
        ("仅供研究", {"license": "other", "license_name": "see-below"}),
        (None, {"license": "unknown"}),
    ],
)
def test_licence_of_a_release(
    manifest: dict[str, Any], licence: str | None, expected: dict[str, str]
) -> None:
    card = make_card({**manifest, "release": {"licence": licence}})
    assert header(card).items() >= expected.items()
    assert licence is None or licence in card.split("---\n")[2]


def test_same_manifest_same_text(manifest: dict[str, Any]) -> None:
    backwards = json.loads(json.dumps(manifest), object_pairs_hook=lambda p: dict(reversed(p)))
    assert make_card(backwards) == make_card(manifest)
    assert "\n\n\n" not in make_card(manifest)
