"""The words of letters as an admin reads, tries and replaces them, kind by kind and language by language."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from medcal.db import fetch, fetch_one
from medcal.errors import ChangedMeanwhile, NotFound
from medcal.i18n import LANGUAGES
from medcal.roles import Can, check
from medcal.security import Actor
from medcal.services import events
from medcal.services.letter_kinds import LETTERS
from medcal.services.letter_preview import Case, Preview, preview_of
from medcal.services.wording import Wording, our_wording
from medcal.services.wording_checks import check_wording


@dataclass(frozen=True)
class KeptWording:
    """The words that are sent for a kind in a language. `changed_at` and `changed_by` are of the clinic's own, None for ours."""

    wording: Wording
    changed_at: datetime | None = None
    changed_by: str | None = None

    @property
    def is_own(self) -> bool:
        return self.changed_at is not None


def find_changed(db: Session, actor: Actor) -> set[tuple[str, str]]:
    """Which kinds have words of the clinic's own, in which language. Raises NotAllowed."""
    check(actor, Can.set_rules)
    return {(row.kind, row.language) for row in fetch(db, "SELECT kind, language FROM letter_text")}


def read_wording(db: Session, actor: Actor, kind: str, language: str) -> KeptWording:
    """The words of a kind in a language. Raises NotAllowed, NotFound for a kind or language that does not exist."""
    _check_all(actor, kind, language)
    row = fetch_one(
        db,
        """SELECT w.subject, w.brief, w.body, w.changed_at, u.name AS changed_by
             FROM letter_text w LEFT JOIN staff_user u ON u.id = w.changed_by_id
            WHERE w.kind = %(kind)s AND w.language = %(language)s""",
        kind=kind,
        language=language,
    )
    if row is None:
        return KeptWording(our_wording(kind, language))
    return KeptWording(Wording(row.subject, row.brief, row.body), row.changed_at, row.changed_by)


def set_wording(
    db: Session, actor: Actor, kind: str, language: str, wording: Wording, *, seen_at: datetime | None, now: datetime
) -> None:
    """Send these words from now on; messages that are already written keep theirs. Our own words are kept as no change at all.

    `seen_at` is the `changed_at` of the words on the screen. Raises NotAllowed, NotFound, InvalidForm with what does not fit,
    ChangedMeanwhile when somebody else was faster.
    """
    _check_all(actor, kind, language)
    tidy = check_wording(kind, wording)
    if tidy == our_wording(kind, language):
        reset_wording(db, actor, kind, language, seen_at=seen_at, now=now)
    else:
        _keep(db, actor, kind, language, tidy, seen_at=seen_at, now=now)


def _keep(
    db: Session, actor: Actor, kind: str, language: str, wording: Wording, *, seen_at: datetime | None, now: datetime
) -> None:
    old = _words_of(db, kind, language)
    row = fetch_one(
        db,
        """INSERT INTO letter_text AS w (kind, language, subject, brief, body, changed_at, changed_by_id)
           SELECT %(kind)s::text, %(language)s::text, %(subject)s, %(brief)s, %(body)s, %(now)s::timestamptz, %(by)s
            WHERE %(seen_at)s::timestamptz IS NULL
               OR EXISTS (SELECT FROM letter_text x WHERE x.kind = %(kind)s AND x.language = %(language)s)
           ON CONFLICT (kind, language) DO UPDATE
              SET subject = excluded.subject, brief = excluded.brief, body = excluded.body,
                  changed_at = greatest(excluded.changed_at, w.changed_at + interval '1 microsecond'),
                  changed_by_id = excluded.changed_by_id
            WHERE w.changed_at = %(seen_at)s
           RETURNING id""",
        kind=kind,
        language=language,
        subject=wording.subject,
        brief=wording.brief,
        body=wording.body,
        now=now,
        by=actor.id,
        seen_at=seen_at,
    )
    if row is None:
        raise ChangedMeanwhile
    events.record(db, "words.changed", by=actor, now=now, letter=kind, language=language, old=old, new=asdict(wording))


def _words_of(db: Session, kind: str, language: str) -> dict[str, str]:
    """What was sent until now, for the history: the clinic's own words, or ours."""
    row = fetch_one(
        db,
        "SELECT subject, brief, body FROM letter_text WHERE kind = %(kind)s AND language = %(language)s",
        kind=kind,
        language=language,
    )
    return asdict(Wording(*row) if row else our_wording(kind, language))


def reset_wording(
    db: Session, actor: Actor, kind: str, language: str, *, seen_at: datetime | None, now: datetime
) -> None:
    """Send our words again. Raises NotAllowed, NotFound, ChangedMeanwhile when the clinic's have been changed since `seen_at`."""
    _check_all(actor, kind, language)
    old = _words_of(db, kind, language)
    gone = fetch_one(
        db,
        """DELETE FROM letter_text WHERE kind = %(kind)s AND language = %(language)s AND changed_at = %(seen_at)s
           RETURNING id""",
        kind=kind,
        language=language,
        seen_at=seen_at,
    )
    if gone:
        new = asdict(our_wording(kind, language))
        events.record(db, "words.reset", by=actor, now=now, letter=kind, language=language, old=old, new=new)
    elif (kind, language) in find_changed(db, actor):
        raise ChangedMeanwhile


def try_wording(
    db: Session, actor: Actor, kind: str, language: str, wording: Wording, case: Case, *, now: datetime
) -> Preview:
    """The letter with these words, to somebody who does not exist. Raises NotAllowed, NotFound, InvalidForm with what does not fit."""
    _check_all(actor, kind, language)
    return preview_of(db, kind, language, check_wording(kind, wording), case, now)


def _check_all(actor: Actor, kind: str, language: str) -> None:
    check(actor, Can.set_rules)
    if kind not in LETTERS or language not in LANGUAGES:
        raise NotFound
