"""How a cache's exporter is asked: one GET of a URL, answered by a JSON object."""

import aiohttp

from datalake_operator.observe.http import Answer, parsed, read


class Exporter:
    """Asks at URLs."""

    async def ask(self, session: aiohttp.ClientSession, target: str) -> Answer:
        """Give the object that the URL answers with, or in words why there is none."""
        async with session.get(target, allow_redirects=False) as response:
            if response.status != 200:
                return None, f"HTTP {response.status}"
            text = await read(response.content)
        if text is None:
            return None, "the answer is too long"
        data = parsed(text)
        if data is None:
            return None, "the answer is no JSON"
        if not isinstance(data, dict):
            return None, "the answer is no JSON object"
        return data, None
