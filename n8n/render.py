#!/usr/bin/env python3
"""Writes the workflows for n8n. All have one shape, which stands here once; they differ in name and address.

    python3 n8n/render.py                  writes the files beside this one, with addresses of an example
    python3 n8n/render.py --medcal https://clinic.example --sender appointments@clinic.example --out folder

What differs from clinic to clinic stands in the node "Settings" of each workflow; it can be changed in n8n as well.
Secrets and passwords are credentials, which n8n keeps apart and a workflow names.
"""

import argparse
import itertools
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# What a node is set up with: JSON, in the shapes that n8n knows.
Parameters = Mapping[str, object]

HERE = Path(__file__).resolve().parent
# The namespace of the ids: the same file always has the same ones, so that importing it again replaces it.
OURS = uuid.UUID("0e7f5d7e-64a7-4d0e-9f0e-4d6564634163")
CALLBACK = "/api/n8n/callback"

# The credentials by id and name.
MESSAGES = {"id": "medcalMessages01", "name": "Medcal messages"}
CALLBACKS = {"id": "medcalCallback01", "name": "Medcal callback"}
MAIL = {"id": "medcalMail000001", "name": "Medcal mail"}
SMS = {"id": "medcalSms0000001", "name": "Medcal SMS"}

# As long as a signature is good; the same as on Medcal's side.
TOLERANCE_SECONDS = 300
# The data table in which all workflows note the ids they have seen. Medcal repeats a call for three days at most.
SEEN = {"__rl": True, "mode": "name", "value": "Medcal messages seen"}
REMEMBERED_DAYS = 7
# Medcal hands a message over anew when it has heard nothing for 15 minutes. A run must be over by then, or two mails go.
LONGEST_RUN_SECONDS = 14 * 60
# Each round of reporting takes up to a minute and a half.
REPORT_ROUNDS = 8


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
    Flow("reminder", "Medcal: reminder", ("reminder.three_days", "reminder.one_day")),
    Flow("offer", "Medcal: offer of an earlier time", ("offer.made",)),
    Flow("offer-closed", "Medcal: offer closed", ("offer.withdrawn", "offer.taken", "waitlist.paused")),
    Flow("sign-in-code", "Medcal: sign-in code", ("code",)),
)
# The same for whatever kind comes: one address for all.
ALL = Flow("all-messages", "Medcal: all messages", ())


@dataclass(frozen=True)
class Settings:
    """What differs from clinic to clinic. Without a `sms_gateway` no SMS is sent, and Medcal is told so."""

    medcal: str = "https://clinic.example"
    sender: str = "appointments@clinic.example"
    sms_gateway: str = ""


@dataclass
class _Drawing:
    """Nodes and what leads from one to the next, as they are put down."""

    flow: Flow
    nodes: list[Parameters] = field(default_factory=list)
    connections: dict[str, dict[str, list[list[Parameters]]]] = field(default_factory=dict)

    def put(
        self, name: str, kind: str, version: float, at: tuple[int, int], parameters: Parameters, **more: object
    ) -> None:
        """A node in column and row `at`; `kind` is its type without the common beginning."""
        self.nodes.append(
            {
                "id": str(uuid.uuid5(OURS, f"{self.flow.file}/{name}")),
                "name": name,
                "type": f"n8n-nodes-base.{kind}",
                "typeVersion": version,
                "position": [220 * at[0], 180 * at[1]],
                "parameters": parameters,
                **more,
            }
        )

    def ask(self, name: str, at: tuple[int, int], *conditions: str) -> None:
        """A node that leads on by its first exit where all conditions (JavaScript) hold, else by its second."""
        is_true = {"type": "boolean", "operation": "true", "singleValue": True}
        rows = [
            {"id": f"{name} {number}", "leftValue": _script(condition), "rightValue": "", "operator": is_true}
            for number, condition in enumerate(conditions, 1)
        ]
        options = {"caseSensitive": True, "leftValue": "", "typeValidation": "strict", "version": 2}
        self.put(name, "if", 2.2, at, {"conditions": {"options": options, "combinator": "and", "conditions": rows}})

    def put_values(self, name: str, at: tuple[int, int], values: Mapping[str, str]) -> None:
        """A node that makes an item of these values."""
        rows = [{"id": f"{name} {key}", "name": key, "value": value, "type": "string"} for key, value in values.items()]
        parameters = {"mode": "manual", "assignments": {"assignments": rows}, "includeOtherFields": False}
        self.put(name, "set", 3.4, at, parameters)

    def lead(self, *names: str, by: int = 0) -> None:
        """From each node to the next; from the first by its exit number `by`."""
        for source, target in itertools.pairwise(names):
            exits = self.connections.setdefault(source, {"main": []})["main"]
            number = by if source == names[0] else 0
            exits.extend([] for _ in range(number + 1 - len(exits)))
            exits[number].append({"node": target, "type": "main", "index": 0})


def render(flow: Flow, settings: Settings) -> dict[str, object]:
    """The workflow as n8n imports it."""
    drawing = _Drawing(flow)
    _receive(drawing)
    _admit(drawing)
    _send(drawing, settings)
    _report(drawing)
    return {
        "id": flow.id,
        "name": flow.name,
        "active": False,
        "nodes": drawing.nodes,
        "connections": drawing.connections,
        "pinData": {},
        # Items hold what patients are told, so n8n keeps none that it need not.
        "settings": {
            "executionOrder": "v1",
            "saveDataSuccessExecution": "none",
            "saveDataErrorExecution": "none",
            "saveExecutionProgress": False,
            "saveManualExecutions": False,
            "executionTimeout": LONGEST_RUN_SECONDS,
        },
    }


# --- The four parts ----------------------------------------------------------------------------------------------------


CAME = "$('Message comes').first().json"
MESSAGE_ID = f"{CAME}.headers['webhook-id']"


def _receive(drawing: _Drawing) -> None:
    """Refuse what is not signed, signed wrongly, or too long ago."""
    headers = "$json.headers"
    drawing.put(
        "Message comes",
        "webhook",
        2,
        (0, 0),
        {
            "httpMethod": "POST",
            "path": drawing.flow.path,
            "responseMode": "responseNode",
            "options": {"rawBody": True},
        },
        webhookId=str(uuid.uuid5(OURS, drawing.flow.path)),
    )
    drawing.ask(
        "Signed lately?",
        (1, 0),
        f"!!{headers}['webhook-id'] && !!{headers}['webhook-signature']",
        f"/^[0-9]{{1,12}}$/.test({headers}['webhook-timestamp'] ?? '')",
        f"Math.abs(Date.now() / 1000 - Number({headers}['webhook-timestamp'])) <= {TOLERANCE_SECONDS}",
    )
    # What was signed are the very bytes; the parsed body could be written in many ways.
    drawing.put(
        "Exact text",
        "extractFromFile",
        1,
        (2, 0),
        {
            "operation": "text",
            "binaryPropertyName": "data",
            "destinationKey": "raw",
            "options": {"keepSource": "json"},
        },
        onError="continueErrorOutput",
    )
    signed = f"{{{{ {headers}['webhook-id'] }}}}.{{{{ {headers}['webhook-timestamp'] }}}}.{{{{ $json.raw }}}}"
    _put_signature(drawing, "Sign it ourselves", (3, 0), signed, MESSAGES)
    drawing.ask("Genuine?", (4, 0), f"{headers}['webhook-signature'].split(' ').includes('v1,' + $json.signature)")
    _put_answer(drawing, "Refuse", (5, 2), 401, '{"error": "not signed, signed wrongly, or too long ago"}')
    drawing.lead("Message comes", "Signed lately?", "Exact text", "Sign it ourselves", "Genuine?", "Have a list")
    for refusing in ("Signed lately?", "Exact text", "Genuine?"):
        drawing.lead(refusing, "Refuse", by=1)


def _admit(drawing: _Drawing) -> None:
    """Go on with what comes for the first time. The same again is accepted too, and nothing follows.

    Each call adds a row to the list, and the first row of an id decides. n8n has a node that removes duplicates; it reads
    its memory and writes it back, so that of two calls at once one is forgotten (of four at a time, every third).
    """
    column = {"name": "message", "type": "string"}
    drawing.put(
        "Have a list",
        "dataTable",
        1.1,
        (5, 0),
        {
            "resource": "table",
            "operation": "create",
            "tableName": SEEN["value"],
            "columns": {"column": [column]},
            "options": {"createIfNotExists": True},
        },
        # Of two that make it at once, one is told that it exists.
        onError="continueRegularOutput",
    )
    schema = {"id": "message", "displayName": "message", "required": False, "defaultMatch": False, "display": True}
    drawing.put(
        "Note it",
        "dataTable",
        1.1,
        (6, 0),
        {
            "resource": "row",
            "operation": "insert",
            "dataTableId": SEEN,
            "columns": {
                "mappingMode": "defineBelow",
                "value": {"message": _script(MESSAGE_ID)},
                "matchingColumns": [],
                "schema": [{**schema, "type": "string", "canBeUsedToMatch": True}],
            },
            "options": {},
        },
        onError="continueErrorOutput",
    )
    drawing.put(
        "Who came first?",
        "dataTable",
        1.1,
        (7, 0),
        {
            "resource": "row",
            "operation": "get",
            "dataTableId": SEEN,
            "matchType": "allConditions",
            "filters": {"conditions": [{"keyName": "message", "condition": "eq", "keyValue": _script(MESSAGE_ID)}]},
            "returnAll": False,
            "limit": 1,
            "orderBy": True,
            "orderByColumn": "id",
            "orderByDirection": "ASC",
        },
        onError="continueErrorOutput",
    )
    drawing.ask("First time?", (8, 0), "$json.id === $('Note it').first().json.id")
    accepted = _script(f"JSON.stringify({{accepted: {MESSAGE_ID}}})")
    _put_answer(drawing, "Accept", (9, 0), 202, accepted)
    _put_answer(drawing, "Accept again", (9, 1), 202, accepted)
    # Medcal comes again with the same id, which is in no list.
    _put_answer(drawing, "Not now", (7, 1), 503, '{"error": "the list of messages cannot be reached"}')
    drawing.lead("Have a list", "Note it", "Who came first?", "First time?", "Accept", "Settings")
    drawing.lead("First time?", "Accept again", by=1)
    drawing.lead("Note it", "Not now", by=1)
    # A list that can be written but not read: better twice than never.
    drawing.lead("Who came first?", "Accept", by=1)


def _send(drawing: _Drawing, settings: Settings) -> None:
    """Send the SMS, or the e-mail with or without a calendar file.

    Nothing is tried twice here: whether a mail that broke off has left is not known, and Medcal decides what is sent
    again.
    """
    drawing.put_values(
        "Settings",
        (10, 0),
        {"callback": settings.medcal + CALLBACK, "sender": settings.sender, "sms_gateway": settings.sms_gateway},
    )
    fields = ("channel", "to", "subject", "text", "html", "calendar")
    drawing.put_values("The message", (11, 0), {name: _script(f"{CAME}.body.{name} ?? ''") for name in fields})
    drawing.ask("An SMS?", (12, 0), "$json.channel === 'sms'")
    drawing.ask("SMS provider?", (13, 2), "!!$('Settings').first().json.sms_gateway")
    drawing.put(
        "Send the SMS",
        "httpRequest",
        4.2,
        (14, 2),
        {
            "method": "POST",
            "url": "={{ $('Settings').first().json.sms_gateway }}",
            "authentication": "genericCredentialType",
            "genericAuthType": "httpHeaderAuth",
            "sendBody": True,
            "specifyBody": "json",
            "jsonBody": "={{ JSON.stringify({to: $json.to, text: $json.text}) }}",
            "options": {"timeout": 15000, "redirect": {"redirect": {"followRedirects": False}}},
        },
        credentials={"httpHeaderAuth": SMS},
        onError="continueErrorOutput",
    )
    drawing.ask("A calendar file?", (13, 0), "!!$json.calendar")
    drawing.put(
        "Make the calendar file",
        "convertToFile",
        1.1,
        (14, 0),
        {
            "operation": "toBinary",
            "sourceProperty": "calendar",
            "binaryPropertyName": "file",
            "options": {"fileName": "invite.ics", "mimeType": "text/calendar"},
        },
    )
    _put_mail(drawing, "Send the e-mail with it", (15, 0), {"attachments": "file"})
    _put_mail(drawing, "Send the e-mail", (15, 1), {})
    drawing.lead("Settings", "The message", "An SMS?", "SMS provider?", "Send the SMS", "It has left")
    drawing.lead("SMS provider?", "No SMS provider", by=1)
    drawing.lead("Send the SMS", "It has not left", by=1)
    drawing.lead("An SMS?", "A calendar file?", by=1)
    drawing.lead("A calendar file?", "Make the calendar file", "Send the e-mail with it", "It has left")
    drawing.lead("A calendar file?", "Send the e-mail", "It has left", by=1)
    for sending in ("Send the e-mail with it", "Send the e-mail"):
        drawing.lead(sending, "It has not left", by=1)


def _report(drawing: _Drawing) -> None:
    """Tell Medcal what came of it, signed; a Medcal that is away for some minutes is told when it is back."""
    message_id = f"id: {MESSAGE_ID}"
    outcomes = {
        "It has left": "status: 'sent', message_id: String($json.messageId ?? $json.message_id ?? $json.id ?? '')",
        "It has not left": "status: 'failed', error: "
        "String($json.error?.message ?? $json.error ?? 'no reason given').slice(0, 500)",
        "No SMS provider": "status: 'failed', error: 'no SMS provider'",
    }
    for row, (name, outcome) in enumerate(outcomes.items()):
        drawing.put_values(name, (16, row), {"report": _script(f"JSON.stringify({{{message_id}, {outcome}}})")})
        drawing.lead(name, "Report")
    drawing.put("Report", "noOp", 1, (17, 0), {})
    # Anew for each round: a signature is good for minutes only.
    drawing.put_values(
        "Stamp it",
        (18, 0),
        {
            "id": _script(MESSAGE_ID),
            "timestamp": "={{ String(Math.floor(Date.now() / 1000)) }}",
            "report": "={{ $('Report').first().json.report }}",
        },
    )
    signed = "{{ $json.id }}.{{ $json.timestamp }}.{{ $json.report }}"
    _put_signature(drawing, "Sign the report", (19, 0), signed, CALLBACKS)
    headers = {
        "webhook-id": "={{ $json.id }}",
        "webhook-timestamp": "={{ $json.timestamp }}",
        "webhook-signature": "=v1,{{ $json.signature }}",
    }
    drawing.put(
        "Tell Medcal",
        "httpRequest",
        4.2,
        (20, 0),
        {
            "method": "POST",
            "url": "={{ $('Settings').first().json.callback }}",
            "sendHeaders": True,
            "headerParameters": {"parameters": [{"name": name, "value": value} for name, value in headers.items()]},
            "sendBody": True,
            "contentType": "raw",
            "rawContentType": "application/json",
            "body": "={{ $json.report }}",
            "options": {"timeout": 10000, "redirect": {"redirect": {"followRedirects": False}}},
        },
        onError="continueErrorOutput",
        retryOnFail=True,
        maxTries=3,
        waitBetweenTries=5000,
    )
    drawing.ask("Once more?", (21, 1), f"$runIndex < {REPORT_ROUNDS - 1}")
    # Below 65 seconds n8n waits in memory; above, it would write the whole message into its database.
    drawing.put("Wait a minute", "wait", 1.1, (22, 1), {"amount": 60, "unit": "seconds"})
    drawing.put(
        "Forget old ones",
        "dataTable",
        1.1,
        (21, 0),
        {
            "resource": "row",
            "operation": "deleteRows",
            "dataTableId": SEEN,
            "matchType": "allConditions",
            "filters": {
                "conditions": [
                    {
                        "keyName": "createdAt",
                        "condition": "lt",
                        "keyValue": _script(f"new Date(Date.now() - {REMEMBERED_DAYS * 86_400_000}).toISOString()"),
                    }
                ]
            },
            "options": {},
        },
        onError="continueRegularOutput",
    )
    drawing.lead("Report", "Stamp it", "Sign the report", "Tell Medcal", "Forget old ones")
    drawing.lead("Tell Medcal", "Once more?", by=1)
    drawing.lead("Once more?", "Wait a minute", "Stamp it")


# --- What they are made of ---------------------------------------------------------------------------------------------


def _script(expression: str) -> str:
    return f"={{{{ {expression} }}}}"


def _put_signature(
    drawing: _Drawing, name: str, at: tuple[int, int], signed: str, credential: Mapping[str, str]
) -> None:
    parameters = {
        "action": "hmac",
        "type": "SHA256",
        "value": f"={signed}",
        "dataPropertyName": "signature",
        "encoding": "base64",
    }
    drawing.put(name, "crypto", 2, at, parameters, credentials={"crypto": credential})


def _put_answer(drawing: _Drawing, name: str, at: tuple[int, int], status: int, body: str) -> None:
    parameters = {"respondWith": "json", "responseBody": body, "options": {"responseCode": status}}
    drawing.put(name, "respondToWebhook", 1.1, at, parameters)


def _put_mail(drawing: _Drawing, name: str, at: tuple[int, int], options: Parameters) -> None:
    message = "$('The message').first().json"
    drawing.put(
        name,
        "emailSend",
        2.1,
        at,
        {
            "fromEmail": "={{ $('Settings').first().json.sender }}",
            "toEmail": f"={{{{ {message}.to }}}}",
            "subject": f"={{{{ {message}.subject }}}}",
            "emailFormat": "both",
            "text": f"={{{{ {message}.text }}}}",
            "html": f"={{{{ {message}.html }}}}",
            "options": {"appendAttribution": False, **options},
        },
        credentials={"smtp": MAIL},
        onError="continueErrorOutput",
    )


# --- Files -------------------------------------------------------------------------------------------------------------


def as_text(flow: Flow, settings: Settings) -> str:
    return json.dumps(render(flow, settings), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path, settings: Settings) -> None:
    """One file per workflow."""
    folder.mkdir(parents=True, exist_ok=True)
    for flow in (*FLOWS, ALL):
        (folder / f"{flow.file}.json").write_text(as_text(flow, settings), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    usual = Settings()
    parser = argparse.ArgumentParser(description="Writes the workflows for n8n.")
    parser.add_argument("--medcal", default=usual.medcal, help="where n8n reaches Medcal: https://clinic.example")
    parser.add_argument("--sender", default=usual.sender, help="who the e-mails are from")
    parser.add_argument(
        "--sms-gateway", default=usual.sms_gateway, help="where SMS are posted to; empty: none are sent"
    )
    parser.add_argument("--out", type=Path, default=HERE, help="the folder to write into")
    given = parser.parse_args(arguments)
    write(given.out, Settings(given.medcal.rstrip("/"), given.sender, given.sms_gateway))


if __name__ == "__main__":
    main()
