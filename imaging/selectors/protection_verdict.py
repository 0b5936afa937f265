"""The one sentence that opens the protection page."""

from dataclasses import dataclass

from imaging.selectors.protection_picture import BAD, NONE, OK, WARN
from imaging.selectors.protection_state import ProtectionState
from imaging.selectors.protection_words import say_count, say_duration


@dataclass(frozen=True)
class Verdict:
    """What is the matter, worst first; `state` is ok, warn, bad or none."""

    state: str
    title: str
    text: str


def judge(state: ProtectionState, images: int, drill_overdue: bool, drill_failed: bool = False) -> Verdict:
    """How safe the practice's images are, all in all. `drill_failed`: the last one did not bring everything back."""
    lag = state.lag
    faults = sum(finding.kind != "lag" for finding in state.open_findings)
    stuck = any(finding.stuck for finding in state.open_findings)
    if not images:
        return Verdict(NONE, "There are no images yet", "Whatever you upload is sealed and kept in two regions.")
    if faults:
        return Verdict(
            BAD,
            f"{say_count(faults, 'copy needs', 'copies need')} repair",
            "One has no good copy left: see below." if stuck else "The other region is read meanwhile: see below.",
        )
    if state.brake:
        return Verdict(
            BAD,
            "Copying and removing are paused",
            "Too much was removed or damaged at once. An owner must look at it and allow it.",
        )
    if state.behind:
        return Verdict(
            BAD,
            "The second copies are behind",
            f"{say_count(lag.count)} so far in one region only, the oldest for {say_duration(lag.seconds)}.",
        )
    if drill_failed:
        return Verdict(BAD, "The last restore drill failed", "Not everything came back as it was. We look into it.")
    if drill_overdue:
        return Verdict(BAD, "A restore drill is overdue", "The copies are in order; that they come back is unproven.")
    if lag.count:
        return Verdict(
            WARN,
            f"{say_count(lag.count, 'image is', 'images are')} on the way to the other region",
            "They are sealed in one region. This takes a few minutes.",
        )
    if not all(copies.read_again_since for copies in state.regions):
        return Verdict(OK, "Every image is in both regions", "Sealed twice. The first check of every copy is to come.")
    return Verdict(
        OK, "Every image is in both regions", "Sealed twice, checked again and again, ready if one region fails."
    )
