"""Brings a database to the form this version needs: the shared part, then each county."""

import re
from pathlib import Path

from alembic import command
from alembic.config import Config

from xinglin.base.database import schema_of

HERE = Path(__file__).resolve().parents[1]
FOLDERS = (HERE / "_migrations", HERE.parents[1] / "migrations")


def _config(url: str, part: str, schema: str) -> Config:
    """Alembic's configuration for one part in one schema."""
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("version_locations", str(folder / part))
    config.set_main_option("path_separator", "os")
    config.attributes.update(
        part=part, schema=schema, url=re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", url)
    )
    return config


def upgrade_shared(url: str) -> None:
    """Sign-in, counties and everything else that counties share, in `public`."""
    command.upgrade(_config(url, "shared", "public"), "head")


def upgrade_county(url: str, county: str) -> None:
    """One county's books, in its own schema."""
    command.upgrade(_config(url, "county", schema_of(county)), "head")


def revise(url: str, part: str, message: str, *, county: str = "000000") -> None:
    """For developers: write a revision from what the models say that the database does not have."""
    schema = "public" if part == "shared" else schema_of(county)
    command.revision(_config(url, part, schema), message, autogenerate=True)
