"""Schedulers that live in processes of their own and are killed there: the other end of mortal.py."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


class Mortals:
    """Schedulers in processes of their own, one after the other; each lives in the environment of the test that sends it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.mortal"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, step: str, now: datetime) -> str:
        assert self._process.stdin and self._process.stdout
        print(json.dumps([step, now.timestamp(), dict(os.environ)]), file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()

    def end(self) -> None:
        self._process.communicate(timeout=20)
