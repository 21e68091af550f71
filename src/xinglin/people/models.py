"""Accounts, posts and credentials: shared by all counties, in the schema public."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from xinglin.base.columns import instant_column
from xinglin.base.ids import new_id

SHARED = {"schema": "public"}


class County(SQLModel, table=True):
    """A county served by this installation; its books are in a schema of its own."""

    __tablename__ = "county"
    __table_args__ = SHARED
    code: str = Field(primary_key=True, max_length=6)
    name: str
    made_at: datetime = Field(sa_column=instant_column())


class Account(SQLModel, table=True):
    """A person. Without a password hash the account waits to be activated and cannot sign in."""

    __tablename__ = "account"
    __table_args__ = SHARED
    id: UUID = Field(default_factory=new_id, primary_key=True)
    username: str = Field(unique=True, max_length=64)
    name: str
    phone: str | None = None
    password_hash: str | None = None
    closed_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    made_at: datetime = Field(sa_column=instant_column())


class Post(SQLModel, table=True):
    """A role at a place (or, without a place, for the whole county), from a day to a day."""

    __tablename__ = "post"
    __table_args__ = SHARED
    id: UUID = Field(default_factory=new_id, primary_key=True)
    account_id: UUID = Field(foreign_key="public.account.id", index=True)
    county: str = Field(foreign_key="public.county.code", index=True)
    place_id: UUID | None = Field(default=None, index=True)
    role: str
    ended_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))


class Credential(SQLModel, table=True):
    """A browser session or an API token: only its SHA-256 is kept."""

    __tablename__ = "credential"
    __table_args__ = SHARED
    token_hash: bytes = Field(primary_key=True)
    account_id: UUID = Field(foreign_key="public.account.id", index=True)
    post_id: UUID = Field(foreign_key="public.post.id")
    kind: str
    label: str = ""
    made_at: datetime = Field(sa_column=instant_column())
    expires_at: datetime = Field(sa_column=instant_column(index=True))
