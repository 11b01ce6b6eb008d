"""One n8n of our own: started on this machine alone, told nothing of the outside, and given Medcal's workflows."""

import hashlib
import json
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from n8n import flows, render
from tools.n8n_install import FOLDER, LOG, node_home, versions
from tools.places import LOGS
from tools.processes import Child, Family
from tools.say import Step, Stop, last_lines
from tools.stamps import is_stamped

# So long may bringing one workflow up take; after that n8n gives it up for good. A kill in the wrong second keeps it away as long.
LEASE_SECONDS = 60
PATIENCE_SECONDS = 180
# What n8n takes over of our environment; everything else, above all our secrets, is none of its business.
INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "NODE_EXTRA_CA_CERTS")
# Each of these would call home, or is of no use to a clinic.
DISABLED_MODULES = (
    "insights,external-secrets,community-packages,oauth-server,mcp,mcp-registry,source-control,dynamic-credentials,"
    "chat-hub,sso-oidc,sso-saml,log-streaming,ldap,quick-connect,workflow-builder,instance-ai,otel,token-exchange,"
    "instance-version-history,oauth-jwe,workflow-reviews,breaking-changes,provisioning"
)
SWITCHED_OFF = (
    "N8N_DIAGNOSTICS_ENABLED",
    "N8N_VERSION_NOTIFICATIONS_ENABLED",
    "N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED",
    "N8N_DYNAMIC_BANNERS_ENABLED",
    "N8N_TEMPLATES_ENABLED",
    "N8N_PERSONALIZATION_ENABLED",
    "N8N_HIRING_BANNER_ENABLED",
    "N8N_LICENSE_AUTO_RENEW_ENABLED",
    "N8N_COMMUNITY_PACKAGES_ENABLED",
    "N8N_UNVERIFIED_PACKAGES_ENABLED",
    "N8N_VERIFIED_PACKAGES_ENABLED",
    "N8N_AI_ENABLED",
    "N8N_MCP_BUILDER_ENABLED",
    "N8N_SECURE_COOKIE",
)


@dataclass(frozen=True)
class Secrets:
    """What Medcal and its n8n know of each other, and the key under which n8n keeps its credentials."""

    webhook: str
    callback: str
    encryption: str


@dataclass(frozen=True)
class MailServer:
    """Where n8n hands mails in; `security` is starttls, tls or none."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    security: str = "none"


@dataclass(frozen=True)
class Instance:
    """One n8n: its folder (workflows, credentials, what it remembers) and its port; the next port is its broker's."""

    home: Path
    port: int
    secrets: Secrets

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url_of(self, flow: flows.Flow) -> str:
        return f"{self.url}/webhook/{flow.path}"


def command(*words: str) -> list[str]:
    return [str(node_home() / "bin" / "node"), str(FOLDER / "node_modules" / "n8n" / "bin" / "n8n"), *words]


def settings_of(instance: Instance) -> dict[str, str]:
    """The whole environment of n8n: on this machine alone, no call to the outside, as little kept as it can."""
    taken = {name: os.environ[name] for name in INHERITED if name in os.environ}
    off = dict.fromkeys(SWITCHED_OFF, "false")
    return {
        **taken,
        **off,
        "PATH": f"{node_home() / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": str(instance.home),
        "N8N_USER_FOLDER": str(instance.home),
        "N8N_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_HOST": "127.0.0.1",
        "N8N_PORT": str(instance.port),
        "N8N_PROTOCOL": "http",
        "N8N_EDITOR_BASE_URL": f"{instance.url}/",
        "N8N_WEBHOOK_URL": f"{instance.url}/",
        "N8N_DISABLE_UI": os.environ.get("N8N_DISABLE_UI", "true"),
        "N8N_PUBLIC_API_DISABLED": "true",
        "N8N_ENCRYPTION_KEY": instance.secrets.encryption,
        "N8N_ENFORCE_SETTINGS_FILE_PERMISSIONS": "true",
        "N8N_BLOCK_ENV_ACCESS_IN_NODE": "true",
        "N8N_GIT_NODE_DISABLE_BARE_REPOS": "true",
        # No workflow of ours runs code, so no process that would run it is started.
        "N8N_RUNNERS_MODE": "external",
        "N8N_RUNNERS_AUTH_TOKEN": instance.secrets.encryption,
        "N8N_RUNNERS_BROKER_LISTEN_ADDRESS": "127.0.0.1",
        "N8N_RUNNERS_BROKER_PORT": str(instance.port + 1),
        "N8N_DISABLED_MODULES": DISABLED_MODULES,
        "N8N_WORKFLOW_PUBLICATION_OUTBOX_LEASE_SECONDS": str(LEASE_SECONDS),
        "DB_TYPE": "sqlite",
        # Patients' names and times go through here. What a run leaves is deleted within minutes.
        "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "none",
        "EXECUTIONS_DATA_SAVE_ON_ERROR": "none",
        "EXECUTIONS_DATA_SAVE_ON_PROGRESS": "false",
        "EXECUTIONS_DATA_SAVE_MANUAL_EXECUTIONS": "false",
        "EXECUTIONS_DATA_PRUNE": "true",
        "EXECUTIONS_DATA_MAX_AGE": "1",
        "EXECUTIONS_DATA_HARD_DELETE_BUFFER": "0",
        "EXECUTIONS_DATA_PRUNE_HARD_DELETE_INTERVAL": "1",
    }


def import_workflows(
    family: Family,
    instance: Instance,
    *,
    clinic: flows.Settings,
    mail: MailServer,
    sms_header: tuple[str, str],
    more: Sequence[tuple[flows.Flow, flows.Settings]] = (),
) -> None:
    """Give n8n the workflows and what they need to know; nothing to do if it has them already. n8n must not run.

    `more` are workflows beside the shipped ones, with settings of their own.
    """
    credentials = _credentials(instance.secrets, mail, sms_header)
    wanted_flows = [*((flow, clinic) for flow in (*flows.FLOWS, flows.ALL)), *more]
    texts = {flow.id: render.as_text(flow, settings) for flow, settings in wanted_flows}
    wanted = _digest([*texts.values(), json.dumps(credentials), versions()])
    imported = _imported(instance)
    if is_stamped(imported, wanted):
        return
    folder = instance.home / "import"
    try:
        write_private(folder / "credentials.json", json.dumps(credentials))
        write_private(folder / "workflows.json", f"[{','.join(texts.values())}]")
        _import(family, instance, folder, list(texts))
    finally:
        # The passwords in it are plain text.
        shutil.rmtree(folder, ignore_errors=True)
    imported.write_text(wanted)


def _imported(instance: Instance) -> Path:
    """Says which workflows n8n has."""
    return instance.home / "medcal-imported"


def _import(family: Family, instance: Instance, folder: Path, ids: Sequence[str]) -> None:
    print("n8n gets the workflows: one to four minutes, once.")
    imported = "Successfully imported"
    _call(family, instance, "Giving it the keys", imported, "import:credentials", f"--input={folder}/credentials.json")
    _call(family, instance, "Giving it the workflows", imported, "import:workflow", f"--input={folder}/workflows.json")
    for number, one in enumerate(ids, 1):
        label = f"Publishing them, {number} of {len(ids)}"
        _call(family, instance, label, "Please restart n8n", "publish:workflow", f"--id={one}")


def _call(family: Family, instance: Instance, label: str, says: str, *words: str) -> None:
    """One command of n8n's own. It ends well even where it failed, so its words are what counts."""
    family.run(
        label, command(*words), log=LOG, env=settings_of(instance), advice="Does another n8n run on this folder?"
    )
    said = LOG.read_text(errors="replace")
    if says not in said:
        raise Stop(f"{last_lines(LOG)}\nn8n did not do what it was asked: {words[0]}.")


def start(family: Family, instance: Instance) -> Child:
    return family.start(command("start"), env=settings_of(instance), log=LOGS / "n8n.log")


def wait_until_ready(instance: Instance, process: Child, more: Sequence[flows.Flow] = ()) -> None:
    """Return when every workflow answers, those beside the shipped ones too.

    A call that is not signed is refused by the workflow itself; before it is there, n8n says other things.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    waiting = [instance.url_of(flow) for flow in (*flows.FLOWS, flows.ALL, *more)]
    with Step("Starting n8n (10 to 60 s)") as step:
        while waiting:
            waiting = [url for url in waiting if status_of(url) != 401]
            if process.poll() is not None:
                raise Stop(f"{last_lines(LOGS / 'n8n.log')}\nn8n does not come up.")
            if time.monotonic() > give_up_at:
                # A workflow that n8n has given up comes back only when it is given anew.
                _imported(instance).unlink(missing_ok=True)
                raise Stop("n8n does not come up in time. Start again: it gets the workflows anew.")
            step.tick()
            time.sleep(0.3)


def status_of(url: str) -> int | None:
    """What an unsigned call is answered with; None where nobody answers."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, b"{}", method="POST"), timeout=10) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def _credentials(secrets: Secrets, mail: MailServer, sms_header: tuple[str, str]) -> Sequence[Mapping[str, object]]:
    smtp = {
        "user": mail.user,
        "password": mail.password,
        "host": mail.host,
        "port": mail.port,
        "secure": mail.security == "tls",
        "disableStartTls": mail.security == "none",
    }
    name, value = sms_header
    return [
        {**flows.MESSAGES, "type": "crypto", "data": {"hmacSecret": secrets.webhook}},
        {**flows.CALLBACKS, "type": "crypto", "data": {"hmacSecret": secrets.callback}},
        {**flows.MAIL, "type": "smtp", "data": smtp},
        {**flows.SMS, "type": "httpHeaderAuth", "data": {"name": name, "value": value}},
    ]


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def write_private(path: Path, text: str) -> None:
    """A file for this user alone, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_suffix(".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
