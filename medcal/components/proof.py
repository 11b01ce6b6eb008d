"""The check that nobody sees: a stranger's browser computes a moment while its form is filled in."""

from typing import Any

import reflex as rx

from medcal.i18n import t


class Proof(rx.Component):
    """A hidden field that fills itself, see proof.jsx."""

    library = rx.asset("components/proof.jsx").importable_path
    tag = "Proof"
    challenge: rx.Var[str]
    checking: rx.Var[str]
    # After so long a challenge is asked for anew; none: it lasts as long as its page.
    lasts_seconds: rx.Var[int]
    # The form leaves the page, and a second press would send the same proof again.
    once: rx.Var[bool]
    on_stale: rx.EventHandler[rx.event.no_args_event_spec]


def proof(challenge: rx.Var[str], **props: Any) -> rx.Component:
    """Inside a form: holds it back until the challenge is solved, which it usually is long before."""
    return Proof.create(challenge=challenge, checking=t("Checking that you are not a machine …"), **props)
