"""The county before the day: places, people, medicines, twelve weeks of use, a fleet."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import database
from xinglin.base.actor import Actor
from xinglin.delivery import actions as delivery
from xinglin.demo import sample
from xinglin.demo.sample import SEED, Clinic, Medicine, Town
from xinglin.formulary import actions as formulary
from xinglin.people import actions as people
from xinglin.people.rules import Role, verbs_of
from xinglin.places import actions as places
from xinglin.places.models import Place
from xinglin.stock import actions as stock
from xinglin.stock.actions import Issued, Received

CODE, NAME = "654203", "沙湾市"
WEEKS = 12
BUILDER_ID = UUID(int=2)
BUILDER = Actor(
    BUILDER_ID, "demo", Role.ADMIN, CODE, None, frozenset(verb for role in Role for verb in verbs_of(role))
)
"""Puts the county together before the day begins; the day itself is played by its people."""

DOORS = [[int(9.5 * 3600), 14 * 3600], [int(15.5 * 3600), 20 * 3600]]
LATE_DOORS = [[10 * 3600, 14 * 3600], [16 * 3600, 20 * 3600]]
PHARMACY_DOORS = [[9 * 3600, 20 * 3600]]
SHIFT = (int(8.5 * 3600), 20 * 3600)


class SignIn(NamedTuple):
    """An account of the demo that can sign in."""

    username: str
    role: Role
    name: str
    place: str


def chance_of(*key: object) -> random.Random:
    """The same chance for the same thing in each run."""
    return random.Random("-".join(map(str, (SEED, *key))))  # noqa: S311


async def add_places(session: AsyncSession, towns: Sequence[Town], clinics: Sequence[Clinic]) -> None:
    """The network: supplier → county pharmacy → townships → villages; TCM pharmacy and hospital beside."""
    supplier = await _place(
        session,
        "S-001",
        "supplier",
        "新疆北疆医药配送有限公司",
        "Northern Xinjiang Medical Distribution",
        None,
    )
    central = await _place(
        session, "C-001", "county_central_pharmacy", "沙湾市县域中心药房", "County central pharmacy", supplier,
        at=(44.3295, 85.6215), doors=PHARMACY_DOORS,
    )  # fmt: skip
    await _place(
        session, "C-002", "shared_tcm_pharmacy", "沙湾市共享中药房", "Shared TCM pharmacy", central,
        at=(44.3221, 85.6279), doors=PHARMACY_DOORS,
    )  # fmt: skip
    await _place(
        session, "C-003", "county_hospital", "沙湾市人民医院", "County hospital", central,
        at=(44.3334, 85.6148), doors=PHARMACY_DOORS,
    )  # fmt: skip
    for town in towns:
        home = await _place(
            session, town.code, town.kind, town.name, town.name_en, central,
            at=(town.latitude, town.longitude), doors=PHARMACY_DOORS, town=town.town,
        )  # fmt: skip
        for clinic in (c for c in clinics if c.town_code == town.code):
            await _place(
                session, clinic.code, "community_station" if "社区" in clinic.name else "village_clinic", clinic.name,
                "", home, at=(clinic.latitude, clinic.longitude), is_synthetic=True, town=town.town,
                doors=DOORS if chance_of(clinic.code).random() < 0.7 else LATE_DOORS, population=clinic.population,
            )  # fmt: skip


async def _place(
    session: AsyncSession, code: str, kind: str, name: str, name_en: str, supplied_by: UUID | None, *,
    at: tuple[float, float] | None = None, doors: list[list[int]] | None = None, town: str = "",
    is_synthetic: bool = False, population: int = 0,
) -> UUID:  # fmt: skip
    place = await places.add(
        session, BUILDER,
        Place(
            no=0, code=code, kind=kind, name=name, name_en=name_en, supplied_by_id=supplied_by, town=town,
            latitude=at[0] if at else None, longitude=at[1] if at else None, opening=doors or [],
            is_position_synthetic=is_synthetic, population=population, contact=sample.person(f"contact-{code}"),
            phone=f"1{chance_of('phone', code).randrange(3_000_000_000, 9_999_999_999)}",
            membership="extension_point" if kind in ("village_clinic", "community_station") else "member",
        ),
    )  # fmt: skip
    return place.id


async def add_people(session: AsyncSession, password: str) -> None:
    """A doctor at every clinic, a pharmacist and a driver at every township; one of each role can sign in."""
    rows = await database.rows(session, "SELECT id, code, kind, name FROM place WHERE no < 5000 ORDER BY no")
    hashed = await people.hash_password(password)
    for row in rows:
        for role, prefix in STAFF.get(row["kind"], ()):
            await _person(session, f"{prefix}{row['code']}".lower(), role, row["id"])
    central = next(row for row in rows if row["kind"] == "county_central_pharmacy")
    for number in range(1, 6):
        await _person(session, f"driver-c{number}", Role.DRIVER, central["id"])
    for username, role in COUNTY_STAFF:
        await _person(session, username, role, None)
    await _activate(session, rows, hashed)


STAFF: dict[str, tuple[tuple[Role, str], ...]] = {
    "village_clinic": ((Role.VILLAGE_DOCTOR, "doctor-"),),
    "community_station": ((Role.VILLAGE_DOCTOR, "doctor-"),),
    "township_central_pharmacy": ((Role.TOWNSHIP_PHARMACIST, "pharmacist-"), (Role.DRIVER, "driver-")),
    "community_central_pharmacy": ((Role.TOWNSHIP_PHARMACIST, "pharmacist-"), (Role.DRIVER, "driver-")),
    "county_central_pharmacy": ((Role.DEPOT_KEEPER, "keeper-"),),
    "shared_tcm_pharmacy": ((Role.DEPOT_KEEPER, "keeper-"),),
}
COUNTY_STAFF = (
    ("chief", Role.CHIEF_PHARMACIST), ("dispatcher", Role.DISPATCHER), ("inspector", Role.INSPECTOR),
    ("admin", Role.ADMIN),
)  # fmt: skip


async def _person(session: AsyncSession, username: str, role: Role, place_id: UUID | None) -> None:
    account = await people.open_account(session, BUILDER, username, sample.person(username))
    await people.give_post(session, BUILDER, account.id, role, place_id)


SHOWN = {
    "doctor": "doctor-654203103", "pharmacist": "pharmacist-654203103", "keeper": "keeper-c-001",
    "driver": "driver-654203103",
}  # fmt: skip
"""Short names for those the demo prints: one of each role, all around one township (乌兰乌苏)."""


async def _activate(session: AsyncSession, rows: Sequence[database.Row], hashed: str) -> None:
    """One person of each role gets a short user name and the demo's password."""
    for short, long in SHOWN.items():
        await database.run(
            session,
            """UPDATE public.account SET username = $1, password_hash = $3 WHERE username =
                 (SELECT min(username) FROM public.account WHERE username LIKE $2 || '%')""",
            short, long, hashed,
        )  # fmt: skip
    await database.run(
        session, "UPDATE public.account SET password_hash = $2 WHERE username = ANY($1)",
        [username for username, _ in COUNTY_STAFF], hashed,
    )  # fmt: skip


async def add_medicines(session: AsyncSession, known: Sequence[Medicine]) -> None:
    """The catalogue, under the 2026 edition."""
    await formulary.adopt_edition(session, BUILDER, "2026")
    await formulary.add_products(session, BUILDER, [m.product for m in known], valid_from=date(2026, 9, 1))


async def add_fleet(session: AsyncSession) -> None:
    """Five county vans, one with a cold box, and a small vehicle at each township pharmacy."""
    drivers = {
        row["username"]: row["id"]
        for row in await database.rows(
            session, "SELECT a.username, a.id FROM public.account a JOIN public.post p ON p.account_id = a.id WHERE p.role = 'driver'"
        )
    }  # fmt: skip
    homes = await database.rows(
        session,
        "SELECT id, no, code, kind FROM place WHERE kind LIKE '%central_pharmacy' AND no < 5000 ORDER BY no",
    )
    central = homes[0]["id"]
    for number in range(1, 6):
        await delivery.add_vehicle(
            session, BUILDER, central, f"新G·C{number:03d}", capacity_g=1_000_000, capacity_cm3=6_000_000,
            capacity_cold_cm3=300_000 if number == 1 else 0, shift=SHIFT, fixed_cost_fen=8000, cost_per_km_fen=160,
            cost_per_hour_fen=3500, driver_id=drivers[f"driver-c{number}"],
        )  # fmt: skip
    for home in homes[1:]:
        name = "driver" if f"driver-{home['code']}" not in drivers else f"driver-{home['code']}"
        await delivery.add_vehicle(
            session, BUILDER, home["id"], f"新G·T{home['no']:03d}", capacity_g=500_000, capacity_cm3=2_500_000,
            capacity_cold_cm3=60_000, shift=SHIFT, fixed_cost_fen=4000, cost_per_km_fen=110, cost_per_hour_fen=2800,
            driver_id=drivers.get(name),
        )  # fmt: skip


Stocked = tuple[UUID, Medicine]
"""A medicine of the sample with the id it has in this county."""


class Use(NamedTuple):
    """How much of a medicine a place used, week by week, in base units."""

    product_id: UUID
    medicine: Medicine
    weeks: tuple[int, ...]

    @property
    def per_day(self) -> float:
        """On average."""
        return sum(self.weeks) / (7 * WEEKS)


def village_use(clinic: Clinic, stocked: Sequence[Stocked]) -> list[Use]:
    """What a clinic used: 24 to 48 medicines of those for villages, by its population."""
    chance = chance_of("use", clinic.code)
    return [
        _use(chance, id, medicine, max(0.15, clinic.population / 1000))
        for id, medicine in _some(chance, stocked, chance.randint(24, 48))
    ]


def township_use(code: str, stocked: Sequence[Stocked]) -> list[Use]:
    """What a township hospital used itself: 90 to 140 medicines."""
    chance = chance_of("use", code)
    return [
        _use(chance, id, medicine, 3.0) for id, medicine in _some(chance, stocked, chance.randint(90, 140))
    ]


def _some(chance: random.Random, stocked: Sequence[Stocked], count: int) -> list[Stocked]:
    """So many different ones, likelier the more they are used (Efraimidis and Spirakis 2006)."""
    keyed = [(chance.random() ** (1 / medicine.daily_use), i) for i, (_, medicine) in enumerate(stocked)]
    return [stocked[i] for _, i in sorted(keyed, reverse=True)[:count]]


def _use(chance: random.Random, id: UUID, medicine: Medicine, people: float) -> Use:
    weekly = medicine.daily_use * 7 * people
    return Use(id, medicine, tuple(max(0, round(chance.gauss(weekly, weekly * 0.35))) for _ in range(WEEKS)))


def below(uses: Sequence[Use]) -> dict[UUID, float]:
    """What all these uses come to a day, by product."""
    total: dict[UUID, float] = {}
    for use in uses:
        total[use.product_id] = total.get(use.product_id, 0.0) + use.per_day
    return total


async def add_stock_and_use(
    session: AsyncSession, key: str, place_id: UUID, supplier_id: UUID, uses: Sequence[Use],
    also: Sequence[Use], on: date, cover: Callable[[random.Random], float],
) -> None:  # fmt: skip
    """Opening lots twelve weeks ago, then each week's use; what is left lasts `cover` days.

    `also` is what the places below use: a depot keeps for them too.
    """
    chance, began = chance_of("stock", key), on - timedelta(days=7 * WEEKS)
    medicines = {use.product_id: use.medicine for use in (*uses, *also)}
    own, needed = {use.product_id: sum(use.weeks) for use in uses}, below((*uses, *also))
    lines = [
        line
        for product_id, medicine in medicines.items()
        for line in _opening(
            chance, product_id, medicine, own.get(product_id, 0) + needed[product_id] * cover(chance), on
        )
    ]
    await stock.receive(
        session, BUILDER, place_id, lines, supplier_id=supplier_id, occurred_on=began, paper="opening"
    )
    issued = [
        Issued(use.product_id, quantity, began + timedelta(days=7 * week + chance.randrange(7)))
        for use in uses
        for week, quantity in enumerate(use.weeks)
        if quantity
    ]
    if issued:
        await stock.issue(session, BUILDER, place_id, issued, occurred_on=on - timedelta(days=1))


def _opening(
    chance: random.Random, product_id: UUID, medicine: Medicine, quantity: float, on: date
) -> Iterator[Received]:
    """One or two lots; some short-dated, so that a receiver's minimum life has something to say."""
    size, price = medicine.product.pack_size, medicine.product.unit_price
    assert price is not None, "every product of the sample has a price"
    packs = max(1, math.ceil(quantity / size))
    parts = [packs // 3, packs - packs // 3] if packs >= 4 and chance.random() < 0.6 else [packs]
    for number, part in enumerate(parts):
        is_short = number == 0 and len(parts) == 2 and chance.random() < 0.25
        days = chance.randint(100, 200) if is_short else chance.randint(300, 900)
        lot = f"{chance.randint(24, 26)}{chance.randint(1, 12):02d}{chance.randint(1, 999):03d}{'AB'[number]}"
        yield Received(product_id, lot, on + timedelta(days=days), part * size, price)
