"""A report in a browser: it sorts and filters, says nothing, asks for nothing, and fits phone and paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageStat
from stored_cells import ONE_WRONG, PERFECT, add, with_wrong_reals

from forenbench.records.store import Store
from forenbench.report.contents import Wishes
from forenbench.report.page import write
from forenbench.report.thumbnails import Thumbnails

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")

HOSTILE = "<script>alert(1)</script>"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five detectors, one of them blank on one of 20 generators, the first of which has a hostile name."""
    folder = tmp_path_factory.mktemp("browser")
    store = Store(folder / "run")
    for place, testset in enumerate([HOSTILE, *(f"generator-number-{number}" for number in range(2, 21))]):
        for detector, scores in (("perfect", PERFECT), ("half", ONE_WRONG)):
            add(store, detector, testset, scores, place=place)
        for wrong in (1, 10):
            labels, made = with_wrong_reals(wrong)
            add(store, f"wrong-{wrong}", testset, made, labels, place=place, digest="of 20")
        if place:
            add(store, "partial", testset, PERFECT, place=place)
    write([store], folder / "report.html", Wishes(Thumbnails({}, {})))
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(
    request: pytest.FixtureRequest, browser: playwright.Browser, report: Path
) -> Iterator[playwright.Page]:
    """The report, opened; whatever it says or asks for fails the test."""
    opened = browser.new_page(viewport=request.param)
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    opened.on("request", lambda asked: said.append(asked.url) if not asked.url.startswith("data:") else None)
    opened.goto(report.as_uri())
    yield opened
    opened.close()
    assert said == [report.as_uri()]


def column(page: playwright.Page, number: int) -> list[str]:
    return [
        cell.inner_text()
        for cell in page.locator(f"#heat tbody tr:not([hidden]) > :nth-child({number})").all()
    ]


def test_a_click_sorts_best_first_then_worst_first_with_blanks_last(page: playwright.Page) -> None:
    button = page.locator("#heat thead button").nth(1)
    button.click()
    assert column(page, 2) == ["100.0", "90.0", "75.0", "0.0", ""]
    assert column(page, 1) == ["perfect", "wrong-1", "half", "wrong-10", "partial"]
    button.click()
    assert column(page, 2) == ["0.0", "75.0", "90.0", "100.0", ""]
    assert page.locator("#heat thead th").nth(1).get_attribute("aria-sort") == "ascending"


def test_names_sort_by_letters_and_numbers(page: playwright.Page) -> None:
    page.locator("#heat thead button").first.click()
    assert column(page, 1) == ["half", "partial", "perfect", "wrong-1", "wrong-10"]


def test_words_filter_rows_and_only_of_their_table(page: playwright.Page) -> None:
    field = page.locator("#heat input")
    field.fill("WRONG 1")
    assert column(page, 1) == ["wrong-1", "wrong-10"]
    assert page.locator("#heat .count").inner_text() == "2 of 5 rows"
    assert page.locator("#leaderboard tbody tr:not([hidden])").count() == 5
    field.fill("")
    assert len(column(page, 1)) == 5


def test_a_hostile_name_is_shown_as_it_is(page: playwright.Page) -> None:
    assert page.locator("#heat thead button").nth(1).inner_text() == HOSTILE


def test_only_tables_are_wider_than_the_screen(page: playwright.Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    box = page.locator("#heat .scroll")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    name = page.locator("#heat tbody th").first
    before = name.bounding_box()
    box.evaluate("box => box.scrollLeft = 300")
    assert before is not None
    assert name.bounding_box()["x"] == pytest.approx(before["x"], abs=2)


def test_no_text_is_small_and_the_means_stand_beside_the_name(page: playwright.Page) -> None:
    sizes = page.evaluate(
        """[...document.querySelectorAll("body *")]
        .filter(one => [...one.childNodes].some(child => child.nodeType === 3 && child.data.trim()))
        .filter(one => one.offsetParent !== null)
        .map(one => parseFloat(getComputedStyle(one).fontSize))"""
    )
    assert min(sizes) >= 12
    names = page.locator("#leaderboard thead th").evaluate_all(
        "every => every.filter(one => one.offsetParent).map(one => [one.innerText.trim(), one.offsetLeft + "
        "one.offsetWidth])"
    )
    shown = ["detector", "acc", "ap", "auroc"] if page.viewport_size == PHONE else ["detector", "rank"]
    assert [name for name, _ in names][: len(shown)] == shown
    assert names[len(shown) - 1][1] <= page.viewport_size["width"]


def test_what_a_phone_leaves_out_of_the_columns_stands_below_the_name(page: playwright.Page) -> None:
    name = page.locator("#cells tbody th").first
    told = name.evaluate("one => getComputedStyle(one, '::after').content")
    assert (HOSTILE in told) == (page.viewport_size == PHONE)


def luminance(page: playwright.Page, place: str, folder: Path) -> float:
    page.locator(place).first.screenshot(path=folder / "shot.png")
    with Image.open(folder / "shot.png") as shot:
        return float(ImageStat.Stat(shot.convert("L")).median[0])


def test_a_dark_page_is_dark_and_shades_stay_readable(
    browser: playwright.Browser, report: Path, tmp_path: Path
) -> None:
    page = browser.new_page(viewport=DESK, color_scheme="dark")
    page.goto(report.as_uri())
    places = ("header", "#leaderboard tbody th", ".chart img")
    assert max(luminance(page, place, tmp_path) for place in places) < 60
    shaded = page.locator("#heat tbody td[style]").first
    assert shaded.evaluate("one => getComputedStyle(one).color") == "rgb(29, 29, 31)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.close()


def test_the_glossary_is_folded_on_a_phone_and_only_there(page: playwright.Page) -> None:
    glossary = page.locator("details.folded")
    assert glossary.evaluate("one => one.open") == (page.viewport_size == DESK)
    glossary.locator("summary").click()
    assert glossary.locator("dl").is_visible() == (page.viewport_size == PHONE)


def test_pictures_are_drawn(page: playwright.Page, tmp_path: Path) -> None:
    sizes = page.locator(".chart img").evaluate_all("every => every.map(one => one.naturalWidth)")
    assert len(sizes) == 4
    assert min(sizes) > 100
    page.locator(".chart img").first.screenshot(path=tmp_path / "chart.png")
    with Image.open(tmp_path / "chart.png") as shot:
        assert max(ImageStat.Stat(shot.convert("RGB")).stddev) > 10


def test_paper_holds_the_whole_of_every_table(
    browser: playwright.Browser, report: Path, tmp_path: Path
) -> None:
    page = browser.new_page(viewport=DESK)
    page.goto(report.as_uri())
    page.emulate_media(media="print")
    boxes = page.locator(".scroll").evaluate_all(
        "every => every.map(one => getComputedStyle(one).overflow + getComputedStyle(one).maxHeight)"
    )
    assert set(boxes) == {"visiblenone"}
    assert page.locator("input").first.is_hidden()
    heads = page.locator("thead button").evaluate_all(
        "every => every.map(one => getComputedStyle(one).display)"
    )
    assert set(heads) == {"contents"}  # the text of a box would not be repeated on a table's second page
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    page.close()
    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") >= 3


def test_all_is_there_without_the_script(browser: playwright.Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#heat tbody tr").count() == 5
    assert page.locator("#heat thead button").count() == 0
    assert page.locator("input").count() == 0
    context.close()
