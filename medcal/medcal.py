"""Builds the app: pages in every language, the HTTP routes beside them, the guard, the edge, and what runs while it serves."""

# isort: off
import medcal.edge.hardening  # noqa: F401  (before anything of Reflex is used)
# isort: on

import logging
from collections.abc import Callable

import reflex as rx
from starlette.types import ASGIApp

from medcal import db, routes
from medcal.api.app import build_api
from medcal.components.layout import STYLESHEETS, app_wraps, head_components
from medcal.edge.apology import apologize, note_script_error
from medcal.edge.asgi import edge
from medcal.edge.guard import Guard
from medcal.failures import begin_log
from medcal.i18n import DEFAULT, LANGUAGES, current_language, language, t
from medcal.pages import PAGES, Page, not_found
from medcal.services import directory
from medcal.state import live
from medcal.state.clinic import ClinicState
from medcal.state.session import Languages, identify


async def is_known(path: str) -> bool:
    """Whether a dynamic address leads to a specialty or a doctor."""
    return await db.run(directory.is_known, routes.plain(path))


def guarded(app: ASGIApp) -> ASGIApp:
    return edge(app, known=is_known)


def build() -> rx.App:
    """The whole application, closed by default."""
    begin_log(logging.WARNING)
    built = rx.App(
        api_transformer=[build_api(), guarded],
        html_lang=DEFAULT,
        stylesheets=STYLESHEETS,
        reset_style=False,
        head_components=head_components(),
        extra_app_wraps=app_wraps(),
        backend_exception_handler=apologize,
        frontend_exception_handler=note_script_error,
    )
    for code in LANGUAGES:
        with language(code):
            for page in PAGES:
                add(built, page)
    built.add_page(not_found.page, route="/404", on_load=ClinicState.load, title=t("Page not found"))
    built.add_middleware(Languages())
    built.add_middleware(Guard(identify))
    built.register_lifespan_task(live.listen_for_ever)
    return built


def add(built: rx.App, page: Page) -> None:
    """One page in the current language."""
    built.add_page(
        in_language(current_language(), page.build),
        route=routes.to(page.route),
        title=t(page.title),
        description=t(page.description),
        on_load=page.loads,
    )


def in_language(code: str, build: Callable[[], rx.Component]) -> Callable[[], rx.Component]:
    """A page that is put together when Reflex compiles it: a worker, which serves what is compiled, starts without."""

    def build_page() -> rx.Component:
        with language(code):
            return build()

    # Reflex keeps the parts of pages in one script for each module: named so, a browser fetches those of its page in its language.
    build_page.__module__ = f"{build.__module__}.{code}"
    return build_page


app = build()
