"""What the running clinic's role may do with the tables, where it is another one than their owner."""

from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

from medcal.config import settings

# Only the owner changes these; what is only added to may be added to.
READ_ONLY = ("audit_checkpoint", "audit_rule", "alembic_version")
ADDED_TO = ("event", "access_record", "audit_seal")


def settle(connection: psycopg.Connection) -> None:
    """Write down how long the history is kept, and give the clinic's role its rights. The connection is the owner's; any number may do so."""
    for source, days in settings().audit_days.items():
        connection.execute(
            """INSERT INTO audit_rule AS r (source, keep_days) VALUES (%s, %s)
               ON CONFLICT (source) DO UPDATE SET keep_days = excluded.keep_days WHERE r.keep_days <> excluded.keep_days""",
            [source, days],
        )
    row = connection.execute("SELECT current_user").fetchone()
    role = role_of(settings().database_url)
    if row and role and role != row[0]:
        give_rights(connection, role)


def role_of(url: str) -> str:
    """Who signs in at an address; empty where it does not say."""
    return unquote(urlsplit(url).username or "")


def give_rights(connection: psycopg.Connection, role: str) -> None:
    """All that the clinic needs and nothing more: tables that are only added to can be neither changed nor emptied with it."""
    who = sql.Identifier(role)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}",
        f"REVOKE ALL ON {', '.join((*READ_ONLY, *ADDED_TO))} FROM {{}}",
        f"GRANT SELECT ON {', '.join(READ_ONLY)} TO {{}}",
        f"GRANT SELECT, INSERT ON {', '.join(ADDED_TO)} TO {{}}",
        "GRANT EXECUTE ON FUNCTION forget_audit(text, bigint, text, text) TO {}",
    ):
        connection.execute(sql.SQL(statement).format(who))
