"""Alembic's entry: the shared part goes to `public`, the county part to each county's schema."""

from typing import Any

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

from xinglin import tables

part: str = context.config.attributes["part"]
schema: str = context.config.attributes["schema"]


def belongs(thing: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
    """Whether a table is of the part that is being moved."""
    if kind != "table":
        return True
    if (
        reflected
        and compared is None
        and name not in {table.name for table in SQLModel.metadata.tables.values()}
    ):
        return False  # the job queue's tables and the incarnation are nobody's model
    return (thing.schema == "public") == (part == "shared") and name != "alembic_version"


def plain_names(kind: str, thing: Any, autogen: AutogenContext) -> str | bool:
    """SQLModel's own string type is a plain one in a revision."""
    if kind == "type" and isinstance(thing, AutoString):
        return f"sa.String(length={thing.length})" if thing.length else "sa.String()"
    if kind == "type" and type(thing).__name__ == "Xid8":
        autogen.imports.add("from xinglin.base.columns import Xid8")
        return "Xid8()"
    return False


assert tables
engine = create_engine(context.config.attributes["url"])
with engine.connect() as connection:
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    connection.execute(text(f'SET search_path TO "{schema}", public'))
    connection.commit()
    connection.dialect.default_schema_name = schema
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_object=belongs,
        include_schemas=part == "shared",
        include_name=lambda name, kind, parents: kind != "schema" or name in ("public", None),
        render_item=plain_names,
        version_table_schema=schema,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
