"""Metrics against values worked out by hand and against sacreBLEU itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

from benchmarks.conventions import (
    CONVENTIONS,
    GLOSS,
    LEGACY,
    STANDARD,
    STANDARD_PHOENIX,
    Convention,
    Preparation,
    tokenise_13a,
)
from benchmarks.metrics import ngrams
from benchmarks.metrics.base import Floats, Metric, Tokens, Vocabulary
from benchmarks.metrics.bleu import EXP, NLGEVAL, NONE, Bleu
from benchmarks.metrics.chrf import Chrf
from benchmarks.metrics.novelty import Novelty
from benchmarks.metrics.rouge import RougeL, lcs_length
from benchmarks.metrics.wer import Wer, align
from benchmarks.references import References

BLANKS = Preparation(name="raw;none", normalise=str, tokenise=str.split)
WORDS = st.lists(st.sampled_from(["a", "b", "ab", "regen", "ß", "雨"]), max_size=12).map(" ".join)
PAIRS = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6)


def statistics(
    metric: Metric,
    hypotheses: list[str],
    references: list[str],
    questions: list[str | None] | None = None,
    language: str = "de",
) -> Floats:
    """Statistics of one metric over tokens between blanks."""
    convention = Convention(
        name="test", description="", who="", words=BLANKS, characters=BLANKS, metrics=(metric,)
    )
    found = References(references, language, questions).statistics(hypotheses, [convention])
    return found["test"][0]


def score(metric: Metric, *args: object) -> list[float]:
    """Corpus scores of one metric."""
    return metric.score(statistics(metric, *args).sum(axis=0)).tolist()  # type: ignore[arg-type]


# --- n-grams -------------------------------------------------------------------------------------


@given(PAIRS)
def test_bleu_statistics_are_those_of_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    hyp, ref = [h for h, _ in pairs], [r for _, r in pairs]
    theirs = BLEU(tokenize="none", force=True)._extract_corpus_statistics(hyp, [ref])
    assert statistics(Bleu(), hyp, ref).tolist() == theirs


@given(PAIRS)
def test_chrf_statistics_are_those_of_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    hyp, ref = [h for h, _ in pairs], [r for _, r in pairs]
    theirs = CHRF()._extract_corpus_statistics(hyp, [ref])
    assert statistics(Chrf(), hyp, ref).tolist() == theirs


def random_tokens(rng: np.random.Generator, n: int, kinds: int, longest: int) -> Tokens:
    lengths = rng.integers(0, longest + 1, n)
    return Tokens(rng.integers(0, kinds, lengths.sum()), lengths)


@pytest.mark.parametrize(
    ("n", "kinds", "longest"),
    [
        (9000, 3, 5),  # several blocks
        (50, 40_000, 30),  # numbered again by segment
        (2, 5_000, 4_000),  # too many different tokens in one segment for a packed key
    ],
)
def test_matches_equal_counting_one_by_one(n: int, kinds: int, longest: int) -> None:
    rng = np.random.default_rng(1)
    hyp, ref = (random_tokens(rng, n, kinds, longest) for _ in range(2))
    rows = zip(hyp.rows(), ref.rows(), strict=True)
    expected = [ngrams._matches_of_one(h, r, 6) for h, r in rows]
    assert ngrams.matches(hyp, ref, 6).tolist() == expected


def test_no_tokens_at_all() -> None:
    empty = Tokens(np.array([], np.int64), np.zeros(3, np.int64))
    assert ngrams.matches(empty, empty, 4).tolist() == [[0.0] * 4] * 3


# --- BLEU and chrF -------------------------------------------------------------------------------


@given(PAIRS, st.sampled_from([EXP, NONE]))
def test_bleu_1_to_4_equal_compute_bleu(pairs: list[tuple[str, str]], smoothing: str) -> None:
    hyp, ref = [h for h, _ in pairs], [r for _, r in pairs]
    sums = statistics(Bleu(smoothing), hyp, ref).sum(axis=0)
    ours = Bleu(smoothing).score(sums)
    counts = [int(x) for x in sums]
    for k in range(1, 5):
        for method, value in ((smoothing, None), *([("floor", 0.0)] if smoothing == NONE else [])):
            theirs = BLEU.compute_bleu(
                counts[2 : 2 + k],
                counts[6 : 6 + k],
                *counts[:2],
                method,
                value,
                max_ngram_order=k,
            )
            assert ours[k - 1] == pytest.approx(theirs.score, abs=1e-9)


@given(WORDS.filter(bool), WORDS.filter(bool))
def test_sentence_bleu_equals_sacrebleu(hyp: str, ref: str) -> None:
    ours = Bleu().sentence_scores(statistics(Bleu(), [hyp], [ref]))
    theirs = BLEU(tokenize="none", effective_order=True).sentence_score(hyp, [ref])
    assert ours[0] == pytest.approx(theirs.score, abs=1e-9)


@given(PAIRS)
def test_chrf_equals_sacrebleu(pairs: list[tuple[str, str]]) -> None:
    hyp, ref = [h for h, _ in pairs], [r for _, r in pairs]
    theirs = CHRF().corpus_score(hyp, [ref]).score
    assert score(Chrf(), hyp, ref) == [pytest.approx(theirs, abs=1e-9)]


def test_bleu_by_hand() -> None:
    # 4 of 5 words, 2 of 4 pairs; one word short of the reference
    bleu1, bleu2, bleu3, bleu4 = score(Bleu(NONE), ["a b x c d"], ["a b y c d e"])
    penalty = np.exp(1 - 6 / 5)
    assert bleu1 == pytest.approx(100 * penalty * 4 / 5)
    assert bleu2 == pytest.approx(100 * penalty * np.sqrt(4 / 5 * 2 / 4))
    assert (bleu3, bleu4) == (0, 0)


def test_exp_smoothing_halves_each_missing_order() -> None:
    scores = score(Bleu(EXP), ["a b x c d"], ["a b y c d"])
    product = 4 / 5 * 2 / 4 * (1 / 2 / 3) * (1 / 4 / 2)
    assert scores[3] == pytest.approx(100 * product**0.25)


def test_nlgeval_is_tiny_where_others_are_zero() -> None:
    hyp, ref = ["a x"], ["a b"]
    tiny = score(Bleu(NLGEVAL), hyp, ref)
    assert tiny[0] == pytest.approx(50)
    assert tiny[1] == pytest.approx(100 * np.sqrt(0.5 * 1e-15), rel=1e-6)
    assert score(Bleu(NONE), hyp, ref)[1] == 0


# --- ROUGE-L -------------------------------------------------------------------------------------


@given(st.text("abc", max_size=70), st.text("abcd", max_size=70))
def test_lcs_equals_the_textbook_table(a: str, b: str) -> None:
    row = [0] * (len(b) + 1)
    for x in a:
        above, row = row, [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(above[j + 1], row[j]))
    assert lcs_length(list(map(ord, a)), list(map(ord, b))) == row[-1]


def test_rouge_by_hand() -> None:
    # LCS 2: precision 2/4, recall 2/3
    p, r = 2 / 4, 2 / 3
    [fixed] = score(RougeL(), ["a x b y"], ["a b c"])
    assert fixed == pytest.approx(100 * (1 + 1.44) * p * r / (r + 1.44 * p))
    [free] = score(RougeL(beta_is_p_over_r=True), ["a x b y"], ["a b c"])
    b2 = (p / r) ** 2
    assert free == pytest.approx(100 * (1 + b2) * p * r / (r + b2 * p))


def test_rouge_is_a_mean_over_segments() -> None:
    assert score(RougeL(), ["a", "x y z w"], ["a", "b"]) == [50.0]


def test_rouge_sums_are_exact_in_any_order() -> None:
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(list("abcdef"), 9)) for _ in range(2000)]
    sums = statistics(RougeL(), words[:1000], words[1000:])
    assert (sums.sum(axis=0) == sums[::-1].cumsum(axis=0)[-1]).all()


# --- novel tokens --------------------------------------------------------------------------------


def test_novelty_by_hand() -> None:
    metric = Novelty()
    rows = statistics(
        metric,
        ["wind wind regen morgen", "sonne", "x", "regen"],
        ["wind regen regen morgen", "sonne", "sonne", "regen"],
        ["regnet es morgen", "kommt sonne", "", None],
    )
    # "morgen" is in the question; wind and regen once each are right, one wind too many
    assert rows.tolist() == [[2, 3, 3, 1], [0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]]
    assert metric.score(rows.sum(axis=0)).tolist() == pytest.approx([60.0, 60.0, 60.0])
    assert rows[:, 3].sum() == 3  # the second does not count


def test_copying_the_question_has_no_novel_token() -> None:
    assert score(Novelty(), ["a b"], ["a c"], ["a b"]) == [0, 0, 0]


def test_novelty_of_nothing_is_no_number() -> None:
    assert np.isnan(score(Novelty(), ["x y"], ["a"], ["a"])).all()


def test_content_column_leaves_out_function_words_and_punctuation() -> None:
    args = ["und der wind ."], ["und der regen ."]
    assert score(Novelty(), *args)[2] == pytest.approx(75)
    assert score(Novelty(content=True), *args) == [0, 0, 0]
    zh = STANDARD.metrics.index(Novelty(content=True))
    found = References(["下雨了。"], "zh", ["明天?"]).statistics(["下雪了。"], [STANDARD])
    assert found["standard"][zh].tolist() == [[1, 2, 2, 1]]


def test_a_foreign_language_has_no_function_words() -> None:
    assert score(Novelty(content=True), ["the , rain"], ["the , rain"], None, "en") == [100] * 3


# --- WER -----------------------------------------------------------------------------------------


def test_wer_by_hand() -> None:
    hyp, ref = ["MORGEN REGEN WIND", "A", ""], ["MORGEN SONNE", "A", "B B"]
    # 1 substitution and 1 insertion; right; 2 deletions: of 5 glosses
    assert score(Wer(), hyp, ref) == [80, 20, 20, 40]
    assert score(Wer(), ref, ref) == [0, 0, 0, 0]


def test_wer_counts_what_wer_list_aligns() -> None:
    # plain edit distance is 2 substitutions; 2 x 4 costs more than insertion and deletion, 2 x 3
    assert align([1, 2], [2, 3]) == (0, 1, 1)
    assert align([1], [2]) == (1, 0, 0)


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_wer_alignment_explains_the_lengths(hyp: list[int], ref: list[int]) -> None:
    substitutions, insertions, deletions = align(hyp, ref)
    assert len(hyp) - len(ref) == insertions - deletions
    right = len(ref) - substitutions - deletions
    assert 0 <= right <= lcs_length(hyp, ref)
    assert align(ref, hyp)[0] == substitutions


def test_more_than_255_glosses() -> None:
    assert align([1] * 300, []) == (0, 300, 0)


# --- conventions ---------------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab1 .,-'&;!\n\t\x1céÄ。?\u3000/quot"), max_size=25))
def test_13a_is_that_of_sacrebleu(text: str) -> None:
    assert tokenise_13a(text) == Tokenizer13a()(text.rstrip()).split()


def prepared(convention: Convention, text: str, language: str) -> list[str]:
    vocabulary = Vocabulary()
    ids = convention.preparation(language)([text], vocabulary).pieces.ids
    return [list(vocabulary)[i] for i in ids]


@pytest.mark.parametrize(
    ("convention", "language", "text", "expected"),
    [
        ("standard-phoenix", "de", "Regen, u\u0308ber Nacht .", ["regen", ",", "über", "nacht"]),
        ("standard-phoenix", "de", "es regnet.", ["es", "regnet"]),
        ("standard", "en", "It rains.", ["It", "rains", "."]),
        ("standard", "zh", "今 天 下\u3000雨？", ["今", "天", "下", "雨", "?"]),
        ("signjoey", "de", "es  regnet.", ["es", "", "regnet", "."]),
        ("signjoey", "zh", "今天 下雨？", ["今", "天", "下", "雨", "？"]),
        ("twostream", "zh", "今 天", ["今", "", "", "天"]),
        ("gfslt", "de", "es regnet .", ["es", "regnet"]),
        ("gbt", "de", "es regnet", ["es", "regnet"]),
        ("sltbaselines", "de", "es regnet", ["es", "regnet", "."]),
        ("gloss", "de", " REGEN  WIND ", ["REGEN", "WIND"]),
    ],
)
def test_preparation(convention: str, language: str, text: str, expected: list[str]) -> None:
    assert prepared(CONVENTIONS[convention], text, language) == expected


@pytest.mark.parametrize("convention", CONVENTIONS.values(), ids=lambda c: c.name)
@pytest.mark.parametrize("language", ["de", "zh"])
def test_empty_predictions_and_references_have_finite_scores(
    convention: Convention, language: str
) -> None:
    texts = ["heute regnet es im norden", "morgen scheint wieder die sonne", ""]
    for system in (texts, ["", "", ""], ["", "", "regen"]):
        found = References(texts, language).statistics(system, [convention])[convention.name]
        for metric, rows in zip(convention.metrics, found, strict=True):
            assert rows.shape[0] == 3
            assert np.isfinite(metric.score(rows.sum(axis=0))).all()


def test_an_empty_system_gets_nothing_but_the_dot() -> None:
    texts = ["heute regnet es im norden", "morgen scheint wieder die sonne"]
    found = References(texts, "de").statistics(["", ""], [STANDARD, *LEGACY])
    for name in ("standard", "gfslt", "gbt"):
        assert CONVENTIONS[name].metrics[0].score(found[name][0].sum(axis=0))[0] < 1e-6
    for name in ("signjoey", "sltbaselines", "twostream"):
        assert found[name][0][:, 2].tolist() == [1, 1]


@pytest.mark.parametrize("convention", [STANDARD_PHOENIX, STANDARD, *LEGACY], ids=lambda c: c.name)
def test_reference_scores_100(convention: Convention) -> None:
    texts = ["heute regnet es im norden", "morgen scheint wieder die sonne"]
    found = References(texts, "de", ["wo?", None]).statistics(texts, [convention])
    for metric, rows in zip(convention.metrics, found[convention.name], strict=True):
        assert metric.score(rows.sum(axis=0)) == pytest.approx(100, abs=1e-6)


def test_sharing_statistics_changes_no_score() -> None:
    texts = ["es regnet im norden .", "sonne  und wolken", "wind"]
    system = ["es regnet im süden .", "sonne und  wolken", "starker wind ."]
    together = References(texts, "de").statistics(system, LEGACY)
    for convention in LEGACY:
        alone = References(texts, "de").statistics(system, [convention])[convention.name]
        for metric, a, b in zip(convention.metrics, together[convention.name], alone, strict=True):
            assert metric.score(a.sum(axis=0)).tolist() == metric.score(b.sum(axis=0)).tolist()


def test_scores_of_many_sums_at_once() -> None:
    texts = ["a b c d e", "b c d e f", "c d"]
    for metric in (*STANDARD.metrics, *GLOSS.metrics):
        rows = statistics(metric, ["a b c", "b c d e f", "x"], texts)
        stacked = metric.score(np.stack([rows, rows[::-1]]))
        assert stacked.shape == (2, 3, len(metric.names))
        assert stacked[0, 1] == pytest.approx(metric.score(rows[1]), nan_ok=True)


def test_counts_must_agree() -> None:
    with pytest.raises(ValueError, match="1 hypotheses for 2 references"):
        References(["a", "b"], "de").statistics(["a"], [STANDARD])


def test_signatures_tell_conventions_apart() -> None:
    signatures = {c.signature(m, "de") for c in CONVENTIONS.values() for m in c.metrics}
    assert len(signatures) == sum(len(c.metrics) for c in CONVENTIONS.values())
    assert (
        STANDARD_PHOENIX.signature(Bleu(), "de")
        == "bleu|smooth:exp|nrefs:1|text:nfc,lower,no-stop|tok:13a|conv:standard-phoenix"
    )
