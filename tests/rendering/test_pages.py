"""The pages in a real browser."""

from __future__ import annotations

import base64
import csv
import io
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered import needs
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

pytestmark = needs("chromium")
SHOTS = os.environ.get("TSHARNESS_SCREENSHOTS")
"""A folder for pictures, if somebody wants to look."""


def _browser(*more: str, script: bool = True) -> webdriver.Chrome:
    options = Options()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", *more):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not script:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    driver = _browser()
    yield driver
    driver.quit()


def _open(driver: webdriver.Chrome, page: Path, width: int = 1200, dark: bool = False) -> None:
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    driver.get(page.as_uri())


def _shoot(driver: webdriver.Chrome, name: str) -> None:
    if SHOTS:
        shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(SHOTS, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))


PAGES = ["fail", "everything", "history"]


@pytest.mark.parametrize("name", PAGES)
def test_it_shows_without_an_error(browser: webdriver.Chrome, rendered: Path, name: str) -> None:
    _open(browser, rendered / f"{name}.html")
    assert browser.get_log("browser") == []
    charts = browser.find_elements(By.CSS_SELECTOR, "figure svg")
    assert charts and all(chart.size["height"] > 50 and chart.size["width"] > 200 for chart in charts)
    assert all(chart.get_attribute("aria-label") for chart in charts)
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    _shoot(browser, f"{name}-light")


def test_an_error_would_be_seen(browser: webdriver.Chrome, rendered: Path, tmp_path: Path) -> None:
    text = (rendered / "fail.html").read_text()
    (tmp_path / "wrong.html").write_text(text.replace("themeButton();", "noSuchFunction();", 1))
    _open(browser, tmp_path / "wrong.html")
    assert browser.get_log("browser")


@pytest.mark.parametrize("width", [320, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_it_fits(browser: webdriver.Chrome, rendered: Path, name: str, width: int) -> None:
    """Nothing but tables may be wider than the window, and these scroll by themselves."""
    _open(browser, rendered / f"{name}.html", width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    if width == 320:
        _shoot(browser, f"{name}-narrow")


_CONTRAST = """
const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
const light = (c) => {
  const linear = (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const [r, g, b] = c.slice(0, 3).map((v) => linear(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const color = rgb(getComputedStyle(one).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
const worst = [];
for (const one of document.querySelectorAll("main *")) {
  const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own || one.closest("svg") || !one.checkVisibility()) continue;
  const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) worst.push([ratio.toFixed(2), one.tagName, one.className, one.textContent.trim()]);
}
return worst;
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("name", PAGES)
def test_contrast_is_enough(browser: webdriver.Chrome, rendered: Path, name: str, dark: bool) -> None:
    """At least 4.5 to 1, as WCAG 2.2 asks for at level AA."""
    _open(browser, rendered / f"{name}.html", dark=dark)
    paper = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert ("255, 255, 255" in paper) is not dark
    assert browser.execute_script(_CONTRAST) == []
    if dark:
        _shoot(browser, f"{name}-dark")


def test_the_button_changes_the_colours(browser: webdriver.Chrome, rendered: Path) -> None:
    _open(browser, rendered / "fail.html")
    body = browser.find_element(By.TAG_NAME, "body")
    before = body.value_of_css_property("background-color")
    browser.find_element(By.CSS_SELECTOR, "button.theme").click()
    assert body.value_of_css_property("background-color") != before


def test_links_lead_somewhere(browser: webdriver.Chrome, rendered: Path) -> None:
    _open(browser, rendered / "everything.html")
    links = browser.find_elements(By.CSS_SELECTOR, "a[href^='#']")
    assert len(links) > 5
    for link in links:
        target = (link.get_attribute("href") or "").rpartition("#")[2]
        assert browser.find_elements(By.ID, target), target


def test_numbers_can_be_downloaded(browser: webdriver.Chrome, rendered: Path) -> None:
    _open(browser, rendered / "fail.html")
    links = {
        link.get_attribute("download"): link for link in browser.find_elements(By.CSS_SELECTOR, "a[download]")
    }
    text = base64.b64decode((links["report.json"].get_attribute("href") or "").partition(",")[2]).decode()
    assert json.loads(text) == json.loads((rendered / "fail.json").read_text())
    table = base64.b64decode((links["outputs.csv"].get_attribute("href") or "").partition(",")[2]).decode()
    rows = list(csv.DictReader(io.StringIO(table)))
    assert {row["verdict"] for row in rows} == {"pass", "fail"}


def test_tables_sort(browser: webdriver.Chrome, rendered: Path) -> None:
    _open(browser, rendered / "fail.html")
    table = browser.find_elements(By.CSS_SELECTOR, "table.sortable")[0]
    for _ in range(2):
        next(b for b in table.find_elements(By.TAG_NAME, "button") if b.text == "max abs").click()
    cells = [
        row.find_elements(By.TAG_NAME, "td")[3].text
        for row in table.find_elements(By.CSS_SELECTOR, "tbody tr")
    ]
    values = [float(cell) for cell in cells]
    assert values == sorted(values, reverse=True) and values[0] > values[-1]


def test_everything_is_there_without_javascript(rendered: Path) -> None:
    driver = _browser(script=False)
    try:
        driver.get((rendered / "fail.html").as_uri())
        assert not driver.find_elements(By.CSS_SELECTOR, "button")
        text = driver.find_element(By.TAG_NAME, "main").text
        assert "FAIL" in text and 'case "condition=False"' in text and "TS203" in text
        assert driver.find_elements(By.CSS_SELECTOR, "figure svg")
    finally:
        driver.quit()


def test_it_prints(browser: webdriver.Chrome, rendered: Path) -> None:
    _open(browser, rendered / "fail.html")
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20_000


def test_headings_do_not_skip_a_level(browser: webdriver.Chrome, rendered: Path) -> None:
    for name in PAGES:
        _open(browser, rendered / f"{name}.html")
        levels = [int(one.tag_name[1]) for one in browser.find_elements(By.CSS_SELECTOR, "h1, h2, h3, h4")]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
