"""A mail server that sends nothing on: it keeps each mail as a file and says so. `python -m tools.mailbox PORT FOLDER`.

Unlike the rest of this folder it needs a package, aiosmtpd, and is therefore a program of its own.
"""

import email
import email.policy
import itertools
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller


class Keeper:
    """Keeps mails for everybody, except that an address which begins with `bounce` does not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    # The names and arguments are those that aiosmtpd calls.
    async def handle_RCPT(self, *given: Any) -> str:  # noqa: N802
        _, _, envelope, address, _ = given
        if address.startswith("bounce"):
            return "550 5.1.1 nobody here has this address"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, *given: Any) -> str:  # noqa: N802
        content: bytes = given[-1].content
        moment = datetime.now().astimezone()
        path = self._folder / f"{moment:%Y-%m-%d-%H%M%S}-{next(self._numbers)}.eml"
        path.write_bytes(content)
        subject = email.message_from_bytes(content, policy=email.policy.default)["subject"]
        print(f"{moment:%H:%M:%S}  A mail has left: {subject}\n          {path}", flush=True)
        return "250 2.0.0 kept"


def main(port: int, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        signal.pause()
    finally:
        controller.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
