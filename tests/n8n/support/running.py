"""A real n8n that tests start, kill and start again."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field

from n8n import flows
from tools import n8n_instance
from tools.n8n_instance import Instance
from tools.processes import Child, Family


@dataclass
class RunningN8n:
    """One n8n with its workflows published, `more` beside the shipped ones; `family` ends it with the tests."""

    family: Family
    instance: Instance
    more: Sequence[flows.Flow] = ()
    process: Child = field(init=False)

    def url_of(self, kind: str) -> str:
        flow = next(flow for flow in flows.FLOWS if kind in flow.kinds)
        return self.instance.url_of(flow)

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def start(self) -> None:
        """Return when all workflows answer."""
        self.process = n8n_instance.start(self.family, self.instance)
        n8n_instance.wait_until_ready(self.instance, self.process, self.more)

    def kill(self) -> None:
        """Without a chance to clean up, as a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.family.stop(self.process)
