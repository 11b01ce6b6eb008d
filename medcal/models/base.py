"""What all tables share: names for every constraint, key and column types."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Column, Enum, Identity, SmallInteger, text
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

from medcal.models.sealed import Sealed

# Every constraint has a name, so that a violation can be told apart and a migration can find it.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def key() -> Any:
    """A primary key that never leaves the server."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def reference(to: str, *, nullable: bool = False, **kwargs: Any) -> Any:
    """A foreign key to `table.column`."""
    default: Any = {"default": None} if nullable else {}
    return Field(sa_type=BigInteger, foreign_key=to, nullable=nullable, **default, **kwargs)


def public_ref() -> Any:
    """The random name under which a row is known outside the database."""
    return Field(default_factory=uuid.uuid4, unique=True)


def instant(*, nullable: bool = False, **kwargs: Any) -> Any:
    """An aware instant; naive ones are refused when they are bound."""
    default: Any = {"default": None} if nullable else {}
    return Field(sa_type=UTCDateTime, nullable=nullable, **default, **kwargs)


def note(about: str, *, nullable: bool = False) -> Any:
    """Somebody's own words, sealed at rest; `about` is `table.column`."""
    return Field(default=None if nullable else "", sa_type=Sealed(about), nullable=nullable)


def small(default: int) -> Any:
    """A small number that old rows have too."""
    return Field(default=default, sa_type=SmallInteger, sa_column_kwargs={"server_default": text(str(default))})


def choice(of: type[StrEnum], default: StrEnum) -> Any:
    """One of the values of an enum, kept as text under a CHECK (a native enum would store the Python names)."""
    return Field(default=default, sa_type=_enum(of), sa_column_kwargs={"server_default": default.value})


def maybe(of: type[StrEnum]) -> Any:
    """Like `choice`, but nothing at first."""
    return Field(default=None, sa_type=_enum(of), nullable=True)


def _enum(of: type[StrEnum]) -> Enum:
    return Enum(
        of,
        name=_snake(of.__name__),
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [member.value for member in members],
        validate_strings=True,
    )


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
