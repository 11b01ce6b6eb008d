"""Writes the workflows for n8n. All have one shape, which stands in parts.py once; they differ in name and address.

    python3 -m n8n.render                  writes the files beside this one, with addresses of an example
    python3 -m n8n.render --medcal https://clinic.example --sender appointments@clinic.example --out folder

What differs from clinic to clinic stands in the node "Settings" of each workflow; it can be changed in n8n as well.
Secrets and passwords are credentials, which n8n keeps apart and a workflow names.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from n8n import parts
from n8n.drawing import Drawing
from n8n.flows import ALL, FLOWS, Flow, Settings

HERE = Path(__file__).resolve().parent


def render(flow: Flow, settings: Settings) -> dict[str, object]:
    """The workflow as n8n imports it."""
    drawing = Drawing(flow)
    parts.receive(drawing)
    parts.admit(drawing)
    parts.send(drawing, settings)
    parts.report(drawing)
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
            "executionTimeout": parts.LONGEST_RUN_SECONDS,
        },
    }


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
