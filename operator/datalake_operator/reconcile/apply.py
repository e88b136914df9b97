"""Steps 4 and 5 of a reconcile: apply what is desired, prune what no longer is. API needed."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from datalake_operator.build.labels import belongs_to
from datalake_operator.kube.errors import ApiError, Conflict, Forbidden, Invalid, NotFound
from datalake_operator.kube.references import Reference
from datalake_operator.kube.resource import CLAIMS, CONFIG_MAPS, CRON_JOBS, JOBS, PODS, SECRETS, Resource, of
from datalake_operator.kube.session import Api
from datalake_operator.reconcile import growth, passwords
from datalake_operator.reconcile.children import Children
from datalake_operator.reconcile.compare import applied_hash, is_current, manifest_hash, replicas_as_found, with_hash
from datalake_operator.reconcile.kind import Key, Manifest
from datalake_operator.reconcile.outcome import Postponed, Stalled, Taken, Vanished
from datalake_operator.status.reasons import EngineReason

log = logging.getLogger(__name__)

_KEPT = (CLAIMS, SECRETS)
"""Kinds that are never pruned, outlive their resource where it says so, and are used again where they carry our labels:
data, and the passwords without which it is of no use."""


class Applier:
    """Brings the children of one custom resource to what is desired."""

    def __init__(self, api: Api, children: Children) -> None:
        self._api = api
        self._children = children

    async def apply(self, key: Key, owner: Manifest, owner_resource: Resource, desired: Sequence[Manifest]) -> None:
        """Apply each manifest in order; one that already holds costs nothing.

        Raises:
            Taken: the name of a child belongs to a stranger; what follows it was not applied.
            Stalled: the API server refuses a child for good.
            Vanished: the owner is gone.
            ApiError: anything that another try may mend.
        """
        await growth.ask(self._api, self._children, key, desired)
        confirmed = False
        for whole in desired:
            manifest = passwords.without_values(whole)
            resource, name = of(manifest), manifest["metadata"]["name"]
            live = self._children.get(resource, key.namespace, name)
            if live is None:
                if not confirmed and self._made_again(key, owner, resource, name):
                    await self._confirm(key, owner, owner_resource)
                    confirmed = True
                with _refusals_told(resource, name):
                    live = await self._first_touch(resource, key.namespace, name)
                    if live is None and resource == SECRETS:
                        live = await self._create(key, whole)
            if live is not None:
                self._require_ours(key, owner, manifest, live)
                if resource == JOBS or is_current(live, manifest):  # a Job that is there cannot change
                    continue
            with _refusals_told(resource, name):
                await self._bring(key, with_hash(manifest), live)

    async def _create(self, key: Key, secret: Manifest) -> Manifest:
        """Create a Secret with new passwords, and return it; one that was made meanwhile is read and used as it is."""
        try:
            return await self._children.create(key, passwords.filled(secret))
        except Conflict:
            return await self._api.get(SECRETS, key.namespace, secret["metadata"]["name"])

    async def _bring(self, key: Key, manifest: Manifest, live: Manifest | None) -> None:
        """Apply one child; where another hand's entry in a list of ours does not fit beside ours, ours alone stays."""
        try:
            await self._children.apply(key, _pinned(manifest, live))
        except Invalid:
            if live is None:
                raise
            await self._children.overwrite(key, manifest, live["metadata"]["uid"])
            live = self._children.get(of(manifest), key.namespace, live["metadata"]["name"])
            await self._children.apply(key, _pinned(manifest, live))

    async def release(self, key: Key, owner: Manifest) -> None:
        """Let what is kept outlive its resource: take the owner reference from each that has it, and change no more.

        Raises:
            Stalled: the API server refuses it for good.
            ApiError: anything that another try may mend.
        """
        uid = owner["metadata"]["uid"]
        for resource, live in self._children.of(key):
            if resource in _KEPT and belongs_to(live, uid):
                with _refusals_told(resource, live["metadata"]["name"]), suppress(NotFound, Conflict):
                    await self._children.disown(key, resource, live, uid)

    async def create(self, key: Key, owner: Manifest, manifests: Sequence[Manifest]) -> None:
        """Create what shall be made once, and never brought back; one that is there already was made before.

        Raises:
            Taken: the name of one belongs to a stranger.
            Stalled: the API server refuses it for good.
            ApiError: anything that another try may mend.
        """
        for manifest in manifests:
            resource, name = of(manifest), manifest["metadata"]["name"]
            with _refusals_told(resource, name):
                try:
                    await self._children.create(key, with_hash(manifest))
                except Conflict:
                    live = await self._api.get(resource, key.namespace, name)
                    self._require_ours(key, owner, manifest, live)

    async def halt(self, key: Key, owner: Manifest, halted: Sequence[Resource]) -> None:
        """Let children that start work on their own start none, and change nothing else of them.

        Raises:
            Stalled: the API server refuses it for good.
            ApiError: anything that another try may mend.
        """
        for resource, live in self._children.of(key):
            if resource in halted and belongs_to(live, owner["metadata"]["uid"]) and not live["spec"].get("suspend"):
                metadata = {name: live["metadata"][name] for name in ("namespace", "name")}
                change = {
                    "apiVersion": resource.api_version,
                    "kind": resource.kind,
                    "metadata": metadata,
                    "spec": {"suspend": True},
                }
                with _refusals_told(resource, metadata["name"]), suppress(NotFound, Conflict):
                    await self._children.overwrite(key, change, live["metadata"]["uid"])

    async def prune(
        self,
        key: Key,
        owner: Manifest,
        desired: Iterable[Manifest],
        *,
        rolled: bool,
        spared: Sequence[Resource] = (),
    ) -> None:
        """Delete owned children that are no longer desired; never what is kept, and configuration only once `rolled`.

        Args:
            key: of the resource.
            owner: the resource.
            desired: all that stays.
            rolled: whether nothing runs with configuration that is not desired.
            spared: what is never pruned for this kind, beside what is kept for all.

        Raises:
            Stalled: the API server refuses a deletion for good.
            ApiError: anything that another try may mend.
        """
        wanted = {(of(manifest), manifest["metadata"]["name"]) for manifest in desired}
        for resource, live in self._children.of(key):
            metadata = live["metadata"]
            if resource in (*_KEPT, PODS, *spared) or (resource, metadata["name"]) in wanted:
                continue
            if not belongs_to(live, owner["metadata"]["uid"]) or metadata.get("deletionTimestamp"):
                continue
            if resource == CONFIG_MAPS and not rolled:  # a running workload may still mount it
                continue
            await self._delete(resource, live)

    async def remove_pods(self, pods: Sequence[Manifest]) -> None:
        """Delete pods that keep a newer revision from starting.

        Raises:
            Stalled: the API server refuses a deletion for good.
            ApiError: anything that another try may mend.
        """
        for pod in pods:
            if not pod["metadata"].get("deletionTimestamp"):
                log.info("deleting stuck pod %s/%s", pod["metadata"]["namespace"], pod["metadata"]["name"])
                await self._delete(PODS, pod)

    async def remove_jobs(self, key: Key, owner: Manifest, names: Sequence[str]) -> None:
        """Delete Jobs of ours or of a CronJob of ours, with their pods, so that the next can be made.

        Raises:
            Stalled: the API server refuses a deletion for good.
            ApiError: anything that another try may mend.
        """
        if not names:
            return
        uid = owner["metadata"]["uid"]
        crons = [live for resource, live in self._children.of(key) if resource == CRON_JOBS and belongs_to(live, uid)]
        uids = [uid, *(cron["metadata"]["uid"] for cron in crons)]
        for name in names:
            job = self._children.get(JOBS, key.namespace, name)
            ours = job is not None and any(belongs_to(job, uid) for uid in uids)
            if job is not None and ours and not job["metadata"].get("deletionTimestamp"):
                await self._delete(JOBS, job)
                # The next pass may come before the watch tells, and would believe what the Job found once more.
                self._children.forget(JOBS, job)

    async def _delete(self, resource: Resource, live: Manifest) -> None:
        metadata = live["metadata"]
        with _refusals_told(resource, metadata["name"]), suppress(NotFound, Conflict):
            # Not found, or of another uid: gone, and whatever has the name by now is not ours to delete.
            await self._api.delete(resource, metadata["namespace"], metadata["name"], uid=metadata["uid"])

    def _made_again(self, key: Key, owner: Manifest, resource: Resource, name: str) -> bool:
        """Whether a child that is not there was there before, or may have been and would outlive an owner that is gone.

        All others have an owner reference: made for an owner that is just being deleted, they go as it does.
        """
        old = owner.get("status", {}).get("observedGeneration", -1) >= 1
        return old and (resource in _KEPT or self._children.deleted(resource, key.namespace, name))

    async def _confirm(self, key: Key, owner: Manifest, resource: Resource) -> None:
        """Read the owner once before a child is made again: its deletion may not have reached us yet."""
        try:
            live = await self._api.get(resource, key.namespace, key.name, metadata_only=True)
        except NotFound:
            raise Vanished from None
        if live["metadata"]["uid"] != owner["metadata"]["uid"] or live["metadata"].get("deletionTimestamp"):
            raise Vanished

    async def _first_touch(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Read a child that the store does not hold before it is applied for the first time."""
        try:
            return await self._api.get(resource, namespace, name)
        except NotFound:
            return None

    def _require_ours(self, key: Key, owner: Manifest, manifest: Manifest, live: Manifest) -> None:
        """Let nobody else's object pass.

        One of ours that lost its owner reference is taken back where its hash is that of what we want: the hash covers
        name, namespace and the owner's uid, so only we can have made it, and for this very resource. With another
        hash it may be of a former resource of the name, left on purpose, and hands must say whose it is.

        Raises:
            Taken: it belongs to somebody else, or may.
            Postponed: it belongs to a former resource of the same name, and goes.
        """
        resource, metadata = of(manifest), live["metadata"]
        if belongs_to(live, owner["metadata"]["uid"]):
            return
        if resource in _KEPT and self._children.labelled(key, live):
            return
        reference = Reference(resource, key.namespace, metadata["name"])
        former = next((ref for ref in metadata.get("ownerReferences", ()) if ref.get("controller")), None)
        if former and (former["kind"], former["name"]) == (key.kind, key.name):
            raise Postponed(
                f"waits until {resource.kind} {metadata['name']} of the deleted {key.kind} of the same name is gone"
            )
        ours = former is None and self._children.labelled(key, live) and applied_hash(live) is not None
        if ours and applied_hash(live) == manifest_hash(manifest):
            return
        reason = EngineReason.CLAIM_NOT_OURS if resource == CLAIMS else EngineReason.NAME_TAKEN
        what = f"{resource.kind} {metadata['name']}"
        if ours:
            wanted = json.dumps(manifest["metadata"]["ownerReferences"])
            message = (
                f"{what} has our labels, but no owner reference to this {key.kind}, and is left untouched: delete it, "
                f"or hand it over by setting its metadata.ownerReferences to {wanted}"
            )
        else:
            message = (
                f"{what} is there and does not belong to {key.kind} {key.name}; it is left "
                f"untouched: delete or rename it, or choose another name for the {key.kind}"
            )
        raise Taken(reason, message, reference)


def _pinned(manifest: Manifest, live: Manifest | None) -> Manifest:
    """A manifest that holds for this version of the live object only, where it hands back the replicas found there."""
    if live is None or not replicas_as_found(manifest):
        return manifest
    return {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}


@contextmanager
def _refusals_told(resource: Resource, name: str) -> Iterator[None]:
    """Let status tell of a refusal that hands must mend: only the log would hold it otherwise.

    Raises:
        Stalled: with the API server's words.
        ApiError: anything else, with the object as its note.
    """
    try:
        yield
    except (Forbidden, Invalid) as error:
        raise Stalled(
            EngineReason.APPLY_REFUSED,
            f"the API server refused {resource.kind} {name}: {error.message}",
            retry=error,
        ) from error
    except ApiError as error:
        error.add_note(f"{resource.kind} {name}")
        raise
