"""The four parts of every workflow: let in what is genuine, once; send it; report what came of it."""

import uuid

from n8n.drawing import Drawing, put_answer, put_mail, put_signature, script
from n8n.flows import CALLBACKS, MESSAGES, OURS, SMS, Settings

CALLBACK = "/api/n8n/callback"
# As long as a signature is good; the same as on Medcal's side.
TOLERANCE_SECONDS = 300
# The data table in which all workflows note the ids they have seen. Medcal repeats a call for three days at most.
SEEN = {"__rl": True, "mode": "name", "value": "Medcal messages seen"}
REMEMBERED_DAYS = 7
# Medcal hands a message over anew when it has heard nothing for 15 minutes. A run must be over by then, or two mails go.
LONGEST_RUN_SECONDS = 14 * 60
# Each round of reporting takes up to a minute and a half.
REPORT_ROUNDS = 8

CAME = "$('Message comes').first().json"
MESSAGE_ID = f"{CAME}.headers['webhook-id']"


def receive(drawing: Drawing) -> None:
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
    put_signature(drawing, "Sign it ourselves", (3, 0), signed, MESSAGES)
    drawing.ask("Genuine?", (4, 0), f"{headers}['webhook-signature'].split(' ').includes('v1,' + $json.signature)")
    put_answer(drawing, "Refuse", (5, 2), 401, '{"error": "not signed, signed wrongly, or too long ago"}')
    drawing.lead("Message comes", "Signed lately?", "Exact text", "Sign it ourselves", "Genuine?", "Have a list")
    for refusing in ("Signed lately?", "Exact text", "Genuine?"):
        drawing.lead(refusing, "Refuse", by=1)


def admit(drawing: Drawing) -> None:
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
                "value": {"message": script(MESSAGE_ID)},
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
            "filters": {"conditions": [{"keyName": "message", "condition": "eq", "keyValue": script(MESSAGE_ID)}]},
            "returnAll": False,
            "limit": 1,
            "orderBy": True,
            "orderByColumn": "id",
            "orderByDirection": "ASC",
        },
        onError="continueErrorOutput",
    )
    drawing.ask("First time?", (8, 0), "$json.id === $('Note it').first().json.id")
    accepted = script(f"JSON.stringify({{accepted: {MESSAGE_ID}}})")
    put_answer(drawing, "Accept", (9, 0), 202, accepted)
    put_answer(drawing, "Accept again", (9, 1), 202, accepted)
    # Medcal comes again with the same id, which is in no list.
    put_answer(drawing, "Not now", (7, 1), 503, '{"error": "the list of messages cannot be reached"}')
    drawing.lead("Have a list", "Note it", "Who came first?", "First time?", "Accept", "Settings")
    drawing.lead("First time?", "Accept again", by=1)
    drawing.lead("Note it", "Not now", by=1)
    # A list that can be written but not read: better twice than never.
    drawing.lead("Who came first?", "Accept", by=1)


def send(drawing: Drawing, settings: Settings) -> None:
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
    drawing.put_values("The message", (11, 0), {name: script(f"{CAME}.body.{name} ?? ''") for name in fields})
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
    put_mail(drawing, "Send the e-mail with it", (15, 0), {"attachments": "file"})
    put_mail(drawing, "Send the e-mail", (15, 1), {})
    drawing.lead("Settings", "The message", "An SMS?", "SMS provider?", "Send the SMS", "It has left")
    drawing.lead("SMS provider?", "No SMS provider", by=1)
    drawing.lead("Send the SMS", "It has not left", by=1)
    drawing.lead("An SMS?", "A calendar file?", by=1)
    drawing.lead("A calendar file?", "Make the calendar file", "Send the e-mail with it", "It has left")
    drawing.lead("A calendar file?", "Send the e-mail", "It has left", by=1)
    for sending in ("Send the e-mail with it", "Send the e-mail"):
        drawing.lead(sending, "It has not left", by=1)


def report(drawing: Drawing) -> None:
    """Tell Medcal what came of it, signed; a Medcal that is away for some minutes is told when it is back."""
    message_id = f"id: {MESSAGE_ID}"
    outcomes = {
        "It has left": "status: 'sent', message_id: String($json.messageId ?? $json.message_id ?? $json.id ?? '')",
        "It has not left": "status: 'failed', error: "
        "String($json.error?.message ?? $json.error ?? 'no reason given').slice(0, 500)",
        "No SMS provider": "status: 'failed', error: 'no SMS provider'",
    }
    for row, (name, outcome) in enumerate(outcomes.items()):
        drawing.put_values(name, (16, row), {"report": script(f"JSON.stringify({{{message_id}, {outcome}}})")})
        drawing.lead(name, "Report")
    drawing.put("Report", "noOp", 1, (17, 0), {})
    # Anew for each round: a signature is good for minutes only.
    drawing.put_values(
        "Stamp it",
        (18, 0),
        {
            "id": script(MESSAGE_ID),
            "timestamp": "={{ String(Math.floor(Date.now() / 1000)) }}",
            "report": "={{ $('Report').first().json.report }}",
        },
    )
    signed = "{{ $json.id }}.{{ $json.timestamp }}.{{ $json.report }}"
    put_signature(drawing, "Sign the report", (19, 0), signed, CALLBACKS)
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
                        "keyValue": script(f"new Date(Date.now() - {REMEMBERED_DAYS * 86_400_000}).toISOString()"),
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
