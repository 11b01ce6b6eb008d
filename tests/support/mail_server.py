"""A mail server on this machine: keeps what it takes, and refuses, hangs and hangs up as it is told."""

import asyncio
import email
import email.policy
import socket
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.support.certificates import certified

USER, PASSWORD = "clinic", "a password of the mail server alone"


class MailServer:
    """`letters` are those it has said 250 to. `replies` are what it says instead, by the command: {"RCPT": "550 no such user"}.

    The reply "drop" breaks the connection off, "hang" says nothing until the test is over.
    """

    def __init__(self, *, has_tls: bool = False, wants_sign_in: bool = False) -> None:
        self.letters: list[EmailMessage] = []
        self.replies: dict[str, str] = {}
        self._over = asyncio.Event()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=certified() if has_tls else None,
            authenticator=_check if wants_sign_in else None,
            auth_require_tls=False,
        )

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.loop.call_soon_threadsafe(self._over.set)
        self._controller.stop()

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        envelope.mail_from = address
        return await self._reply("MAIL", server) or "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(address)
        return await self._reply("RCPT", server) or "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if reply := await self._reply("DATA", server):
            return reply
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 2.0.0 queued"

    async def _reply(self, command: str, server: Any) -> str | None:
        reply = self.replies.get(command)
        if reply == "hang":
            await self._over.wait()
        if reply in ("hang", "drop"):
            server.transport.abort()
        return reply


def _check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    fits = (data.login.decode(), data.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=fits, handled=fits)
