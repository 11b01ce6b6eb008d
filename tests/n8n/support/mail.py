"""A mail server that keeps what it takes, and is as bad as the address it is given says."""

import asyncio
import email
import email.policy
import threading
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller


class MailServer:
    """Addresses that begin with `bounce` do not exist, with `busy` are put off once, with `hang` get no answer until
    `let_go` is set: then the mail is refused, as if the line had broken. `hanging` are those that wait so.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[EmailMessage] = []
        self.hanging: set[str] = set()
        self.let_go = threading.Event()
        self._put_off: set[str] = set()
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def sent_to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if address in mail["to"]]

    async def handle_RCPT(self, *given: Any) -> str:  # noqa: N802  (the name that aiosmtpd calls)
        _, _, envelope, address, _ = given
        if address.startswith("bounce"):
            return "550 5.1.1 nobody here has this address"
        if address.startswith("busy") and address not in self._put_off:
            self._put_off.add(address)
            return "451 4.3.2 later, please"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *given: Any) -> str:  # noqa: N802
        envelope = given[-1]
        if envelope.rcpt_tos[0].startswith("hang") and not self.let_go.is_set():
            self.hanging.add(envelope.rcpt_tos[0])
            await asyncio.to_thread(self.let_go.wait, 120)
            return "451 4.3.0 broken off"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 2.0.0 taken"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.let_go.set()
        self._controller.stop()
