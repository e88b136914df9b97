"""`python -m datalake_operator`: the operator, as its pod runs it."""

import asyncio
import gc
import logging
import sys

from datalake_operator import __version__
from datalake_operator.kube.config import Config, InvalidConfig
from datalake_operator.kube.session import Api
from datalake_operator.logs import configure
from datalake_operator.metrics import Metrics
from datalake_operator.run import Operator
from datalake_operator.settings import InvalidSetting, Settings

_YOUNG_OBJECTS = 50_000
"""Allocations between two runs of the cycle collector: ours makes few cycles and many short-lived JSON values."""


async def _run(settings: Settings) -> None:
    metrics = Metrics()
    async with await Api.connect(await Config.load(), metrics.request) as api:
        await Operator(api, settings, metrics).run()


def main() -> int:
    """Run the operator; give the exit code."""
    try:
        settings = Settings.from_environment()
        configure(settings.log_format, settings.log_level)
        namespaces = ", ".join(settings.namespaces) or "all namespaces"
        logging.getLogger(__name__).info("datalake-operator %s serves %s", __version__, namespaces)
        gc.freeze()  # modules and models stay for ever: the collector need not look at them
        gc.set_threshold(_YOUNG_OBJECTS)
        asyncio.run(_run(settings))
    except (InvalidSetting, InvalidConfig) as error:
        print(f"datalake-operator: {error}", file=sys.stderr)  # noqa: T201 - logging may not be set up yet
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
