"""The figures of `stats.collect` as tables: for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Row = tuple[object, ...]
TableOf = tuple[str, tuple[str, ...], list[Row]]

NAMES = {
    "sentence": "sentences", "gloss": "glosses", "question": "questions", "frames": "frames",
    "pair": "sentence with question",
}  # fmt: skip


def per_cent(n: int | None, total: int) -> float | str:
    """A share in per cent, with one digit; "-" of nothing."""
    return "-" if n is None or not total else round(100 * n / total, 1)


def tables(found: dict[str, Any]) -> list[TableOf]:
    """Tables as (title, column names, rows); those without any row are left out."""
    made = (_overview(found), _lengths(found), _vocabulary(found), _kinds(found), _signers(found),
            _leakage(found), _within(found), _across(found), _left_out(found))  # fmt: skip
    return [table for table in made if table[2]]


def _overview(found: dict[str, Any]) -> TableOf:
    rows: list[Row] = [
        (s, v["rows"], v["clips"], _or_dash(v["signers"]), _or_dash(v["sentences"]),
         v["with_question"], per_cent(v["with_question"], v["rows"]))
        for s, v in found["splits"].items()
    ]  # fmt: skip
    columns = ("split", "rows", "clips", "signers", "distinct sentences", "with question", "%")
    return found["dataset"], columns, rows


def _lengths(found: dict[str, Any]) -> TableOf:
    rows: list[Row] = [
        (unit_of(found, measure), split, v["n"], round(v["mean"], 1), v["median"], v["min"],
         v["max"])
        for measure, splits in found["lengths"].items()
        for split, v in splits.items() if v
    ]  # fmt: skip
    return "Lengths", ("of", "split", "n", "mean", "median", "shortest", "longest"), rows


def unit_of(found: dict[str, Any], measure: str) -> str:
    """What a length is of and counted in: "sentences (words)"."""
    unit = {"gloss": "glosses", "frames": "a clip"}.get(measure, found["unit"])
    name = "gloss sequences" if measure == "gloss" else NAMES[measure]
    return f"{name} ({unit})"


def _vocabulary(found: dict[str, Any]) -> TableOf:
    rows: list[Row] = [
        (NAMES[what], split, v["distinct"], v["tokens"], v.get("new", "-"),
         per_cent(v.get("new"), v["distinct"]), per_cent(v.get("running_new"), v["tokens"]))
        for what, splits in found["vocabulary"].items()
        for split, v in splits.items() if v["tokens"]
    ]  # fmt: skip
    columns = ("of", "split", "distinct", "running", "not in train", "% of distinct",
               "% of running")  # fmt: skip
    return f"Vocabulary ({found['unit']}; glosses)", columns, rows


def _kinds(found: dict[str, Any]) -> TableOf:
    return _crosstab("Kinds of questions", "kind", by_total(found["kinds"]), found["kinds"])


def _signers(found: dict[str, Any]) -> TableOf:
    names = sorted({n for counts in found["signers"].values() for n in counts})
    return _crosstab("Clips by signer", "signer", names, found["signers"])


def by_total(counts: dict[str, dict[str, int]]) -> list[str]:
    """The names in counts by split, the most frequent of all splits first."""
    totals: dict[str, int] = {}
    for by_name in counts.values():
        for name, n in by_name.items():
            totals[name] = totals.get(name, 0) + n
    return sorted(totals, key=lambda name: (-totals[name], name))


def _crosstab(title: str, of: str, names: list[str], counts: dict[str, dict[str, int]]) -> TableOf:
    totals = {s: sum(c.values()) for s, c in counts.items() if c}
    rows: list[Row] = [
        (name, *(x for s, total in totals.items()
                 for x in (counts[s].get(name, 0), per_cent(counts[s].get(name, 0), total))))
        for name in names
    ]  # fmt: skip
    return title, (of, *(c for s in totals for c in (s, f"% of {s}"))), rows


def _leakage(found: dict[str, Any]) -> TableOf:
    rows: list[Row] = [
        (s, v["n"], _rounded(v["recall"]), _rounded(v["mean"]),
         v["above_half"], per_cent(v["above_half"], v["n"]), _or_dash(v["equal"]),
         per_cent(v["equal"], v["n"]))
        for s, v in found["leakage"].items()
    ]  # fmt: skip
    columns = ("split", "questions", "of the split", "mean", "above 0.5", "%",
               "equal the sentence", "% equal")  # fmt: skip
    return "Leakage (content recall of the sentence in its question)", columns, rows


def _within(found: dict[str, Any]) -> TableOf:
    rows: list[Row] = [
        (NAMES[what], split, v["n"], v["distinct"], v["repeated"], per_cent(v["repeated"], v["n"]))
        for what, by_split in found["duplicates"].items() for split, v in by_split.items()
    ]  # fmt: skip
    return "Duplicates within splits", ("of", "split", "n", "distinct", "more than once", "%"), rows


def _across(found: dict[str, Any]) -> TableOf:
    rows: list[Row] = [
        (NAMES[what], split, v["n"], other, n, per_cent(n, v["n"]))
        for what, by_split in found["duplicates"].items()
        for split, v in by_split.items() for other, n in v["in"].items()
    ]  # fmt: skip
    return "Duplicates across splits", ("of", "split", "n", "also in", "how many", "%"), rows


def _left_out(found: dict[str, Any]) -> TableOf:
    return "Left out", ("why",), [(reason,) for reason in found["left_out"]]


def findings(found: dict[str, Any]) -> Iterator[str]:
    """What to know before trusting a score on the dataset, one sentence each."""
    for split, v in found["duplicates"].get("sentence", {}).items():
        for other, n in v["in"].items():
            if n and split != "train":
                yield (f"{n:,} of {v['n']:,} {split} clips ({per_cent(n, v['n'])} %) sign a "
                       f"sentence that is also in {other}.")  # fmt: skip
    for split, v in found["leakage"].items():
        yield (f"{per_cent(v['above_half'], v['n'])} % of the {split} questions give away more "
               f"than half of the content {found['unit']} of their sentence.")  # fmt: skip
        if v["equal"]:
            yield f"{v['equal']:,} of the {split} questions are their sentence, word for word."


def _or_dash(value: Any) -> Any:
    return "-" if value is None else value


def _rounded(value: float | None) -> float | str:
    return "-" if value is None else round(value, 3)
