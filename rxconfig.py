"""What Reflex is told: one port, state in memory or Redis, no telemetry, our own styles."""

import re
from pathlib import Path
from typing import Any

import reflex as rx

from medcal.config import settings
from medcal.edge.origin import allowed_origins

# `http://localhost:8000/ping`, in whichever quotes the minifier prefers.
BAKED_ADDRESS = re.compile(r"""(["'`])(http|ws)s?://[^/"'`]+(/[^"'`]*)\1""")

# For these hosts Reflex takes https to be a proxy's, on its usual port.
NEVER_BEHIND_A_PROXY = re.compile(r"""\[(["'`])localhost\1,\s*(["'`])0\.0\.0\.0\2[^\]]*\]""")


class CallWhereThePageCameFrom(rx.plugins.Plugin):
    """One build for every address: Reflex bakes that of its configuration into a file of its own, we take it out."""

    def post_build(self, **context: Any) -> None:
        scripts = list(Path(context["static_dir"]).glob("assets/reflex-env-*.js"))
        if not scripts:
            raise SystemExit(
                "The build has no assets/reflex-env-*.js; where does this Reflex keep the server's address?"
            )
        for script in scripts:
            script.write_text(without_address(script.read_text()))
        if not sum(_keep_port(script) for script in Path(context["static_dir"]).glob("assets/*.js")):
            raise SystemExit(
                "The build has no list of this machine's names; where does this Reflex drop the port of a websocket?"
            )


def _keep_port(path: Path) -> int:
    script, found = NEVER_BEHIND_A_PROXY.subn("[]", path.read_text())
    if found:
        path.write_text(script)
    return found


def without_address(script: str) -> str:
    """The script with every absolute address made relative to the page's own."""
    origin = {"http": "location.origin", "ws": 'location.origin.replace("http","ws")'}
    return BAKED_ADDRESS.sub(lambda found: f'{origin[found[2]]}+"{found[3]}"', script)


config = rx.Config(
    app_name="medcal",
    app_module_import="medcal.medcal",
    frontend_port=settings().port,
    backend_port=settings().port,
    api_url=settings().url,
    deploy_url=settings().url,
    # The default lets every site's pages talk to the websocket with the visitor's cookies.
    cors_allowed_origins=allowed_origins(settings().url),
    trusted_proxy_hops=settings().trusted_proxy_hops,
    # The default writes pickles to the disk. Memory is right for one worker; several share Redis.
    state_manager_mode="redis" if settings().redis_url else "memory",
    redis_url=settings().redis_url,
    telemetry_enabled=False,
    show_built_with_reflex=False,
    plugins=[CallWhereThePageCameFrom()],
    # On unless turned off, and it would list the staff's pages.
    disable_plugins=[rx.plugins.SitemapPlugin],
)
