"""Where somebody stands who asks for a code: the address says so in neutral words."""

import reflex as rx

from medcal.edge.guard import open_to
from medcal.i18n import t


class FindState(rx.State):
    """The step of the form, and why the last one failed."""

    is_code_sent: bool = False
    failure: str = ""

    @open_to("anyone")
    def load(self) -> None:
        asked = self.router.url.query_parameters
        self.is_code_sent = asked.get("step") == "code"
        self.failure = _failures().get(asked.get("failed", ""), "")

    @open_to("anyone")
    def ask_again(self) -> None:
        self.is_code_sent, self.failure = False, ""


def _failures() -> dict[str, str]:
    return {
        "code": t("This code does not fit, or it is too old. Please check it, or ask for a new one."),
        "wait": t("Too many tries. Please wait a few minutes and try again."),
        "form": t("Please give the e-mail address or the phone number that you booked with."),
    }
