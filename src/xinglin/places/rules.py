"""Kinds of place, tiers, and opening windows."""

from collections.abc import Sequence
from enum import StrEnum

from xinglin.base.errors import N_, BadInput

DAY_S = 24 * 3600


class PlaceKind(StrEnum):
    """What a place is (domain.md section 5)."""

    COUNTY_PHARMACY = "county_central_pharmacy"
    TCM_PHARMACY = "shared_tcm_pharmacy"
    COUNTY_HOSPITAL = "county_hospital"
    TOWNSHIP_PHARMACY = "township_central_pharmacy"
    COMMUNITY_PHARMACY = "community_central_pharmacy"
    VILLAGE_CLINIC = "village_clinic"
    STATION = "community_station"
    SUPPLIER = "supplier"
    VEHICLE = "vehicle"
    INVESTIGATION = "investigation"
    PATIENTS = "patients"
    LOSSES = "losses"


KIND_NAMES = {
    PlaceKind.COUNTY_PHARMACY: N_("County central pharmacy"),
    PlaceKind.TCM_PHARMACY: N_("Shared TCM pharmacy"),
    PlaceKind.COUNTY_HOSPITAL: N_("County hospital"),
    PlaceKind.TOWNSHIP_PHARMACY: N_("Township central pharmacy"),
    PlaceKind.COMMUNITY_PHARMACY: N_("Community central pharmacy"),
    PlaceKind.VILLAGE_CLINIC: N_("Village clinic"),
    PlaceKind.STATION: N_("Community station"),
    PlaceKind.SUPPLIER: N_("Supplier"),
    PlaceKind.VEHICLE: N_("Vehicle"),
    PlaceKind.INVESTIGATION: N_("Under investigation"),
    PlaceKind.PATIENTS: N_("Patients"),
    PlaceKind.LOSSES: N_("Losses"),
}

TIER_OF = {
    PlaceKind.COUNTY_PHARMACY: "county",
    PlaceKind.TCM_PHARMACY: "county",
    PlaceKind.COUNTY_HOSPITAL: "county",
    PlaceKind.TOWNSHIP_PHARMACY: "township",
    PlaceKind.COMMUNITY_PHARMACY: "township",
    PlaceKind.VILLAGE_CLINIC: "village",
    PlaceKind.STATION: "village",
}
EDGES = (PlaceKind.VEHICLE, PlaceKind.INVESTIGATION, PlaceKind.PATIENTS, PlaceKind.LOSSES)
"""Kinds of place that a county has by itself: nobody adds them by hand."""
DEPOTS = (
    PlaceKind.COUNTY_PHARMACY,
    PlaceKind.TCM_PHARMACY,
    PlaceKind.TOWNSHIP_PHARMACY,
    PlaceKind.COMMUNITY_PHARMACY,
)
"""Kinds of place that supply others."""


def check_opening(windows: Sequence[Sequence[int]]) -> None:
    """Opening windows are pairs of seconds of the day, each after the one before."""
    last = 0
    for window in windows:
        if not _is_pair(window) or not last <= window[0] < window[1] <= DAY_S:
            raise BadInput(
                N_("Opening hours are pairs of from and to within one day, in order; {value} is not."),
                value=window,
            )
        last = window[1]


def _is_pair(window: object) -> bool:
    return isinstance(window, list | tuple) and len(window) == 2 and all(type(s) is int for s in window)
