"""The workflows that a clinic imports into its n8n: as their script writes them, complete, and without secrets."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from medcal.services import callbacks, letters, webhooks
from medcal.services.ways import ACCOUNT
from n8n import flows, parts, render
from tools import n8n, n8n_instance
from tools.n8n_instance import Instance, MailServer, Secrets
from tools.say import Stop

EVERY = (*flows.FLOWS, flows.ALL)


def workflow(flow: flows.Flow) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((render.HERE / f"{flow.file}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(params=EVERY, ids=lambda flow: flow.file)
def flow(request: pytest.FixtureRequest) -> flows.Flow:
    found: flows.Flow = request.param
    return found


def test_each_file_is_what_the_script_writes(flow: flows.Flow):
    written = (render.HERE / f"{flow.file}.json").read_text(encoding="utf-8")

    assert written == render.as_text(flow, flows.Settings()), "run python3 -m n8n.render"


def test_there_is_no_file_beside_those_of_the_script():
    assert {file.stem for file in render.HERE.glob("*.json")} == {flow.file for flow in EVERY}


def test_every_kind_of_letter_has_its_workflow_and_only_one():
    kinds = [kind for flow in flows.FLOWS for kind in flow.kinds]

    assert sorted(kinds) == sorted([*letters.LETTERS, ACCOUNT])


def test_every_kind_has_its_address_in_the_clinics_environment(tmp_path: Path):
    told = n8n.settings_for_clinic(_instance(tmp_path))

    for kind in (*letters.LETTERS, ACCOUNT):
        assert told[f"N8N_WEBHOOK_URL_{kind.replace('.', '_').upper()}"].startswith(
            "http://127.0.0.1:5678/webhook/medcal-"
        )
    assert told["N8N_WEBHOOK_URL"] == "http://127.0.0.1:5678/webhook/medcal-all-messages"


def test_workflows_differ_in_name_and_address_alone():
    first, *others = [_without_identity(flow) for flow in EVERY]

    assert all(other == first for other in others)


def test_addresses_and_ids_of_workflows_are_their_own():
    workflows = [workflow(flow) for flow in EVERY]
    webhook_nodes = [node for each in workflows for node in each["nodes"] if node["type"].endswith(".webhook")]

    assert len({each["id"] for each in workflows}) == len({each["name"] for each in workflows}) == len(EVERY)
    assert len({node["parameters"]["path"] for node in webhook_nodes}) == len(EVERY)
    assert len({node["webhookId"] for node in webhook_nodes}) == len(EVERY)


def test_every_way_leads_to_a_node_and_every_node_is_reached(flow: flows.Flow):
    drawn = workflow(flow)
    names = [node["name"] for node in drawn["nodes"]]
    targets = {
        target["node"]
        for exits in drawn["connections"].values()
        for targets_of_exit in exits["main"]
        for target in targets_of_exit
    }

    assert len(set(names)) == len(names)
    assert set(drawn["connections"]) | targets == set(names)
    assert targets == set(names) - {"Message comes"}


def test_what_a_script_in_a_node_names_exists(flow: flows.Flow):
    text = (render.HERE / f"{flow.file}.json").read_text(encoding="utf-8")
    names = {node["name"] for node in workflow(flow)["nodes"]}

    assert set(re.findall(r"\$\('([^']+)'\)", text)) <= names


def test_only_fields_that_are_posted_are_read(flow: flows.Flow):
    posted = {"type", "timestamp", "id", "channel", "to", "name", "language", "subject", "text", "html", "calendar"}
    text = (render.HERE / f"{flow.file}.json").read_text(encoding="utf-8")

    read = set(re.findall(r"json\.body\.(\w+)", text)) | set(re.findall(r'"body\.(\w+)"', text))

    assert read and read <= posted


def test_nothing_patients_are_told_is_kept(flow: flows.Flow):
    settings = workflow(flow)["settings"]

    assert settings["saveDataSuccessExecution"] == settings["saveDataErrorExecution"] == "none"
    assert settings["saveExecutionProgress"] is settings["saveManualExecutions"] is False


def test_a_signature_is_good_for_as_long_as_on_our_side():
    assert webhooks.TOLERANCE.total_seconds() == parts.TOLERANCE_SECONDS


def test_that_no_sms_can_be_sent_is_said_in_words_that_we_know(flow: flows.Flow):
    said = next(node for node in workflow(flow)["nodes"] if node["name"] == "No SMS provider")

    assert f"error: '{callbacks.NO_SMS}'" in json.dumps(said)


def test_no_mail_is_tried_twice_within_n8n(flow: flows.Flow):
    senders = [node for node in workflow(flow)["nodes"] if node["name"].startswith("Send")]

    assert len(senders) == 3
    assert all("retryOnFail" not in node and node["onError"] == "continueErrorOutput" for node in senders)


def test_no_secret_and_no_address_of_a_machine_is_in_a_workflow(flow: flows.Flow):
    text = (render.HERE / f"{flow.file}.json").read_text(encoding="utf-8")
    credentials = [each for node in workflow(flow)["nodes"] for each in node.get("credentials", {}).values()]

    assert credentials and all(set(each) == {"id", "name"} for each in credentials)
    assert not re.search(r"localhost|127\.0\.0\.1|/home/|/work/|/root/|password", text)
    assert set(re.findall(r"https?://[\w.-]+", text)) <= {"https://clinic.example"}


def test_a_clinic_can_have_its_own_addresses_filled_in(tmp_path: Path):
    render.main(
        [
            "--medcal",
            "https://praxis.example/",
            "--sender",
            "termine@praxis.example",
            "--sms-gateway",
            "",
            "--out",
            str(tmp_path),
        ]
    )

    for flow in EVERY:
        drawn = json.loads((tmp_path / f"{flow.file}.json").read_text())
        settings = next(node for node in drawn["nodes"] if node["name"] == "Settings")
        values = {row["name"]: row["value"] for row in settings["parameters"]["assignments"]["assignments"]}
        assert values == {
            "callback": "https://praxis.example/api/n8n/callback",
            "sender": "termine@praxis.example",
            "sms_gateway": "",
        }


def test_n8n_learns_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(n8n_instance, "node_home", lambda: tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://our-secret")
    monkeypatch.setenv("N8N_WEBHOOK_URL", "http://127.0.0.1:1/ours")
    instance = _instance(tmp_path)

    told = n8n_instance.settings_of(instance)

    assert "DATABASE_URL" not in told
    assert told["N8N_WEBHOOK_URL"] == "http://127.0.0.1:5678/"
    assert told["N8N_LISTEN_ADDRESS"] == "127.0.0.1"
    assert not {instance.secrets.webhook, instance.secrets.callback} & set(told.values())


def test_secrets_are_made_once_and_for_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kept = tmp_path / "n8n" / "secrets.json"

    first, second = n8n.kept_secrets(kept), n8n.kept_secrets(kept)

    assert first == second
    assert kept.stat().st_mode & 0o777 == 0o600
    assert len({first.webhook, first.callback, first.encryption}) == 3


def test_secrets_that_n8n_would_read_differently_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(n8n, "SECRETS", tmp_path / "secrets.json")
    monkeypatch.setenv("N8N_WEBHOOK_SECRET", "whsec_c2VjcmV0IG9mIHRoZSBjbGluaWM=")

    with pytest.raises(Stop, match="N8N_WEBHOOK_SECRET"):
        n8n._secrets()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, MailServer("127.0.0.1", 5680)),
        ({"SMTP_HOST": "mail.example"}, MailServer("mail.example", 587, security="starttls")),
        ({"SMTP_HOST": "mail.example", "SMTP_SECURITY": "tls"}, MailServer("mail.example", 465, security="tls")),
        (
            {"SMTP_HOST": "mail.example", "SMTP_PORT": "2525", "SMTP_USER": "clinic", "SMTP_PASSWORD": "word"},
            MailServer("mail.example", 2525, "clinic", "word", "starttls"),
        ),
    ],
)
def test_mails_go_to_the_server_of_the_environment_else_to_the_mailbox(
    variables, expected, monkeypatch, tmp_path: Path
):
    for name in ("SMTP_HOST", "SMTP_PORT", "SMTP_USER", "SMTP_PASSWORD", "SMTP_SECURITY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert n8n._mail_server(_instance(tmp_path)) == expected


def test_a_mail_server_without_a_sender_is_not_enough(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SMTP_HOST", "mail.example")
    monkeypatch.delenv("SMTP_FROM", raising=False)

    with pytest.raises(Stop, match="SMTP_FROM"):
        n8n._clinic()


def _instance(home: Path) -> Instance:
    return Instance(home, 5678, Secrets("a secret for the webhook", "a secret for callbacks", "a key for n8n"))


def _without_identity(flow: flows.Flow) -> dict[str, Any]:
    drawn = workflow(flow)
    nodes = [{key: value for key, value in node.items() if key not in ("id", "webhookId")} for node in drawn["nodes"]]
    text = json.dumps([nodes, drawn["connections"], drawn["settings"]]).replace(flow.path, "an address")
    found: dict[str, Any] = {"text": text}
    return found
