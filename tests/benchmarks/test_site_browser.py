"""The site in a real browser: it sorts and filters, fits the screen, and asks nobody anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from toy_submissions import toy_submissions

from benchmarks.cli import main

CHROMIUM = Path("/usr/bin/chromium")
PAGE = "toy-phoenix-qa.html"
HOSTILE_PAGE = "systems/toy-phoenix-qa-script-alert-1-script.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium fonts-noto-cjk")
    with sync_api.sync_playwright() as playwright:
        # In a container, root has no user namespaces for the sandbox.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, toy_phoenix: Path, toy_csl: Path) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    root = toy_submissions(folder / "submissions", toy_phoenix)
    result = CliRunner().invoke(
        main,
        ["leaderboard", "build", str(root), "--out", str(folder / "site"), "--resamples", "100",
         "--data", str(toy_phoenix), "--data", str(toy_csl), "--with-examples"],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    return folder / "site"


class Seen:
    """A page that is open, and what it did that it should not."""

    def __init__(self, browser: Any, site: Path, **context: Any) -> None:
        self.site, self.page = site, browser.new_context(**context).new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("dialog", lambda d: (self.complaints.append("dialog"), d.dismiss()))
        self.page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(f"asked {request.url}")

    def open(self, name: str) -> Any:
        self.page.goto((self.site / name).as_uri())
        return self.page


@pytest.fixture
def seen(browser: Any, site: Path) -> Iterator[Seen]:
    found = Seen(browser, site, viewport={"width": 1280, "height": 900})
    yield found
    found.page.context.close()


def names(page: Any, table: int = 0) -> list[str]:
    rows = page.locator("table.sortable").nth(table).locator("tbody tr:visible th a")
    return [str(text) for text in rows.all_inner_texts()]


def test_no_page_complains_or_asks_another_host(seen: Seen) -> None:
    pages = sorted(p.relative_to(seen.site) for p in seen.site.rglob("*.html"))
    assert len(pages) > 15
    for name in pages:
        seen.open(str(name))
    assert seen.complaints == []


def test_hostile_names_are_text(seen: Seen) -> None:
    page = seen.open(HOSTILE_PAGE)
    assert page.locator("h1").inner_text() == "<script>alert(1)</script>"
    assert page.locator("img").count() == 0
    assert page.locator("a[href^=javascript]").count() == 0
    page = seen.open(PAGE)
    assert "<script>alert(1)</script>" in names(page)
    assert seen.complaints == []


def test_a_script_that_slips_in_does_not_run(seen: Seen) -> None:
    page = seen.open(PAGE)
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'owned'";
        document.body.append(script);
    }""")
    assert page.title() != "owned"
    assert any("Content Security Policy" in c for c in seen.complaints)


def test_a_click_sorts_and_another_one_turns(seen: Seen) -> None:
    page = seen.open(PAGE)
    assert names(page)[0] == "reference"
    head = page.locator("table.sortable th", has_text="BLEU-4").first
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    values = [
        float(v) for v in page.locator("table.sortable").first.locator("td.lead").evaluate_all(
            "cells => cells.map(c => c.dataset.sort)")
    ]  # fmt: skip
    assert values == sorted(values) and len(set(values)) > 5
    page.locator("table.sortable th button", has_text="rank").first.click()
    assert names(page)[0] == "Good"
    system = page.locator("table.sortable th button", has_text="system").first
    system.focus()
    page.keyboard.press("Enter")
    by_name = names(page)
    assert by_name.index("copy-question") < by_name.index("Good") < by_name.index("most-frequent")


def test_typing_filters_tables_and_chart(seen: Seen) -> None:
    page = seen.open(PAGE)
    everybody = len(names(page))
    page.fill("#filter", "three SEEDS")
    assert names(page) == ["Three seeds"]
    assert page.locator(".chart li:visible").count() == 1
    assert page.locator(".none:visible").count() == 1  # the other track has none
    page.fill("#filter", "")
    page.uncheck("input[data-hides]")
    assert set(names(page)) == {"Good", "Three seeds", "<script>alert(1)</script>", "=1+1"}
    page.check("input[data-hides]")
    assert len(names(page)) == everybody == 10


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_is_wider_than_the_screen(browser: Any, site: Path, width: int) -> None:
    seen = Seen(browser, site, viewport={"width": width, "height": 800})
    for name in ("index.html", PAGE, "reported.html", HOSTILE_PAGE,
                 "systems/toy-phoenix-qa-good.html"):  # fmt: skip
        page = seen.open(name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    seen.page.context.close()


def test_tables_beside_each_other_are_not_cut_on_a_wide_screen(browser: Any, site: Path) -> None:
    seen = Seen(browser, site, viewport={"width": 1280, "height": 800})
    page = seen.open("systems/toy-phoenix-qa-good.html")
    tables = "[...document.querySelectorAll('.columns .scroll')]"
    hidden = page.evaluate(f"{tables}.map(e => e.scrollWidth - e.clientWidth)")
    assert set(hidden) == {0}
    seen.page.context.close()


def test_light_and_dark(browser: Any, site: Path) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        seen = Seen(browser, site, color_scheme=scheme)
        style = seen.open("index.html").evaluate(
            "(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))"
        )
        shades[scheme] = [sum(int(n) for n in c[4:-1].split(",")) for c in style]
        seen.page.context.close()
    paper, ink = shades["light"]
    assert paper > 700 and ink < 100
    paper, ink = shades["dark"]
    assert paper < 100 and ink > 600


def test_chinese_and_german_are_marked_and_drawn(seen: Seen) -> None:
    page = seen.open("systems/toy-csl-daily-qa-copy-question.html")
    chinese = page.locator('dd[lang="zh"]').first
    assert any("\u4e00" <= c <= "\u9fff" for c in chinese.inner_text())
    # A box for a missing glyph would be as wide for each character.
    widths = page.evaluate("""() => {
        const pen = document.createElement("canvas").getContext("2d");
        pen.font = "40px " + getComputedStyle(document.querySelector("[lang=zh]")).fontFamily;
        const drawn = (c) => {
            pen.clearRect(0, 0, 80, 80); pen.fillText(c, 10, 50);
            return pen.getImageData(0, 0, 80, 80).data.join();
        };
        return [drawn("手") !== drawn("语"), drawn("手") !== drawn("\\u{10FFFD}")];
    }""")
    assert widths == [True, True], "no Chinese font: apt-get install fonts-noto-cjk"
    page = seen.open("systems/toy-phoenix-qa-good.html")
    assert page.locator('dd[lang="de"]').count() >= 10


def test_bars_are_as_long_as_their_scores(seen: Seen) -> None:
    page = seen.open(PAGE)
    bars = page.locator(".chart li").evaluate_all("""items => items.map(li => [
        Number(li.querySelector(".figure b").textContent),
        li.querySelector("rect.fill").getBoundingClientRect().width])""")
    scale = {round(width / value, 1) for value, width in bars if value > 5}
    assert len(bars) > 8 and len(scale) == 1
    rules = page.locator(".chart line.rule").evaluate_all(
        "lines => lines.map(l => Math.round(l.getBoundingClientRect().x))"
    )
    assert len(set(rules)) == 1 and len(rules) == len(bars)


def test_links_lead_to_pages(seen: Seen) -> None:
    page = seen.open("index.html")
    page.locator("h2 a").first.click()
    page.locator("table.sortable tbody th a", has_text="Three seeds").click()
    assert page.locator("h1").inner_text() == "Three seeds"
    page.locator("main a").first.click()
    assert page.url.endswith(".html") and page.locator("table.sortable").count() == 2
    assert seen.complaints == []
