"""How a workflow is drawn: nodes, what leads from one to the next, and the few kinds of node that occur more than once."""

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from n8n.flows import MAIL, OURS, Flow

# What a node is set up with: JSON, in the shapes that n8n knows.
Parameters = Mapping[str, object]


@dataclass
class Drawing:
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
            {"id": f"{name} {number}", "leftValue": script(condition), "rightValue": "", "operator": is_true}
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


def script(expression: str) -> str:
    """A value that n8n works out (JavaScript)."""
    return f"={{{{ {expression} }}}}"


def put_signature(drawing: Drawing, name: str, at: tuple[int, int], signed: str, credential: Mapping[str, str]) -> None:
    parameters = {
        "action": "hmac",
        "type": "SHA256",
        "value": f"={signed}",
        "dataPropertyName": "signature",
        "encoding": "base64",
    }
    drawing.put(name, "crypto", 2, at, parameters, credentials={"crypto": credential})


def put_answer(drawing: Drawing, name: str, at: tuple[int, int], status: int, body: str) -> None:
    parameters = {"respondWith": "json", "responseBody": body, "options": {"responseCode": status}}
    drawing.put(name, "respondToWebhook", 1.1, at, parameters)


def put_mail(drawing: Drawing, name: str, at: tuple[int, int], options: Parameters) -> None:
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
