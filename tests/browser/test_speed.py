"""The largest grid is drawn before anybody notices."""

from tests.browser.conftest import Opener
from tests.support import lake

LIMIT = 200
"""Milliseconds."""

_AGAIN = """() => {
  const began = performance.now();
  for (const one of grids.values()) one.structure = '';
  drawn.clear();
  draw();
  document.body.getBoundingClientRect();
  return performance.now() - began;
}"""
"""Draws everything anew, and lays it out."""


async def test_forty_by_forty_is_drawn_in_200_ms(window: Opener) -> None:
    page = await (await window([lake.mesh(count=40, broken="PIC-02")])).look()
    assert await page.locator(".grid td[tabindex]").count() == 40 * 39
    times: list[float] = []
    while len(times) < 20 and min(times, default=LIMIT) >= LIMIT:  # others use the machine too
        times.append(await page.evaluate(_AGAIN))
    assert min(times) < LIMIT, times
