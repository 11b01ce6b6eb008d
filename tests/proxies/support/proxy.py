"""One proxy with the shipped configuration: other ports and folders, and not a word else of it changed."""

import http.client
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.support.processes import PROJECT, free_port

HOST = "clinic.example"
DEPLOY = PROJECT / "deploy"
PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: str

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.headers if each.lower() == name]


@dataclass(frozen=True)
class Proxy:
    """Listens on this machine, and on its address in the network where it has one: a client from there is no loopback."""

    name: str
    port: int
    plain_port: int
    certificate: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: str | None = None,
        *,
        host: str = HOST,
        at: str = "127.0.0.1",
        **headers: str,
    ) -> Answer:
        """One request on https; header names with underscores for dashes."""
        connection = http.client.HTTPConnection(HOST, timeout=20)
        connection.sock = self.line(at)
        return _ask(connection, path, method, body, {"Host": host} | _dashed(headers))

    def ask_plainly(
        self, path: str, method: str = "GET", body: str | None = None, *, host: str = HOST, **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.plain_port, timeout=20)
        return _ask(connection, path, method, body, {"Host": host} | _dashed(headers))

    def line(self, at: str = "127.0.0.1", least: ssl.TLSVersion | None = None) -> ssl.SSLSocket:
        """An encrypted line; the certificate must be that of the clinic."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if least:
            context.minimum_version = context.maximum_version = least
        return context.wrap_socket(socket.create_connection((at, self.port), timeout=20), server_hostname=HOST)

    def handshake(self, **headers: str) -> int:
        """The status that a websocket's handshake is answered with."""
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        upgrade["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA=="
        connection = http.client.HTTPConnection(HOST, timeout=20)
        connection.sock = self.line()
        query = "EIO=4&transport=websocket&token=2f0f1a43-91c4-4a4e-8a4e-0d6c4a1f6f10"
        connection.request("GET", f"/_event/?{query}", headers={"Host": HOST} | upgrade | _dashed(headers))
        status = connection.getresponse().status
        connection.close()
        return status


def _dashed(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _ask(
    connection: http.client.HTTPConnection, path: str, method: str, body: str | None, headers: dict[str, str]
) -> Answer:
    connection.request(method, path, body, headers)
    with connection.getresponse() as response:
        answer = Answer(response.status, response.getheaders(), response.read().decode(errors="replace"))
    connection.close()
    return answer


def own_address() -> str | None:
    """This machine's address in its network; None where it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as question:
        try:
            question.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(question.getsockname()[0])


@contextmanager
def running(program: Path, upstream: int, certificate: Path, key: Path, folder: Path) -> Iterator[Proxy]:
    """The proxy before a web worker on the port `upstream`, until the end of the block."""
    port, plain_port, log = free_port(), free_port(), folder / "requests.log"
    write = {"nginx": _write_nginx, "caddy": _write_caddy}[program.name]
    command = write(folder, port, plain_port, upstream, certificate, key, log)
    with (folder / "proxy.log").open("wb") as said:
        process = subprocess.Popen(
            [program, *command], env={**os.environ, "HOME": str(folder)}, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_open(process, (port, plain_port), folder / "proxy.log")
        yield Proxy(program.name, port, plain_port, certificate, log, process)
    finally:
        process.terminate()
        process.wait(20)


def _replaced(file: str, changes: Mapping[str, str]) -> str:
    """The shipped text; each change must find something."""
    text = (DEPLOY / file).read_text()
    for old, new in changes.items():
        assert old in text, f"{file} has no {old!r} any more"
        text = text.replace(old, new)
    return text


def _write_nginx(
    folder: Path, port: int, plain_port: int, upstream: int, certificate: Path, key: Path, log: Path
) -> list[str]:
    own = own_address()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl http2;": " ".join(f"listen {at}:{port} ssl http2;" for at in ("127.0.0.1", own) if at),
        "/etc/ssl/medcal/fullchain.pem": str(certificate),
        "/etc/ssl/medcal/key.pem": str(key),
        "/var/log/nginx/medcal.log": str(log),
        "/var/log/nginx/medcal-error.log": str(folder / "errors.log"),
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "/srv/medcal/deploy": str(DEPLOY),
    }
    (folder / "medcal.conf").write_text(_replaced("nginx.conf", changes))
    temporary = "".join(
        f"{kind}_temp_path {folder};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # As root its workers would be somebody else, who may not look into the folders of tests.
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nworker_processes 1;\nevents {{}}\n"
        f"http {{\n{temporary}include {folder}/medcal.conf;\n}}\n"
    )
    return ["-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


def _write_caddy(
    folder: Path, port: int, plain_port: int, upstream: int, certificate: Path, key: Path, log: Path
) -> list[str]:
    bind = " ".join(filter(None, ("127.0.0.1", own_address())))
    ports = f"\tadmin off\n\thttp_port {plain_port}\n\thttps_port {port}\n\tstorage file_system {folder}\n"
    changes = {
        "\tauto_https disable_redirects\n": f"\tauto_https disable_redirects\n{ports}",
        "(log) {\n\tlog {\n": f"(log) {{\n\tlog {{\n\t\toutput file {log}\n",
        "\nclinic.example {\n": f"\nclinic.example {{\n\ttls {certificate} {key}\n\tbind {bind}\n",
        "127.0.0.1:8000": f"127.0.0.1:{upstream}",
        "/srv/medcal/deploy": str(DEPLOY),
    }
    (folder / "Caddyfile").write_text(_replaced("Caddyfile", changes))
    return ["run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


def _wait_until_open(process: "subprocess.Popen[bytes]", ports: tuple[int, ...], log: Path) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not all(_is_open(port) for port in ports):
        assert process.poll() is None and time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.05)


def _is_open(port: int) -> bool:
    with socket.socket() as line:
        line.settimeout(1)
        return line.connect_ex(("127.0.0.1", port)) == 0
