"""Everything that lies in the database, as text: what somebody with a copy of it reads."""

from sqlmodel import Session, text


def dump(db: Session) -> str:
    """All rows of all tables, like pg_dump's."""
    db.flush()
    tables = db.connection().execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
    lines: list[str] = []
    for (table,) in tables.all():
        rows = db.connection().execute(text(f'SELECT t::text FROM "{table}" t ORDER BY 1'))
        lines += [f"{table}: {row[0]}" for row in rows]
    return "\n".join(lines)
