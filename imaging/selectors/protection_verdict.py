"""The one sentence that opens the protection page."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.selectors.protection_picture import BAD, NONE, OK, WARN
from imaging.selectors.protection_state import ProtectionState
from imaging.selectors.protection_words import say_count, say_duration, say_number


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
        return Verdict(NONE, _("There are no images yet"), _("Whatever you upload is sealed and kept in two regions."))
    if faults:
        return Verdict(
            BAD,
            ngettext("{count} copy needs repair", "{count} copies need repair", faults).format(
                count=say_number(faults)
            ),
            _("One has no good copy left: see below.")
            if stuck
            else _("The other region is read meanwhile: see below."),
        )
    if state.brake:
        return Verdict(
            BAD,
            _("Copying and removing are paused"),
            _("Too much was removed or damaged at once. An owner must look at it and allow it."),
        )
    if state.behind:
        return Verdict(
            BAD,
            _("The second copies are behind"),
            _("{images} so far in one region only, the oldest for {time}.").format(
                images=say_count(lag.count), time=say_duration(lag.seconds)
            ),
        )
    if drill_failed:
        return Verdict(
            BAD, _("The last restore drill failed"), _("Not everything came back as it was. We look into it.")
        )
    if drill_overdue:
        return Verdict(
            BAD, _("A restore drill is overdue"), _("The copies are in order; that they come back is unproven.")
        )
    if lag.count:
        return Verdict(
            WARN,
            ngettext(
                "{count} image is on the way to the other region",
                "{count} images are on the way to the other region",
                lag.count,
            ).format(count=say_number(lag.count)),
            _("They are sealed in one region. This takes a few minutes."),
        )
    if not all(copies.read_again_since for copies in state.regions):
        return Verdict(
            OK, _("Every image is in both regions"), _("Sealed twice. The first check of every copy is to come.")
        )
    return Verdict(
        OK, _("Every image is in both regions"), _("Sealed twice, checked again and again, ready if one region fails.")
    )
