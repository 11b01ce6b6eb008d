"""The clinic's own words for a kind of letter, as they are read where a letter is written."""

import logging
from typing import Any

from sqlmodel import Session

from medcal.db import fetch_one
from medcal.services.wording import Wording
from medcal.services.wording_checks import can_be_sent

log = logging.getLogger(__name__)


def with_own_wording(statement: str) -> str:
    """The statement, whose rows have a `language`, with the clinic's own words for %(kind)s beside each row.

    %(language)s may be another language than that of the row, or NULL. A booking waits for its letter: so the words come with what is
    asked anyway, in no round trip of their own and never out of date.
    """
    return f"""
SELECT told.*, own.subject AS words_subject, own.brief AS words_brief, own.body AS words_body FROM ({statement}) told
  LEFT JOIN letter_text own ON own.kind = %(kind)s AND own.language = coalesce(%(language)s::text, told.language)
"""


def find_own_wording(db: Session, kind: str, language: str) -> Wording | None:
    """The clinic's own words for a kind of letter, None where it uses ours."""
    row = fetch_one(
        db,
        """SELECT subject AS words_subject, brief AS words_brief, body AS words_body FROM letter_text
            WHERE kind = %(kind)s AND language = %(language)s""",
        kind=kind,
        language=language,
    )
    return own_wording_of(kind, row) if row else None


def own_wording_of(kind: str, row: Any) -> Wording | None:
    """The own words in a row of `with_own_wording`. Those that no longer fit the kind are left aside: ours are sent, rather than none."""
    if row.words_body is None:
        return None
    own = Wording(row.words_subject, row.words_brief, row.words_body)
    if can_be_sent(kind, own):
        return own
    log.warning("the clinic's own words for %s no longer fit and are not used", kind)
    return None
