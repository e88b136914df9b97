"""Nothing that somebody else wrote is more than text, and everybody can use the page."""

from collections.abc import Callable

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import expect

from tests.browser.conftest import Opener
from tests.support import lake
from tests.support.lake import Body
from tests.support.scenes import hostile, troubled


async def test_html_in_every_string_is_shown_as_text(window: Opener) -> None:
    one = await window(hostile(troubled()))
    page = await one.look()
    await page.locator(".grid td[tabindex]").first.click()
    await expect(page.locator("#panel h2")).to_contain_text("<script>alert(2)</script>")
    await page.keyboard.press("Escape")
    await page.locator(".problems button").first.click()
    await expect(page.locator("#panel")).to_contain_text("onerror=alert(1)")
    assert await page.evaluate("document.querySelectorAll('img, iframe, object, embed').length") == 0
    assert await page.evaluate("document.scripts.length") == 3


SCENES: dict[str, Callable[[], list[Body]]] = {
    "trouble": troubled,
    "mesh": lambda: [lake.mesh(count=14, broken="PIC-02")],
    "nothing": list,
}
OPEN = {"trouble": "lake%7CPIC-02", "mesh": "lake%7CCERN-01%7CPIC-02", "nothing": ""}


@pytest.mark.parametrize(
    ("scene", "width", "scheme"),
    [
        ("trouble", 1440, "light"),
        ("trouble", 1440, "dark"),
        ("trouble", 390, "dark"),
        ("mesh", 1440, "light"),
        ("mesh", 390, "dark"),
        ("nothing", 390, "light"),
    ],
)
async def test_axe_has_nothing_serious_to_say(window: Opener, scene: str, width: int, scheme: str) -> None:
    how = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme, "bypass_csp": True}
    one = await window(SCENES[scene](), **how)
    for path in ("", f"?open={OPEN[scene]}" if OPEN[scene] else "?q=mars"):
        page = await one.look(path)
        if OPEN[scene] and path:
            await expect(page.locator("#panel h2")).to_be_visible()
        found = await Axe().run(page)
        grave = [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found.response["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert grave == []
