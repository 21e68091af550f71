"""A small county for tests: two townships, three clinics, eight roles, six medicines. Ids are fixed."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

from sqlmodel.ext.asyncio.session import AsyncSession

from xinglin.base import clock, database
from xinglin.base.actor import Actor
from xinglin.delivery import actions as delivery
from xinglin.formulary import actions as formulary
from xinglin.formulary.actions import NewProduct
from xinglin.people.actions import token_hash
from xinglin.people.models import Account, Credential, Post
from xinglin.people.rules import COUNTY_WIDE, Role, verbs_of
from xinglin.places import actions as places
from xinglin.places.models import Place
from xinglin.stock import actions as stock
from xinglin.stock.actions import Received

COUNTY = "654203"
NAMESPACE = UUID("0c5f3ad2-4cf8-4a4f-9f39-3d1f6a2a6f10")
PASSWORD_HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$VGhpcyBpcyBub3QgYSByZWFsIGhhc2g"


def id_of(name: str) -> UUID:
    """The id of a thing in the small county, by its name."""
    return uuid5(NAMESPACE, name)


def token_of(name: str) -> str:
    """The API token of a person; the browser session's token is the same with `session:` before it."""
    return f"token-of-{name}-in-the-small-county"


@dataclass(frozen=True)
class Someone:
    """A person at a post."""

    name: str
    role: Role
    place: str | None


PEOPLE = (
    Someone("doctor1", Role.VILLAGE_DOCTOR, "clinic1"),
    Someone("doctor2", Role.VILLAGE_DOCTOR, "clinic2"),
    Someone("doctor3", Role.VILLAGE_DOCTOR, "clinic3"),
    Someone("pharmacist1", Role.TOWNSHIP_PHARMACIST, "township1"),
    Someone("pharmacist2", Role.TOWNSHIP_PHARMACIST, "township2"),
    Someone("chief", Role.CHIEF_PHARMACIST, None),
    Someone("keeper", Role.DEPOT_KEEPER, "central"),
    Someone("dispatcher", Role.DISPATCHER, None),
    Someone("driver", Role.DRIVER, "central"),
    Someone("driver1", Role.DRIVER, "township1"),
    Someone("inspector", Role.INSPECTOR, None),
    Someone("admin", Role.ADMIN, None),
)
CLINIC_HOURS = [[10 * 3600, 14 * 3600], [16 * 3600, 20 * 3600]]
PHARMACY_HOURS = [[9 * 3600 + 1800, 19 * 3600 + 1800]]
PLACES = (
    # name, no, kind, Chinese name, supplied by, latitude, longitude, hours
    ("supplier", 1, "supplier", "新疆医药公司", None, 44.30, 85.60, []),
    ("central", 2, "county_central_pharmacy", "沙湾市中心药房", "supplier", 44.326, 85.620, PHARMACY_HOURS),
    (
        "township1",
        3,
        "township_central_pharmacy",
        "乌兰乌苏镇中心药房",
        "central",
        44.30,
        85.86,
        PHARMACY_HOURS,
    ),
    (
        "township2",
        4,
        "township_central_pharmacy",
        "安集海镇中心药房",
        "central",
        44.36,
        85.36,
        PHARMACY_HOURS,
    ),
    ("clinic1", 5, "village_clinic", "上沙门子村卫生室", "township1", 44.32, 85.90, CLINIC_HOURS),
    ("clinic2", 6, "village_clinic", "下沙门子村卫生室", "township1", 44.27, 85.88, CLINIC_HOURS),
    ("clinic3", 7, "village_clinic", "夹河子村卫生室", "township2", 44.38, 85.33, CLINIC_HOURS),
)
PRODUCTS = (
    # name, Chinese, English, form, strength, base unit, pack, size, storage, control, priority, price
    (
        "amoxicillin",
        "阿莫西林",
        "Amoxicillin",
        "胶囊",
        "0.25g",
        "粒",
        "盒",
        24,
        "normal",
        "none",
        "other",
        "0.2500",
    ),
    (
        "metformin",
        "二甲双胍",
        "Metformin",
        "片剂",
        "0.5g",
        "片",
        "盒",
        20,
        "normal",
        "none",
        "chronic",
        "0.1500",
    ),
    (
        "adrenaline",
        "肾上腺素",
        "Epinephrine",
        "注射液",
        "1ml:1mg",
        "支",
        "盒",
        2,
        "normal",
        "none",
        "rescue",
        "3.2000",
    ),
    (
        "insulin",
        "精蛋白人胰岛素",
        "Insulin",
        "注射液",
        "10ml:400单位",
        "支",
        "盒",
        1,
        "cold",
        "none",
        "chronic",
        "38.0000",
    ),
    (
        "ibuprofen",
        "布洛芬",
        "Ibuprofen",
        "片剂",
        "0.1g",
        "片",
        "盒",
        100,
        "normal",
        "none",
        "mother_child",
        "0.0800",
    ),
    ("morphine", "吗啡", "Morphine", "片剂", "5mg", "片", "盒", 20, "normal", "narcotic", "other", "1.1000"),
)


@dataclass(frozen=True)
class World:
    """Who and what there is, by name: `world.place("clinic1")`, `world.actor("doctor1")`."""

    county: str = COUNTY

    def place(self, name: str) -> UUID:
        """A place."""
        return id_of(name)

    def product(self, name: str) -> UUID:
        """A medicine."""
        return id_of(name)

    def actor(self, name: str) -> Actor:
        """A person at work."""
        who = next(person for person in PEOPLE if person.name == name)
        place = None if who.role in COUNTY_WIDE else id_of(who.place or "")
        return Actor(id_of(f"account:{name}"), name, who.role, COUNTY, place, verbs_of(who.role))

    def token(self, name: str) -> str:
        """The person's API token."""
        return token_of(name)

    def session_token(self, name: str) -> str:
        """The person's browser session."""
        return f"session:{token_of(name)}"

    @property
    def expires_on(self) -> date:
        """When the good lots expire."""
        return clock.today() + timedelta(days=500)


EVERYTHING = frozenset(verb for role in Role for verb in verbs_of(role))
BUILDER = Actor(id_of("account:admin"), "admin", Role.ADMIN, COUNTY, None, EVERYTHING)


async def build(session: AsyncSession) -> None:
    """Put the small county into an empty one."""
    await _places(session)
    await _people(session)
    await formulary.adopt_edition(session, BUILDER, "2026")
    await _products(session)
    await _stock(session)
    for home, plate, driver, cold in (
        ("central", "新G10001", "driver", 200_000),
        ("township1", "新G20001", "driver1", 50_000),
    ):
        await delivery.add_vehicle(
            session, BUILDER, id_of(home), plate, capacity_g=800_000, capacity_cm3=4_000_000,
            capacity_cold_cm3=cold, shift=(9 * 3600, 20 * 3600), fixed_cost_fen=5000, cost_per_km_fen=150,
            cost_per_hour_fen=3000, driver_id=id_of(f"account:{driver}"),
        )  # fmt: skip


async def _places(session: AsyncSession) -> None:
    for name, no, kind, shown, supplied_by, latitude, longitude, hours in PLACES:
        place = Place(
            id=id_of(name), no=no, code=f"TEST-{no:03d}", kind=kind, name=shown, name_en=name, opening=hours,
            supplied_by_id=id_of(supplied_by) if supplied_by else None, latitude=latitude, longitude=longitude,
            is_position_synthetic=True, population=800,
        )  # fmt: skip
        await places.add(session, BUILDER, place)


async def _people(session: AsyncSession) -> None:
    for who in PEOPLE:
        account_id, post_id = id_of(f"account:{who.name}"), id_of(f"post:{who.name}")
        session.add(
            Account(
                id=account_id,
                username=who.name,
                name=who.name,
                password_hash=PASSWORD_HASH,
                made_at=clock.now(),
            )
        )
        await session.flush()
        place_id = None if who.role in COUNTY_WIDE else id_of(who.place or "")
        session.add(Post(id=post_id, account_id=account_id, county=COUNTY, place_id=place_id, role=who.role))
        await session.flush()
        for kind, token in (("token", token_of(who.name)), ("session", f"session:{token_of(who.name)}")):
            session.add(
                Credential(
                    token_hash=token_hash(token),
                    account_id=account_id,
                    post_id=post_id,
                    kind=kind,
                    made_at=clock.now(),
                    expires_at=clock.now() + timedelta(days=30),
                )
            )
    await session.flush()


async def _products(session: AsyncSession) -> None:
    for name, shown, english, form, strength, unit, pack, size, storage, control, priority, price in PRODUCTS:
        (made,) = await formulary.add_products(
            session, BUILDER,
            [
                NewProduct(
                    code=f"P-{name}", kind="chemical", generic_name=shown, generic_name_en=english, dosage_form=form,
                    strength=strength, base_unit=unit, pack_unit=pack, pack_size=size, case_size=100,
                    pack_weight_g=60, pack_volume_cm3=150, unit_price=Decimal(price), storage=storage,
                    control=control, priority=priority, maker="测试药厂",
                )
            ],
            valid_from=date(2026, 9, 1),
        )  # fmt: skip
        # The ids of the small county are fixed, so that tests can name things.
        for table, column in (("listing", "product_id"), ("price", "product_id")):
            await database.run(session, f"ALTER TABLE {table} DROP CONSTRAINT fk_{table}_product_id")
            await database.run(
                session, f"UPDATE {table} SET {column} = $2 WHERE {column} = $1", made, id_of(name)
            )
        await database.run(session, "UPDATE product SET id = $2 WHERE id = $1", made, id_of(name))
        for table in ("listing", "price"):
            await database.run(
                session,
                f"ALTER TABLE {table} ADD CONSTRAINT fk_{table}_product_id FOREIGN KEY (product_id) REFERENCES product",
            )


async def _stock(session: AsyncSession) -> None:
    """Opening stock: enough at the centre, some at the townships, little at the clinics."""
    today = clock.today()
    for name, packs in (
        ("central", 200),
        ("township1", 40),
        ("township2", 40),
        ("clinic1", 2),
        ("clinic2", 1),
    ):
        lines = [
            Received(
                id_of(product),
                f"{lot}{name[:3].upper()}",
                today + timedelta(days=days),
                packs * row[7],
                Decimal(row[11]),
            )
            for row in PRODUCTS
            for product, lot, days in ((row[0], "A", 400), (row[0], "B", 700))
            if row[0] != "morphine" or name == "central"
        ]
        await stock.receive(session, BUILDER, id_of(name), lines, supplier_id=id_of("supplier"))
