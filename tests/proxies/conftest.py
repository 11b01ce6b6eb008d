"""The shipped configurations of nginx and Caddy, run for real before a clinic. Left out of the usual run: `manage.py test proxies` asks for it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from medcal.certificate import ensure
from medcal.clock import now
from tests.e2e.conftest import chromium, engine, site  # noqa: F401  (fixtures)
from tests.e2e.support.clinic import OpenClinic, open_clinic
from tests.e2e.support.processes import free_port, web_worker
from tests.proxies.support.proxy import HOST, Proxy, running
from tools.proxies import NAMES, find


@pytest.fixture(scope="module", params=NAMES)
def proxy(request: pytest.FixtureRequest, site, engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:  # noqa: F811
    """A clinic at https://clinic.example behind each of them, as docs/deploy.md says."""
    program = find(request.param)
    if program is None:
        pytest.skip(f"there is no {request.param} on this machine")
    folder, port = tmp_path_factory.mktemp(request.param), free_port()
    certificate, key = ensure(folder / "tls", (HOST,), now=now())
    environment = {
        "DATABASE_URL": engine.url.render_as_string(hide_password=False).replace("+psycopg", ""),
        "MEDCAL_HOME": str(folder),
        "MEDCAL_PORT": str(port),
        "MEDCAL_URL": f"https://{HOST}",
        "TRUSTED_PROXY_HOPS": "1",
    }
    with web_worker(site, port, environment, folder), running(program, port, certificate, key, folder) as proxy:
        yield proxy


@pytest.fixture(params=NAMES)
def lonely_proxy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One behind which nobody answers."""
    program = find(request.param)
    if program is None:
        pytest.skip(f"there is no {request.param} on this machine")
    folder = tmp_path_factory.mktemp(request.param)
    certificate, key = ensure(folder / "tls", (HOST,), now=now())
    with running(program, free_port(), certificate, key, folder) as proxy:
        yield proxy


@pytest.fixture
def clinic(proxy: Proxy, engine: Engine) -> OpenClinic:  # noqa: F811
    return open_clinic(engine)
