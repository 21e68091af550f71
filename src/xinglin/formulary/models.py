"""What this county has adopted: editions, products and their codes, listings by tier, dated prices."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from xinglin.base.columns import note_column, unit_price_column
from xinglin.base.ids import new_id


class AdoptedEdition(SQLModel, table=True):
    """An edition of the essential medicines list and the days on which this county goes by it."""

    __tablename__ = "adopted_edition"
    edition: str = Field(primary_key=True)
    valid_from: date
    valid_to: date | None = None
    notice: str


class Product(SQLModel, table=True):
    """A medicine as it is bought: variety, form, strength, pack and maker. All goods count base units."""

    __tablename__ = "product"
    __table_args__ = (Index("ix_product_search_keys", "search_keys", postgresql_using="gin"),)
    id: UUID = Field(default_factory=new_id, primary_key=True)
    code: str = Field(unique=True, max_length=40)
    kind: str
    generic_name: str = Field(index=True)
    generic_name_en: str = ""
    trade_name: str = ""
    dosage_form: str
    strength: str = ""
    base_unit: str
    pack_unit: str
    pack_size: int
    """Base units in the pack that is ordered and issued."""
    case_size: int
    """Packs in a shipping case."""
    maker: str = ""
    storage: str = "normal"
    control: str = "none"
    priority: str = "other"
    """rescue, mother_child, chronic or other: who goes first when there is not enough."""
    antibiotic: bool = False
    essential_no: str | None = None
    """The item of the adopted edition it matches by variety, form and strength, such as chem_bio/1."""
    essential_why: str = ""
    needs_specialist: bool = False
    pack_weight_g: int
    pack_volume_cm3: int
    search_keys: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(Text), nullable=False))
    retired: bool = False


class ProductIdentifier(SQLModel, table=True):
    """A code of a product in some system, with the days it held."""

    __tablename__ = "product_identifier"
    system: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    valid_to: date | None = None
    product_id: UUID = Field(foreign_key="product.id", index=True)


class Listing(SQLModel, table=True):
    """What a tier may do with a product: stocked, on_request, or not_allowed, and by which rule."""

    __tablename__ = "listing"
    product_id: UUID = Field(foreign_key="product.id", primary_key=True)
    tier: str = Field(primary_key=True)
    may: str
    rule: str = ""


class Price(SQLModel, table=True):
    """Yuan per base unit, from a day on; the sale price is the same (zero mark-up, R5)."""

    __tablename__ = "price"
    product_id: UUID = Field(foreign_key="product.id", primary_key=True)
    valid_from: date = Field(primary_key=True)
    unit_price: Decimal = Field(sa_column=unit_price_column())


class Policy(SQLModel, table=True):
    """What a regulation or the county's committee sets: a dated, sourced, editable row."""

    __tablename__ = "policy"
    name: str = Field(primary_key=True)
    valid_from: date = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_column=note_column())
    source: str
