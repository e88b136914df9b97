from datalake_operator.kube.errors import Forbidden
from datalake_operator.kube.events import EventRecorder
from datalake_operator.kube.resource import EVENTS, XCACHE_NODES
from tests.support.waiting import eventually
from tests.unit.kube.fake import running

ABOUT = {
    "apiVersion": XCACHE_NODES.api_version,
    "kind": "XCacheNode",
    "metadata": {"namespace": "ns", "name": "x", "uid": "u", "resourceVersion": "5"},
}


class Desk:
    """Takes what is posted, and refuses the first."""

    def __init__(self) -> None:
        self.posted: list[dict[str, object]] = []
        self.refusals = 1

    async def create(self, manifest: dict[str, object]) -> dict[str, object]:
        if self.refusals:
            self.refusals -= 1
            raise Forbidden(403, "Forbidden", "no")
        self.posted.append(manifest)
        return manifest


async def test_a_refused_event_is_dropped_and_the_next_is_posted() -> None:
    desk = Desk()
    recorder = EventRecorder(desk, "pod-1")  # type: ignore[arg-type]
    async with running(recorder.run()):
        recorder.emit(ABOUT, "Warning", "Lost", "first")
        recorder.emit(ABOUT, "Normal", "Ready", "x" * 2000)
        await eventually(lambda: len(desk.posted) == 1)
    event = desk.posted[0]
    assert (event["apiVersion"], event["kind"], event["type"], event["reason"]) == (
        "v1",
        EVENTS.kind,
        "Normal",
        "Ready",
    )
    assert event["involvedObject"]["uid"] == "u"  # type: ignore[index]
    assert event["reportingComponent"] == "datalake-operator"
    assert event["reportingInstance"] == "pod-1"
    assert len(str(event["message"])) == 1024


async def test_a_flood_is_dropped_and_blocks_nobody() -> None:
    recorder = EventRecorder(Desk(), "pod-1")  # type: ignore[arg-type]
    for number in range(5000):
        recorder.emit(ABOUT, "Normal", "Ready", str(number))
