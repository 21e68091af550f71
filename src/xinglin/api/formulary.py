"""What the county has adopted, by machine: products, who may order them, prices, editions."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Controller
from litestar.params import FromPath, FromQuery, JSONBody, RawBody
from pydantic import BaseModel, Field

from xinglin.api.entry import CSV, ask, make, replace
from xinglin.api.faults import ManyFaults, Wrong
from xinglin.api.forms import (
    Cursor,
    Day,
    In,
    KeyHeader,
    Limit,
    Name,
    Note,
    OnlyWhole,
    Page,
    Query,
    Reason,
    UnitPrice,
    Whole,
    Word,
    Yuan,
    from_cursor,
    page_of,
)
from xinglin.base.errors import N_
from xinglin.base.language import translate
from xinglin.formulary import actions as formulary, queries as formulary_queries
from xinglin.formulary.actions import NewProduct
from xinglin.gate import Here, Visit
from xinglin_catalog import ControlClass, ItemKind, PriorityClass, StorageClass
from xinglin_catalog.files import Fault, read_products
from xinglin_catalog.medicine import Product

Tier = Literal["county", "township", "village"]
Code = Annotated[str, Field(min_length=1, max_length=40)]


class ProductIn(In):
    """A product to be taken up. Weight and volume of one pack; price in yuan per base unit."""

    code: Code
    kind: ItemKind
    generic_name: Name
    generic_name_en: Word = ""
    trade_name: Word = ""
    dosage_form: Name
    strength: Word = ""
    base_unit: Name
    pack_unit: Name
    pack_size: Annotated[int, OnlyWhole, Field(gt=0, le=1_000_000)]
    case_size: Annotated[int, OnlyWhole, Field(gt=0, le=1_000_000)] = 1
    pack_weight_g: Whole
    pack_volume_cm3: Whole
    unit_price: UnitPrice
    maker: Word = ""
    storage: StorageClass = StorageClass.NORMAL
    control: ControlClass = ControlClass.NONE
    priority: PriorityClass = PriorityClass.OTHER
    antibiotic: bool = False
    village_rule: Note = ""


class ProductsIn(In):
    """Products to be taken up, all or none."""

    products: Annotated[list[ProductIn], Field(min_length=1, max_length=2000)]
    valid_from: Day | None = None


class ListingIn(In):
    """What a tier may do with a product, and by which rule."""

    may: Literal["stocked", "on_request", "not_allowed"]
    rule: Note = ""


class PriceIn(In):
    """Yuan per base unit from a day on."""

    unit_price: UnitPrice
    valid_from: Day


class EditionIn(In):
    """An edition of the essential medicines list, such as 2026, and the day from which the county goes by it."""

    edition: Annotated[str, Field(min_length=1, max_length=20)]
    valid_from: Day | None = None


class ProductOut(BaseModel):
    """A product; with a tier, what that tier may do with it. Price today in yuan per base unit."""

    id: UUID
    code: str
    kind: str
    generic_name: str
    generic_name_en: str
    trade_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    case_size: int
    maker: str
    storage: str
    control: str
    priority: str
    essential_no: str | None
    unit_price: Yuan | None
    may: str | None
    rule: str | None


class ListingOut(BaseModel):
    """What a tier may do with a product."""

    tier: str
    may: str
    rule: str


class PriceOut(BaseModel):
    """A price and the day from which it holds."""

    valid_from: date
    unit_price: Yuan


class WholeProductOut(BaseModel):
    """A product with all that is known of it."""

    id: UUID
    code: str
    kind: str
    generic_name: str
    generic_name_en: str
    trade_name: str
    dosage_form: str
    strength: str
    base_unit: str
    pack_unit: str
    pack_size: int
    case_size: int
    maker: str
    storage: str
    control: str
    priority: str
    antibiotic: bool
    essential_no: str | None
    essential_why: str
    needs_specialist: bool
    pack_weight_g: int
    pack_volume_cm3: int
    retired: bool
    unit_price: Yuan | None
    listings: list[ListingOut]
    prices: list[PriceOut]


class TakenUpOut(BaseModel):
    """The ids of products taken up, in the order in which they were sent."""

    ids: list[UUID]


class EditionOut(BaseModel):
    """An adopted edition and the days on which the county goes by it."""

    edition: str
    valid_from: date
    valid_to: date | None
    notice: str


class EditionsOut(BaseModel):
    """Every adopted edition, newest first."""

    items: list[EditionOut]


class Products(Controller):
    """Medicines as they are bought."""

    path = "/products"
    tags = ("Formulary",)

    @ask("formulary.read")
    async def list(
        self, visit: Here, text: Query = "", tier: FromQuery[Tier | None] = None, cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ProductOut]:  # fmt: skip
        """All products by name; with `q` (name, pinyin, initials, code, English) the best hits, on one page."""
        if text.strip():
            hits = await formulary_queries.search(visit.session, visit.actor, text, tier=tier, limit=limit)
            return Page(items=[ProductOut.model_validate(dict(row)) for row in hits])
        found = await formulary_queries.products(
            visit.session, tier=tier, after=from_cursor(cursor, str, UUID), limit=limit
        )
        return page_of(ProductOut, found, limit, "generic_name", "id")

    @ask("formulary.read", "/{product_id:uuid}")
    async def read(self, visit: Here, product_id: FromPath[UUID]) -> WholeProductOut:
        """One product with its listings and prices."""
        return await _now(visit, product_id)

    @make("formulary.add_products")
    async def add(self, visit: Here, data: JSONBody[ProductsIn], idempotency_key: KeyHeader) -> TakenUpOut:
        """Take products up: matched with the adopted edition, listed by custody, priced. All or none."""
        products = [NewProduct(**line.model_dump()) for line in data.products]
        ids = await formulary.add_products(visit.session, visit.actor, products, valid_from=data.valid_from)
        return TakenUpOut(ids=ids)

    @make("formulary.add_products", "/file", takes=CSV)
    async def add_file(self, visit: Here, body: RawBody, idempotency_key: KeyHeader) -> TakenUpOut:
        """Take up a CSV file of products (UTF-8 or GB18030). Every fault by line, or all rows; prices follow."""
        found = read_products(body)
        faults = [*found.faults, *_lacking(found.rows, found.lines)]
        if faults:
            raise ManyFaults([told(visit, fault) for fault in faults])
        ids = await formulary.add_products(visit.session, visit.actor, [new(one) for one in found.rows])
        return TakenUpOut(ids=ids)

    @replace("formulary.set_listing", "/{product_id:uuid}/listings/{tier:str}")
    async def set_listing(
        self, visit: Here, product_id: FromPath[UUID], tier: FromPath[Tier], data: JSONBody[ListingIn],
        idempotency_key: KeyHeader,
    ) -> WholeProductOut:  # fmt: skip
        """Say what a tier may do with a product, and by which rule."""
        await formulary.set_listing(visit.session, visit.actor, product_id, tier, data.may, rule=data.rule)
        return await _now(visit, product_id)

    @make("formulary.set_price", "/{product_id:uuid}/prices")
    async def set_price(
        self, visit: Here, product_id: FromPath[UUID], data: JSONBody[PriceIn], idempotency_key: KeyHeader
    ) -> WholeProductOut:
        """Set the price from a day on, today or later; orders placed before keep theirs."""
        await formulary.set_price(
            visit.session, visit.actor, product_id, data.unit_price, valid_from=data.valid_from
        )
        return await _now(visit, product_id)


class Editions(Controller):
    """Editions of the essential medicines list."""

    path = "/editions"
    tags = ("Formulary",)

    @ask("formulary.read")
    async def list(self, visit: Here) -> EditionsOut:
        """Editions this county goes by."""
        return await _editions(visit)

    @make("formulary.adopt_edition")
    async def adopt(self, visit: Here, data: JSONBody[EditionIn], idempotency_key: KeyHeader) -> EditionsOut:
        """Go by an edition from a day on; the one before ends the day before."""
        await formulary.adopt_edition(visit.session, visit.actor, data.edition, valid_from=data.valid_from)
        return await _editions(visit)


class PolicyIn(In):
    """What holds from a day on, and where it stands."""

    value: dict[str, Any]
    source: Reason
    valid_from: Day


class PolicyOut(BaseModel):
    """A row of a policy: what holds from a day on, by which source."""

    name: str
    valid_from: date
    value: dict[str, Any]
    source: str
    is_in_force: bool


class PoliciesOut(BaseModel):
    """Every row of the policies, the newest of each first."""

    items: list[PolicyOut]


class Policies(Controller):
    """What a regulation or the county's committee sets: dated, sourced rows."""

    path = "/policies"
    tags = ("Formulary",)

    @ask("formulary.read")
    async def list(self, visit: Here) -> PoliciesOut:
        """All policies through time."""
        return await _policies(visit, None)

    @replace("formulary.set_policy", "/{name:str}")
    async def set(
        self, visit: Here, name: FromPath[str], data: JSONBody[PolicyIn], idempotency_key: KeyHeader
    ) -> PoliciesOut:
        """Set a policy from a day on, today or later; the rows before it stay."""
        await formulary.set_policy(
            visit.session, visit.actor, name, data.value, source=data.source, valid_from=data.valid_from
        )
        return await _policies(visit, name)


async def _policies(visit: Visit, name: str | None) -> PoliciesOut:
    found = await formulary_queries.policies(visit.session, name)
    rows = [{**row, "value": msgspec.json.decode(row["value"])} for row in found]
    return PoliciesOut(items=[PolicyOut.model_validate(row) for row in rows])


async def _now(visit: Visit, product_id: UUID) -> WholeProductOut:
    """A product as it stands."""
    found = await formulary_queries.product(visit.session, product_id)
    listings = await formulary_queries.listings(visit.session, product_id)
    prices = await formulary_queries.prices(visit.session, product_id)
    return WholeProductOut.model_validate(
        {**found, "listings": [dict(row) for row in listings], "prices": [dict(row) for row in prices]}
    )


async def _editions(visit: Visit) -> EditionsOut:
    found = await formulary_queries.adopted_editions(visit.session)
    return EditionsOut(items=[EditionOut.model_validate(dict(row)) for row in found])


def told(visit: Visit, fault: Fault) -> Wrong:
    """A fault of a file with its place in the reader's language."""
    place = N_("line {line}, {column}") if fault.column else N_("line {line}")
    where = translate(visit.locale, place, line=fault.line, column=fault.column)
    return Wrong(where, fault.message, dict(fault.params))


def code_of(product: Product) -> str:
    """The county's code of a product from a file: the narrowest code it has."""
    return product.gtin or product.drug_standard_code or product.nhsa_code or product.approval_number


def _lacking(rows: Any, lines: Any) -> list[Fault]:
    """What the service needs of a product beyond what the file must have: a code, and what a pack weighs."""
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for product, line in zip(rows, lines, strict=True):
        code = code_of(product)
        first = seen.setdefault(code, line)
        if not code:
            faults.append(
                _fault(line, "", N_("Give one code: gtin, drug_standard_code, nhsa_code or approval_number."))
            )
        elif first != line:
            faults.append(
                _fault(line, "", N_("The code {value} stands already in line {first}."), code, first=first)
            )
        if product.pack_load_g is None:
            faults.append(
                _fault(line, "pack_load_g", N_("What one pack weighs is needed to plan a run: give it in g."))
            )
        if product.pack_volume_cm3 is None:
            faults.append(
                _fault(
                    line,
                    "pack_volume_cm3",
                    N_("How large one pack is is needed to plan a run: give it in cm³."),
                )
            )
    return faults


def _fault(line: int, column: str, message: str, value: str = "", **fields: object) -> Fault:
    return Fault(line, column, value, message, {"value": value, **fields})


def new(product: Product) -> NewProduct:
    """A product of a file as the formulary takes it up; its price is set afterwards."""
    rungs = product.packs.rungs
    return NewProduct(
        code=code_of(product), kind=product.variety.kind, generic_name=product.variety.generic_name,
        generic_name_en=product.variety.name_en, dosage_form=product.dosage_form, strength=product.strength,
        base_unit=product.packs.base_unit, pack_unit=rungs[0].unit if rungs else product.packs.base_unit,
        pack_size=rungs[0].holds if rungs else 1, case_size=rungs[1].holds if len(rungs) > 1 else 1,
        pack_weight_g=product.pack_load_g or 0, pack_volume_cm3=product.pack_volume_cm3 or 0, unit_price=None,
        trade_name=product.trade_name, maker=product.maker, storage=product.storage, control=product.control,
        priority=product.priority, antibiotic=product.antibiotic_grade is not None,
    )  # fmt: skip
