"""Letters straight to the clinic's mail server, and what its answers mean."""

import smtplib
import ssl
import time
from contextlib import suppress
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache

from medcal.config import Smtp
from medcal.models import Message
from medcal.services.message_words import Words, unsubscribe_link
from medcal.services.outcomes import WRONG_SETTINGS, Outcome, Verdict
from medcal.services.sockets import Encrypted, Plain, connect, resolve, trusting_context

# From the first word to the last: however slowly the server speaks, no thread is held longer.
TIMEOUT = timedelta(seconds=30)


def send(server: Smtp, message: Message, words: Words, name: str, now: datetime) -> Outcome:
    """Send one letter and say what came of it; never raises for what the far end does.

    `name` becomes the Message-ID: a letter that was taken although its 250 got lost can be known by it.
    """
    try:
        letter = write(server, message, words, name, now)
    except ValueError:
        return Outcome(Verdict.bounced, error="no letter can be written to this address")
    line = _Line(server)
    try:
        line.open()
        line.send_message(letter)
    except (smtplib.SMTPException, OSError) as error:
        line.close()
        return _trouble(error)
    # The 250 is there; whatever goes wrong from now on takes nothing back.
    with suppress(smtplib.SMTPException, OSError):
        line.quit()
    line.close()
    return Outcome(Verdict.delivered, 250)


# --- The letter -------------------------------------------------------------------------------------------------------


def write(server: Smtp, message: Message, words: Words, name: str, now: datetime) -> EmailMessage:
    """The letter as it leaves: text and HTML, and the calendar twice, since some act upon the part and others open the file.

    Raises ValueError for an address or a name that cannot stand in a header.
    """
    letter = EmailMessage(policy=SMTP)
    clinic, address = parseaddr(server.sender)
    letter["From"] = Address(clinic, addr_spec=address)
    letter["To"] = _recipient(message.recipient_name, message.recipient)
    letter["Subject"] = words.subject
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{name.replace(':', '.')}@{address.rpartition('@')[2]}>"
    # Nobody is away from the office for us, and no robot answers.
    letter["Auto-Submitted"] = "auto-generated"
    if link := unsubscribe_link(message):
        letter["List-Unsubscribe"] = f"<{link}>"
        letter["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    letter.set_content(words.text)
    if words.html:
        letter.add_alternative(words.html, subtype="html")
    if message.calendar:
        _add_calendar(letter, message.calendar)
    # Last, since it would go along with the words into their part.
    letter["Content-Language"] = message.language
    return letter


def _recipient(name: str, address: str) -> Address:
    """A name and an address as they stand in a letter; a domain with an umlaut in the letters that every server knows."""
    local, _, domain = address.rpartition("@")
    try:
        return Address(name, addr_spec=f"{local}@{domain.encode('idna').decode()}")
    except (MessageError, LookupError, AttributeError) as error:
        # In so many ways the library stumbles over what is no address.
        raise ValueError(type(error).__name__) from None


def _add_calendar(letter: EmailMessage, calendar: str) -> None:
    method = "CANCEL" if "\nMETHOD:CANCEL" in calendar else "REQUEST"
    letter.add_alternative(calendar, subtype="calendar", params={"method": method})
    letter.add_attachment(calendar.encode(), maintype="application", subtype="ics", filename="appointment.ics")


# --- The conversation -------------------------------------------------------------------------------------------------


class _NoEncryption(smtplib.SMTPException):
    """The server does not begin TLS: no letter then, never one in the open."""


class _Line(smtplib.SMTP):
    """A conversation that ends at an instant, whatever the server does."""

    def __init__(self, server: Smtp) -> None:
        super().__init__()
        self._server, self._give_up_at = server, time.monotonic() + TIMEOUT.total_seconds()
        # For the check of the certificate's name; the constructor knows it only where it connects by itself.
        self._host = server.host

    def open(self) -> None:
        """Connect, encrypt and sign in."""
        server = self._server
        code, said = self.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        if server.security == "starttls":
            self._encrypt()
        if server.user:
            self._sign_in()

    def _get_socket(self, host: str, port: int, _: float) -> Plain | Encrypted:
        plain = connect(resolve(host, port), self._give_up_at)
        if self._server.security != "tls":
            return plain
        try:
            return self._on_time(_context().wrap_socket(plain, server_hostname=host))
        except BaseException:
            plain.close()
            raise

    def _encrypt(self) -> None:
        try:
            code, _ = self.starttls(context=_context())
        except smtplib.SMTPNotSupportedError:
            raise _NoEncryption from None
        if code != 220:
            raise _NoEncryption
        self._on_time(self.sock)

    def _sign_in(self) -> None:
        """One try, one way: smtplib would try a wrong password in all ways there are, until the server hangs up."""
        self.ehlo_or_helo_if_needed()
        offered = self.esmtp_features.get("auth", "").upper().split()
        ways = {"PLAIN": self.auth_plain, "LOGIN": self.auth_login}
        way = next((way for way in ways if way in offered), None)
        if way is None:
            raise smtplib.SMTPAuthenticationError(504, b"no way to sign in is offered")
        self.user, self.password = self._server.user, self._server.password
        self.auth(way, ways[way])

    def _on_time(self, encrypted: object) -> Encrypted:
        assert isinstance(encrypted, Encrypted)
        encrypted.give_up_at = self._give_up_at
        return encrypted


def _trouble(error: smtplib.SMTPException | OSError) -> Outcome:
    """What a failed conversation means: 4xx and lost connections pass; 5xx is for ever, about us or about the address."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        [(code, said)] = error.recipients.values()
        return _refused(code, said, Verdict.bounced, "the address")
    if isinstance(error, smtplib.SMTPSenderRefused):
        return _refused(error.smtp_code, error.smtp_error, Verdict.permanent, "our sender")
    if isinstance(error, smtplib.SMTPDataError):
        return _refused(error.smtp_code, error.smtp_error, Verdict.bounced, "the letter")
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _refused(error.smtp_code, error.smtp_error, Verdict.permanent, "our password")
    if isinstance(error, _NoEncryption):
        return Outcome(Verdict.temporary, error="the mail server offers no encryption")
    # smtplib makes a lost connection of whatever happens while it waits.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return Outcome(Verdict.temporary, error="no answer in time")
    return Outcome(Verdict.temporary, error=f"no connection: {type(error).__name__}")


def _refused(code: int, said: bytes | str, for_ever: Verdict, what: str) -> Outcome:
    """The server's own sentence goes into the ledger; it may quote the address, so the log has the code alone."""
    sentence = said.decode(errors="replace") if isinstance(said, bytes) else said
    return Outcome(
        verdict=for_ever if code >= 500 else Verdict.temporary,
        status_code=code,
        error=f"the mail server refuses {what}: {code}",
        said=f"{code} {' '.join(sentence.split())}",
        why=WRONG_SETTINGS if for_ever is Verdict.permanent and code >= 500 else "",
    )


@cache
def _context() -> ssl.SSLContext:
    return trusting_context()
