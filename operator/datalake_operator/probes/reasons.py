"""Every reason that a result or a state can have: one word for programs, one sentence for people.

`docs/probes.md` lists them; a test compares. A reason that is kept for each run has a letter, which must never change
its meaning: status of older operators holds it.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

Group: TypeAlias = Literal["failure", "limit", "skipped", "unknown", "state"]


@dataclass(frozen=True)
class Reason:
    """One reason."""

    name: str
    group: Group
    """What it belongs to: a failed run, a figure beyond its limit, something left out, something not known; state: it
    comes from the history, not from a single run."""
    letter: str
    """Its character in `cells[].reasons`; empty in the group state."""
    text: str
    """What it means."""
    mend: str
    """What to look at first."""


_ALL = (
    Reason("NameNotFound", "failure", "A", "Its name is not in DNS.", "Look at its DNS entry and at the url."),
    Reason("Refused", "failure", "B", "Nothing listens on its port.", "Is the server running, is the port right?"),
    Reason("Reset", "failure", "C", "It closed the connection in the middle.", "Look at the server's log."),
    Reason("Unreachable", "failure", "D", "No way leads to it.", "Look at routes and firewalls."),
    Reason("ConnectTimeout", "failure", "E", "It did not answer the connection.", "Firewall, or the machine is off."),
    Reason("TLSExpired", "failure", "F", "Its certificate has expired.", "Renew the server's certificate."),
    Reason("TLSUntrusted", "failure", "G", "Its certificate is of an unknown CA.", "Send its chain, or add to trust."),
    Reason("TLSWrongName", "failure", "H", "Its certificate is for another name.", "Correct the url or certificate."),
    Reason("TLSFailed", "failure", "I", "TLS could not be agreed.", "Look at its TLS versions and ciphers."),
    Reason("Unauthenticated", "failure", "J", "It wants another or newer log-in (401).", "Look at the credentials."),
    Reason("Forbidden", "failure", "K", "It does not allow this (403).", "Give the probe rights on its folder."),
    Reason("NotFound", "failure", "L", "The file or folder is not there (404).", "Look at the path."),
    Reason("NoSpace", "failure", "M", "No space is left.", "Free space, or look at the quota."),
    Reason("ReadOnly", "failure", "N", "It does not take files: it is read-only.", "Look at the server and its disk."),
    Reason("ChecksumMismatch", "failure", "O", "The content came out different.", "Look at once: data may be lost."),
    Reason("SizeMismatch", "failure", "P", "The file is not as long as it was.", "Look for cut transfers in its log."),
    Reason("Slow", "failure", "Q", "It works, but much too slowly.", "Look at its load and at the network."),
    Reason("Timeout", "failure", "R", "It did not finish in time.", "Look at its load; it may hang."),
    Reason("UnexpectedStatus", "failure", "S", "It answered another HTTP status.", "Open the url; look at its log."),
    Reason("UnexpectedBody", "failure", "T", "The answer lacks the text.", "Open the url; is it the right service?"),
    Reason("ProtocolError", "failure", "U", "Its answer breaks the protocol.", "Is another service on that port?"),
    Reason("NoThirdPartyCopy", "failure", "V", "It cannot copy from a server.", "Switch third-party copy on there."),
    Reason("TransferFailed", "failure", "W", "The copy failed; both ends work.", "Look at the link between them."),
    Reason("ServerError", "failure", "X", "The server reports an error of its own.", "Look at the server's log."),
    Reason("NotFromCache", "failure", "Y", "The cache fetched again what it had.", "Look at its space and its log."),
    Reason("HeartbeatsStale", "failure", "Z", "A daemon of Rucio gives no sign of life.", "Look at Rucio's daemons."),
    Reason("Failed", "failure", "a", "It failed in some other way.", "Repeat the check by hand."),
    Reason("CertificateExpiring", "limit", "b", "Its certificate ends soon.", "Renew the server's certificate."),
    Reason("OutsideLimits", "limit", "c", "A figure is beyond its limit.", "Look at the measurements."),
    Reason("NoFamilyInPod", "skipped", "d", "The cluster lacks IPv4 or IPv6.", "Change ipFamily, or ignore it."),
    Reason("NotPermitted", "skipped", "e", "The account may not ask this.", "Give it the right, or drop the check."),
    Reason("InUse", "skipped", "f", "The file was in use.", "Nothing: the next run tries again."),
    Reason("EarlierStepFailed", "skipped", "g", "A step before it failed.", "Look at that step."),
    Reason("NotMeasured", "unknown", "h", "Its turn did not come in time.", "Look for slow ones; give more timeout."),
    Reason("NoMessage", "unknown", "i", "The run left no result.", "Look at its pod; is a node gone?"),
    Reason("Truncated", "unknown", "j", "The result was cut at 4096 bytes.", "Write less, or compress it (z1:)."),
    Reason("ForeignMessage", "unknown", "k", "The result names another run.", "Write PROBE_RUN as run."),
    Reason("OtherVersion", "unknown", "l", "The result is of another version.", "Use the image of this operator."),
    Reason("Malformed", "unknown", "m", "The result cannot be read.", "Compare it with envelope.schema.json."),
    Reason("InTheFuture", "unknown", "n", "The result is of a future time.", "Set the node's clock."),
    Reason("ImageUnavailable", "unknown", "o", "Its image cannot be pulled.", "Look at spec.image and pull secrets."),
    Reason("ConfigError", "unknown", "p", "Its pod cannot be set up.", "Look at the Secrets and ConfigMaps it names."),
    Reason("OutOfMemory", "unknown", "q", "It needed more memory than it may.", "Raise spec.resources."),
    Reason("DeadlineExceeded", "unknown", "r", "It did not end in time.", "Raise spec.timeout, or ask less."),
    Reason("Unschedulable", "unknown", "s", "No node takes its pod.", "Look at nodeSelector and free resources."),
    Reason("RunnerFailed", "unknown", "t", "The probe itself broke.", "Look at the pod's log."),
    Reason("Interrupted", "unknown", "u", "It was evicted or preempted.", "Nothing: the next run tries again."),
    Reason("CentralFault", "unknown", "v", "Our own side is broken.", "Mend the cluster's DNS or network."),
    Reason("Stale", "state", "", "No fresh result.", "Is the probe suspended, do its Jobs start?"),
    Reason("NotRun", "state", "", "No result yet.", "Wait for the first run."),
    Reason("LowSuccess", "state", "", "It fails too often.", "Look at its last failed runs: it comes and goes."),
    Reason("Maintenance", "state", "", "Maintenance is announced.", "Wait for its end."),
    Reason("PlannedWork", "state", "", "The probed service is being changed.", "Wait; it counts for one hour."),
)

REASONS = MappingProxyType({reason.name: reason for reason in _ALL})
"""Every reason by name."""

BY_LETTER = MappingProxyType({reason.letter: reason.name for reason in _ALL if reason.letter})
"""Name of a reason by its letter."""

FAILURES = frozenset(reason.name for reason in _ALL if reason.group == "failure")
"""What a failed run can have."""

REPORTED = FAILURES | {"NoFamilyInPod", "NotPermitted", "InUse", "EarlierStepFailed", "NotMeasured", "ConfigError"}
"""What a result envelope may say; images/probe/envelope.schema.json has the same."""


def letter(name: str | None, otherwise: str) -> str:
    """The letter of a reason; of `otherwise` if it has none."""
    reason = REASONS.get(name or "")
    return (reason.letter if reason is not None else "") or REASONS[otherwise].letter
