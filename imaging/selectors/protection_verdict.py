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


def judge(state: ProtectionState, images: int, drill_overdue: bool) -> Verdict:
    """How safe the practice's images are, all in all."""
    lag = state.lag
    faults = sum(finding.kind != "lag" for finding in state.open_findings)
    if not images:
        return Verdict(NONE, "There are no images yet", "Whatever you upload is sealed and kept in two regions.")
    if faults:
        return Verdict(
            BAD,
            f"{say_count(faults, 'copy needs', 'copies need')} repair",
            "The other region is read instead. What happens next is said below.",
        )
    if state.brake:
        return Verdict(BAD, "Copying and removing are paused", "An owner must look at it and let it go on.")
    if state.behind:
        return Verdict(
            BAD,
            "The second copies are behind",
            f"{say_count(lag.count)} so far in one region only, the oldest for {say_duration(lag.seconds)}.",
        )
    if drill_overdue:
        return Verdict(BAD, "A restore drill is overdue", "The copies are in order; that they come back is unproven.")
    if lag.count:
        return Verdict(
            WARN,
            f"{say_count(lag.count, 'image is', 'images are')} on the way to the other region",
            "They are sealed in one region. This takes a few minutes.",
        )
    return Verdict(OK, "Every image is in both regions", "Sealed twice, checked all the time, ready to take over.")
