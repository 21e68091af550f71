"""What a medicine is: identifiers, packs, the essential medicines list, catalogue files, search.

Useful alone: no database, no web. Every refusal is a `CatalogError` with a template and its fields.
"""

from xinglin_catalog.edition import (
    Basis,
    Change,
    Draft,
    Edition,
    EditionDiff,
    EditionItem,
    Form,
    Match,
    NoEdition,
    Part,
    diff,
    edition_on,
    load_edition,
    read_edition,
)
from xinglin_catalog.files import (
    Availability,
    Fault,
    FileResult,
    FormularyRow,
    read_formulary,
    read_products,
)
from xinglin_catalog.identifiers import Identifier, System, parse, recognise
from xinglin_catalog.medicine import (
    DRAFT_CUSTODY,
    Access,
    AntibioticGrade,
    ControlClass,
    Custody,
    ItemKind,
    PriorityClass,
    Product,
    StorageClass,
    Variety,
)
from xinglin_catalog.messages import BadIdentifier, CatalogError, say, sentence
from xinglin_catalog.packs import BadPack, PackLadder, Rung
from xinglin_catalog.search import Entry, SearchIndex, query_keys, score, search_keys

__all__ = [
    "DRAFT_CUSTODY",
    "Access",
    "AntibioticGrade",
    "Availability",
    "BadIdentifier",
    "BadPack",
    "Basis",
    "CatalogError",
    "Change",
    "ControlClass",
    "Custody",
    "Draft",
    "Edition",
    "EditionDiff",
    "EditionItem",
    "Entry",
    "Fault",
    "FileResult",
    "Form",
    "FormularyRow",
    "Identifier",
    "ItemKind",
    "Match",
    "NoEdition",
    "PackLadder",
    "Part",
    "PriorityClass",
    "Product",
    "Rung",
    "SearchIndex",
    "StorageClass",
    "System",
    "Variety",
    "diff",
    "edition_on",
    "load_edition",
    "parse",
    "query_keys",
    "read_edition",
    "read_formulary",
    "read_products",
    "recognise",
    "say",
    "score",
    "search_keys",
    "sentence",
]
