"""A real n8n, a mail server and what n8n reports to. Left out of the usual run: `manage.py test n8n` asks for it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from n8n import flows
from tests.n8n.support.far_end import FarEnd
from tests.n8n.support.mail import MailServer
from tests.n8n.support.running import RunningN8n
from tools import n8n_instance
from tools.n8n_install import install
from tools.n8n_instance import Instance, Secrets
from tools.places import HOME
from tools.processes import Family

# Always the same, so that the workflows are imported only when they have changed: n8n takes minutes for that.
FOLDER = HOME / "n8n-of-tests"
PORT, MAIL_PORT, FAR_END_PORT = 15678, 15680, 15681
SECRETS = Secrets(*(f"what {use}, in tests alone" for use in ("Medcal signs with", "n8n signs with", "n8n locks with")))
# The usual workflow, with an SMS provider; the others have none.
WITH_SMS = flows.Flow("with-sms", "Medcal: with SMS", ())


@pytest.fixture(scope="session")
def mail_server() -> Iterator[MailServer]:
    with MailServer(MAIL_PORT) as running:
        yield running


@pytest.fixture(scope="session")
def far_end_of_all() -> Iterator[FarEnd]:
    with FarEnd(SECRETS.callback, FAR_END_PORT) as running:
        yield running


@pytest.fixture
def far_end(far_end_of_all: FarEnd) -> Iterator[FarEnd]:
    yield far_end_of_all
    far_end_of_all.away, far_end_of_all.answering = False, None


@pytest.fixture(scope="session")
def n8n_of_all(mail_server: MailServer, far_end_of_all: FarEnd) -> Iterator[RunningN8n]:
    """Set up like that of `manage.py n8n`, in a folder of its own."""
    clinic = flows.Settings(far_end_of_all.url, '"Medcal Clinic" <desk@clinic.example>')
    with Family("n8n-of-tests") as family:
        install(family)
        instance = Instance(FOLDER, PORT, SECRETS)
        n8n_instance.import_workflows(
            family,
            instance,
            clinic=clinic,
            mail=n8n_instance.MailServer("127.0.0.1", MAIL_PORT),
            sms_header=("Authorization", "Bearer provider"),
            more=[(WITH_SMS, replace(clinic, sms_gateway=f"{far_end_of_all.url}/sms"))],
        )
        running = RunningN8n(family, instance, [WITH_SMS])
        running.start()
        yield running


@pytest.fixture
def n8n(n8n_of_all: RunningN8n, configured: Callable[..., None]) -> RunningN8n:
    """Running, also after a test that has killed it; on this machine, where webhooks are otherwise not sent."""
    configured(WEBHOOK_ALLOW_PRIVATE="1")
    if not n8n_of_all.is_running:
        n8n_of_all.start()
    return n8n_of_all
