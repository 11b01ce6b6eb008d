"""The workflows by name and address, what differs from clinic to clinic, and the credentials that they name."""

import uuid
from dataclasses import dataclass

# The namespace of the ids: the same file always has the same ones, so that importing it again replaces it.
OURS = uuid.UUID("0e7f5d7e-64a7-4d0e-9f0e-4d6564634163")

# The credentials by id and name.
MESSAGES = {"id": "medcalMessages01", "name": "Medcal messages"}
CALLBACKS = {"id": "medcalCallback01", "name": "Medcal callback"}
MAIL = {"id": "medcalMail000001", "name": "Medcal mail"}
SMS = {"id": "medcalSms0000001", "name": "Medcal SMS"}


@dataclass(frozen=True)
class Flow:
    """One file: its workflow's name, the end of its webhook's address, and the kinds of message it is meant for."""

    file: str
    name: str
    kinds: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"medcal-{self.file}"

    @property
    def id(self) -> str:
        return uuid.uuid5(OURS, self.file).hex[:16]


FLOWS = (
    Flow("appointment-confirmation", "Medcal: appointment confirmation", ("appointment.booked",)),
    Flow("appointment-cancellation", "Medcal: appointment cancellation", ("appointment.cancelled",)),
    Flow("appointment-move", "Medcal: appointment move", ("appointment.moved",)),
    Flow("reminder", "Medcal: reminder", ("reminder",)),
    Flow("offer", "Medcal: offer of an earlier time", ("offer.made",)),
    Flow("offer-closed", "Medcal: offer closed", ("offer.withdrawn", "offer.taken", "waitlist.paused")),
    Flow("sign-in-code", "Medcal: sign-in code", ("code",)),
    Flow("account", "Medcal: account of the staff", ("account",)),
)
# The same for whatever kind comes: one address for all.
ALL = Flow("all-messages", "Medcal: all messages", ())


@dataclass(frozen=True)
class Settings:
    """What differs from clinic to clinic. Without a `sms_gateway` no SMS is sent, and Medcal is told so."""

    medcal: str = "https://clinic.example"
    sender: str = "appointments@clinic.example"
    sms_gateway: str = ""
