"""Places: all that goods can be at."""

from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from xinglin.base.columns import note_column
from xinglin.base.ids import new_id


class Place(SQLModel, table=True):
    """A pharmacy, clinic, vehicle or supplier, or one of the county's edges (patients, losses)."""

    __tablename__ = "place"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    no: int = Field(unique=True)
    """A short number people can say; part of the numbers of the place's papers."""
    code: str = Field(unique=True, max_length=32)
    kind: str = Field(index=True)
    name: str
    name_en: str = ""
    tier: str | None = None
    """county, township or village: what the formulary allows here. None for places without patients."""
    membership: str = "member"
    """member, extension_point, loose or outside (domain.md 002-9, 003-31)."""
    town: str = ""
    supplied_by_id: UUID | None = Field(default=None, foreign_key="place.id", index=True)
    latitude: float | None = None
    longitude: float | None = None
    is_position_synthetic: bool = False
    opening: list[Any] = Field(sa_column=note_column())
    """Windows in seconds of the county's day: [[36000, 50400], [57600, 72000]]."""
    population: int = 0
    contact: str = ""
    phone: str = ""
    closed: bool = False
