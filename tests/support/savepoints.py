"""Savepoints of sessions that share one connection, in half the round trips.

Each transaction of the product is a savepoint here. The end of one is told to the database together with the beginning of the next:
between them lies nothing that could tell the difference, and going back further takes it along.
"""

from sqlalchemy import Connection, Engine, event

ENDED = "savepoint that has ended"


def spare_round_trips(engine: Engine) -> None:
    engine.dialect.do_savepoint = _begin  # type: ignore[method-assign]
    engine.dialect.do_rollback_to_savepoint = _go_back  # type: ignore[method-assign]
    engine.dialect.do_release_savepoint = _end  # type: ignore[method-assign]
    event.listen(engine, "rollback", _forget)


def _begin(connection: Connection, name: str) -> None:
    ended = connection.info.pop(ENDED, None)
    _say(connection, f"RELEASE SAVEPOINT {ended}; SAVEPOINT {name}" if ended else f"SAVEPOINT {name}")


def _go_back(connection: Connection, name: str) -> None:
    # What has ended was within this one.
    _forget(connection)
    _say(connection, f"ROLLBACK TO SAVEPOINT {name}")


def _end(connection: Connection, name: str) -> None:
    # So was what has ended before.
    connection.info[ENDED] = name


def _forget(connection: Connection) -> None:
    connection.info.pop(ENDED, None)


def _say(connection: Connection, sql: str) -> None:
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(sql)
