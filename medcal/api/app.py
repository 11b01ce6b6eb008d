"""The FastAPI application that Reflex is mounted under: the first of rx.App's api_transformer."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from medcal.api import (
    calendar,
    feed,
    health,
    n8n,
    oidc,
    oidc_logout,
    passwords,
    patient,
    sign_in,
    unsubscribe,
    your_data,
)
from medcal.api.answers import broken, misfit, refused
from medcal.errors import MedcalError


def build_api() -> FastAPI:
    """The routes beside the pages, without documentation pages: nobody outside is to call them."""
    api = FastAPI(title="Medcal", docs_url=None, redoc_url=None, openapi_url=None)
    for room in (sign_in, oidc, oidc_logout, passwords, patient, your_data, calendar, feed, health, n8n, unsubscribe):
        api.include_router(room.router)
    api.add_exception_handler(MedcalError, refused)  # type: ignore[arg-type]
    api.add_exception_handler(RequestValidationError, misfit)  # type: ignore[arg-type]
    api.add_exception_handler(Exception, broken)
    return api
