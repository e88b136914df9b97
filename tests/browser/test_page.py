"""What people see and do."""

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from datalake_operator.web import words
from tests.browser.conftest import Opener
from tests.support import lake
from tests.support.lake import at, put
from tests.support.scenes import troubled


def cell(page: Page, source: str, destination: str) -> Locator:
    return page.locator(f'.grid [data-key="lake|{source}|{destination}"]')


async def colour(where: Locator) -> str:
    found: str = await where.evaluate("one => getComputedStyle(one).backgroundColor")
    return found


async def focused(page: Page) -> str | None:
    found: str | None = await page.evaluate("document.activeElement.getAttribute('data-key')")
    return found


async def test_colour_symbol_and_word_of_each_cell_are_those_of_its_state(window: Opener) -> None:
    page = await (await window(troubled())).look()
    drawn: list[dict[str, Any]] = await page.evaluate(
        """() => [...document.querySelectorAll('.grid td[tabindex]')].map(cell => ({
            key: cell.dataset.key, label: cell.getAttribute('aria-label'),
            parts: [...cell.querySelectorAll('.part')].map(part => [
              part.dataset.state, part.textContent, getComputedStyle(part).backgroundColor])}))"""
    )
    legend = {state: await colour(page.locator(f'#legend [data-state="{state}"]')) for state in words.STATES}
    assert len(set(legend.values())) == len(legend)
    status: dict[str, dict[str, str]] = {}
    for one in troubled()[0]["status"]["cells"]:
        if "destination" in one:
            status.setdefault(f"lake|{one['source']}|{one['destination']}", {})[one["protocol"]] = one["state"]
    assert {one["key"] for one in drawn} == set(status)
    for one in drawn:
        wanted = [status[one["key"]][protocol] for protocol in sorted(status[one["key"]])]
        assert [state for state, _, _ in one["parts"]] == wanted
        for state, text, back in one["parts"]:
            assert text.startswith(words.STATES[state].symbol)
            assert back == legend[state]
            assert words.STATES[state].word in one["label"]


async def test_the_failing_endpoint_is_blamed_on_its_headers_and_nobody_else(window: Opener) -> None:
    page = await (await window(troubled())).look()
    blamed = page.locator('.grid th[data-state="critical"]')
    await expect(blamed).to_have_count(2)
    for header in await blamed.all():
        assert re.search(r"^✕ PIC-02", await header.inner_text())
        assert "critical, refuses connections since" in (await header.get_attribute("aria-label") or "")
        assert await colour(header) == await colour(page.locator('#legend [data-state="critical"]'))
    await expect(page.locator("h1")).to_contain_text("2 endpoints broken: PIC-02, refuses connections since")
    assert await page.title() == "\u2715 4 problems \u2013 Data lake"


async def test_a_cell_opens_everything_that_is_known_of_it(window: Opener) -> None:
    page = await (await window(troubled())).look()
    await cell(page, "CERN-01", "DESY-03").click()
    panel = page.locator("#panel")
    await expect(panel.locator("h2")).to_have_text("CERN-01 → DESY-03")
    davs = panel.locator(".check").first
    await expect(davs).to_contain_text("The copy failed; both ends work.")
    await expect(davs).to_contain_text(re.compile(r"critical since \d\d:\d\d, 1 h 3[456] min ago"))
    await expect(davs.locator(".run")).to_have_count(20)
    await expect(davs.locator(".run").last).to_have_attribute(
        "aria-label", re.compile(r"^\d\d:\d\d, failed, fails to copy although both ends work$")
    )
    await expect(davs).to_contain_text("Good runs: warning below 90%")
    root = panel.locator(".check").nth(1)
    await expect(root.locator(".pairs")).to_contain_text("throughput118 MB/s")
    await expect(root.locator("pre").nth(1)).to_have_text(
        re.compile(r"^xrdcp -f --tpc only root://cern-01\S+ root://desy-03\S+$")
    )
    await expect(cell(page, "CERN-01", "DESY-03")).to_have_attribute("aria-selected", "true")


async def test_a_header_opens_the_endpoint(window: Opener) -> None:
    page = await (await window(troubled())).look()
    await page.locator(".grid tbody th").filter(has_text="PIC-02").click()
    await expect(page.locator("#panel")).to_contain_text("blamed as a source and a destination by probe mesh")
    await expect(page.locator("#panel")).to_contain_text("Nothing listens on its port.")
    await expect(page.locator("#panel .tally").first).to_contain_text("14 skipped")


async def test_a_problem_leads_to_its_details_or_to_its_card(window: Opener) -> None:
    page = await (await window(troubled())).look()
    await page.get_by_role("button", name="IDIA-09 has no space left").click()
    await expect(page.locator("#panel h2")).to_have_text("IDIA-09")
    await page.get_by_role("button", name="cache edge not ready").click()
    await expect(page.locator('[data-name="cache lake/edge"]')).to_be_focused()


async def test_filters_and_what_is_open_survive_a_reload(window: Opener) -> None:
    one = await window(troubled())
    page = await one.look()
    await page.get_by_label("All sites").select_option("CERN")
    await page.get_by_label("All protocols").select_option("davs")
    await page.get_by_role("button", name="critical").first.click()
    await page.get_by_role("searchbox").fill("desy")
    await cell(page, "CERN-01", "DESY-03").click()

    async def seen() -> None:
        await expect(page.locator(".grid td[tabindex]")).to_have_count(1)
        await expect(page.locator(".grid .part")).to_have_count(1)
        await expect(page.get_by_label("All sites")).to_have_value("CERN")
        await expect(page.get_by_role("searchbox")).to_have_value("desy")
        await expect(page.locator('.states [aria-pressed="true"]')).to_have_count(1)
        await expect(page.locator("#panel h2")).to_have_text("CERN-01 → DESY-03")

    await seen()
    address = page.url
    await page.reload()
    await seen()
    assert page.url == address
    await page.get_by_role("button", name="Show all").click()
    await expect(page.locator(".grid td[tabindex]")).to_have_count(56)


async def test_nothing_fits(window: Opener) -> None:
    page = await (await window(troubled())).look("?q=mars")
    await expect(page.locator("#nothing")).to_have_text("Nothing fits these filters.")


async def test_all_can_be_done_with_the_keyboard(window: Opener) -> None:
    page = await (await window(troubled())).look()
    press = page.keyboard.press
    await press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    for _ in range(30):
        await press("Tab")
        if await focused(page) == "lake|CERN-01|CNAF-06":
            break
    assert await focused(page) == "lake|CERN-01|CNAF-06"
    await press("ArrowRight")
    assert await focused(page) == "lake|CERN-01|DESY-03"
    await press("ArrowDown")
    assert await focused(page) == "lake|CNAF-06|DESY-03"
    await press("ArrowDown")
    assert await focused(page) == "lake|IN2P3-07|DESY-03", "over the diagonal"
    await press("Home")
    assert await focused(page) == "lake|IN2P3-07"
    await press("ArrowUp")
    assert await focused(page) == "lake|DESY-03"
    await press("Control+End")
    assert await focused(page) == "lake|SARA-04|RAL-08"
    await press("Enter")
    await expect(page.locator("#panel-title")).to_be_focused()
    await expect(page.locator("#panel")).to_contain_text("It works, but much too slowly.")
    await press("Escape")
    await expect(page.locator("#panel")).to_be_hidden()
    assert await focused(page) == "lake|SARA-04|RAL-08"
    for _ in range(4):
        await press("Tab")
        if (await focused(page) or "").startswith("card "):
            break
    first = await focused(page)
    await press("ArrowDown")
    assert (await focused(page) or "").startswith("card ")
    await press("ArrowUp")
    assert await focused(page) == first
    await press("Enter")
    await expect(page.locator("#panel-title")).to_have_text(str(first).split("|")[1])


async def test_it_fits_a_phone(window: Opener) -> None:
    for scene in (troubled(), [lake.mesh(count=40, broken="PIC-02")]):
        page = await (await window(scene, viewport={"width": 390, "height": 844}, has_touch=True)).look()
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.locator(".problems button").first.tap()
        await expect(page.locator("#panel h2")).to_have_text("PIC-02")
        box = await page.locator("#panel").bounding_box()
        assert box is not None
        assert (box["x"], box["width"]) == (0, 390)
        await page.get_by_role("button", name="Close details").tap()
        await expect(page.locator("#panel")).to_be_hidden()


async def test_light_and_dark_follow_the_system_until_somebody_chooses(window: Opener) -> None:
    page = await (await window(troubled(), color_scheme="dark")).look()
    dark = await colour(page.locator("body"))
    await page.emulate_media(color_scheme="light")
    light = await colour(page.locator("body"))
    assert dark != light
    await page.get_by_role("button", name="Theme: auto").click()
    await page.get_by_role("button", name="Theme: light").click()
    assert await colour(page.locator("body")) == dark
    await page.reload()
    await expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    assert await colour(page.locator("body")) == dark


async def test_what_is_new_is_drawn_without_losing_the_place(window: Opener) -> None:
    mesh = lake.mesh(count=40, broken="PIC-02")
    one = await window([mesh], viewport={"width": 900, "height": 700})
    await one.page.clock.install()
    page = await one.look()
    await cell(page, "LAPP-29", "DESY-11").click()
    await expect(page.locator("#panel h2")).to_have_text("LAPP-29 → DESY-11")
    await page.keyboard.press("Escape")
    await page.keyboard.press("ArrowDown")
    place = """() => { const at = document.querySelector('.scroll');
      return [at.scrollTop, at.scrollLeft, Math.round(document.activeElement.getBoundingClientRect().top)]; }"""
    before = await page.evaluate(place), await focused(page)
    put(mesh, "LAPP-29", "DESY-11", "root", state="critical", reason="Timeout", since=at(0))
    one.change(mesh)
    await page.clock.fast_forward(15_000)
    await expect(cell(page, "LAPP-29", "DESY-11").locator('[data-state="critical"]')).to_have_count(1)
    assert (await page.evaluate(place), await focused(page)) == before
    mesh["status"]["endpoints"] = []
    one.change(mesh)
    await page.clock.fast_forward(15_000)
    await expect(page.locator(".grid th[data-state]")).to_have_count(0)
    assert (await page.evaluate(place), await focused(page)) == before, "though the headers are new"


async def test_what_is_open_is_kept_up_to_date(window: Opener) -> None:
    one = await window(troubled())
    await one.page.clock.install()
    page = await one.look("?open=lake%7CCERN-01%7CDESY-03")
    await expect(page.locator("#panel .sentence").first).to_have_text("The copy failed; both ends work.")
    put(one.lake[0], "CERN-01", "DESY-03", "davs", state="ok", reason=None)
    one.change(one.lake[0])
    await page.clock.fast_forward(15_000)
    await expect(page.locator("#panel .sentence").first).to_have_text("Works.")


async def test_an_operator_that_does_not_answer_is_told_and_what_is_seen_is_called_old(window: Opener) -> None:
    one = await window(troubled())
    await one.page.clock.install()
    page = await one.look()
    await page.route("**/api/v1/**", lambda route: route.abort())
    await page.clock.fast_forward(15_000)
    await expect(page.get_by_role("alert")).to_have_text(
        re.compile(r"^The operator has not answered since \d\d:\d\d\. What you see is from then\.$")
    )
    await page.unroute("**/api/v1/**")
    await page.clock.fast_forward(15_000)
    await expect(page.get_by_role("alert")).to_be_hidden()
    assert all("ERR_FAILED" in said for said in one.complaints)
    one.complaints.clear()


async def test_results_that_nobody_has_judged_again_are_called_old(window: Opener) -> None:
    mesh = lake.mesh(status={"lastRun": {"completionTime": at(120), "startTime": at(121), "id": "r"}})
    page = await (await window([mesh])).look()
    await expect(page.get_by_role("alert")).to_contain_text("Old results: mesh should have run since")
    fresh = await (await window([lake.mesh()])).look()
    await expect(fresh.get_by_role("alert")).to_be_hidden()


async def test_an_empty_lake_says_how_to_begin(window: Opener) -> None:
    page = await (await window([])).look()
    await expect(page.locator("h1")).to_contain_text("Nothing is watched yet")
    await expect(page.locator("#nothing")).to_contain_text("Make a QoSProbe")


async def test_without_scripts_the_sentence_and_what_is_wrong_are_still_told(window: Opener) -> None:
    one = await window(troubled(), java_script_enabled=False)
    await one.page.goto(one.address)
    await expect(one.page.locator("h1")).to_contain_text("2 endpoints broken")
    await expect(one.page.locator("noscript li").first).to_contain_text("critical: PIC-02 refuses connections")
