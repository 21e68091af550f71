"""Vehicles, plans, runs, stops, parcels and proofs of delivery."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Computed, LargeBinary, Text
from sqlmodel import Field, SQLModel

from xinglin.base.columns import instant_column, note_column, quantity_column
from xinglin.base.ids import new_id

PLAN_STATE_SQL = """CASE
    WHEN discarded_at IS NOT NULL THEN 'discarded'
    WHEN adopted_at IS NOT NULL THEN 'adopted'
    WHEN solved_at IS NOT NULL THEN 'draft'
    ELSE 'solving' END"""
RUN_STATE_SQL = """CASE
    WHEN closed_at IS NOT NULL THEN 'closed'
    WHEN departed_at IS NOT NULL THEN 'under_way'
    ELSE 'planned' END"""


class Vehicle(SQLModel, table=True):
    """A van or car; it is a place too, for goods in transit belong to the vehicle."""

    __tablename__ = "vehicle"
    id: UUID = Field(foreign_key="place.id", primary_key=True)
    home_id: UUID = Field(foreign_key="place.id", index=True)
    plate: str = Field(unique=True)
    capacity_g: int
    capacity_cm3: int
    capacity_cold_cm3: int = 0
    shift_from_s: int
    shift_to_s: int
    fixed_cost_fen: int = 0
    cost_per_km_fen: int = 0
    cost_per_hour_fen: int = 0
    driver_id: UUID | None = None
    """The account of its usual driver."""
    retired: bool = False


class Plan(SQLModel, table=True):
    """Which vehicle goes where on a day: asked for, solved, then adopted or discarded."""

    __tablename__ = "plan"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True)
    depot_id: UUID = Field(foreign_key="place.id", index=True)
    planned_on: date = Field(index=True)
    problem: dict[str, Any] = Field(sa_column=note_column())
    parcels: dict[str, Any] = Field(sa_column=note_column())
    """Requisition ids by stop: what each stop would bring."""
    result: dict[str, Any] | None = Field(default=None, sa_column=note_column(nullable=True))
    verdict: dict[str, Any] | None = Field(default=None, sa_column=note_column(nullable=True))
    requested_by: str
    requested_at: datetime = Field(sa_column=instant_column(index=True))
    solved_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    adopted_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    discarded_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    version: int = 1
    state: str = Field(
        default="solving", sa_column=Column(Text, Computed(PLAN_STATE_SQL, persisted=True), nullable=False)
    )


class Run(SQLModel, table=True):
    """One vehicle's trip from a depot and back."""

    __tablename__ = "run"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True)
    plan_id: UUID = Field(foreign_key="plan.id", index=True)
    depot_id: UUID = Field(foreign_key="place.id", index=True)
    vehicle_id: UUID = Field(foreign_key="vehicle.id", index=True)
    driver_id: UUID | None = Field(default=None, index=True)
    runs_on: date = Field(index=True)
    planned_departure_at: datetime = Field(sa_column=instant_column())
    planned_return_at: datetime = Field(sa_column=instant_column())
    distance_m: int
    duration_s: int
    load_g: int
    volume_cm3: int
    cold_cm3: int
    cost_fen: int
    adopted_at: datetime = Field(sa_column=instant_column())
    departed_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    version: int = 1
    state: str = Field(
        default="planned",
        sa_column=Column(Text, Computed(RUN_STATE_SQL, persisted=True), nullable=False, index=True),
    )


class Stop(SQLModel, table=True):
    """A place on a run, in its order."""

    __tablename__ = "stop"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    run_id: UUID = Field(foreign_key="run.id", index=True)
    position: int
    place_id: UUID = Field(foreign_key="place.id", index=True)
    planned_arrival_at: datetime = Field(sa_column=instant_column())
    planned_leave_at: datetime = Field(sa_column=instant_column())
    handed_over_at: datetime | None = Field(default=None, sa_column=instant_column(nullable=True))
    load_g: int
    volume_cm3: int
    cold_cm3: int


class Parcel(SQLModel, table=True):
    """A requisition riding to a stop. A requisition rides once; what was not delivered is asked for anew."""

    __tablename__ = "parcel"
    requisition_id: UUID = Field(foreign_key="requisition.id", primary_key=True)
    stop_id: UUID = Field(foreign_key="stop.id", index=True)


class Proof(SQLModel, table=True):
    """Proof of delivery: who took the goods, when, and the signature."""

    __tablename__ = "proof"
    id: UUID = Field(default_factory=new_id, primary_key=True)
    number: str = Field(unique=True)
    stop_id: UUID = Field(foreign_key="stop.id", unique=True)
    received_by: str
    signature: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    """PNG as drawn on the driver's phone."""
    cold_max_c: float | None = None
    arrived_at: datetime = Field(sa_column=instant_column())
    note: str = ""
    handed_by: str
    recorded_at: datetime = Field(sa_column=instant_column())


class ProofLine(SQLModel, table=True):
    """What became of each lot of each line: accepted, damaged, short and refused are all that was shipped."""

    __tablename__ = "proof_line"
    __table_args__ = (
        CheckConstraint(
            "accepted >= 0 AND damaged >= 0 AND short >= 0 AND refused >= 0 "
            "AND accepted + damaged + short + refused = shipped",
            name="every_unit_has_one_outcome",
        ),
    )
    proof_id: UUID = Field(foreign_key="proof.id", primary_key=True)
    line_id: UUID = Field(foreign_key="requisition_line.id", primary_key=True)
    lot_id: UUID = Field(foreign_key="lot.id", primary_key=True)
    shipped: int = Field(sa_column=quantity_column())
    accepted: int = Field(sa_column=quantity_column())
    damaged: int = Field(sa_column=quantity_column())
    short: int = Field(sa_column=quantity_column())
    refused: int = Field(sa_column=quantity_column())
    reason: str = ""
