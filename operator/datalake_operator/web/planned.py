"""Pure: the maintenance that holds for an endpoint, with the reason that was given for it."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.api.probe import QoSProbe


def planned(probe: QoSProbe, names: tuple[str, ...], status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the maintenance that holds for some endpoints: name, to, and reason where one was given.

    Args:
        probe: whose spec tells which endpoints an entry of its own concerns; those of ConfigMaps are all given.
        names: of the endpoints.
        status: of the probe.
    """
    sites = {endpoint.site for endpoint in probe.spec.endpoints if endpoint.name in names}
    others = {
        one.name
        for one in probe.spec.maintenance
        if (one.endpoints or one.sites) and not (set(one.endpoints) & set(names) or set(one.sites) & sites)
    }
    return [one for one in status.get("maintenance", ()) if one["name"] not in others]
