"""How to visit places: an immutable problem, an immutable plan, a judge, and solvers behind one door.

Importing this loads no solver: who only judges plans pays nothing for those who make them.
"""

from .check import Cost, RouteSheet, Verdict, Violation, Visit, check
from .faults import Fault, ProblemError, Sentence
from .json_form import (
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
    verdict_to_json,
)
from .plan import LeftOut, Plan, Route
from .problem import Place, Problem, Stop, Travel, Vehicle
from .solve import Progress, solve
from .travel import SUMMER, WINTER, Roads, closed, estimate, from_csv, from_numpy

__all__ = [
    "SUMMER",
    "WINTER",
    "Cost",
    "Fault",
    "LeftOut",
    "Place",
    "Plan",
    "Problem",
    "ProblemError",
    "Progress",
    "Roads",
    "Route",
    "RouteSheet",
    "Sentence",
    "Stop",
    "Travel",
    "Vehicle",
    "Verdict",
    "Violation",
    "Visit",
    "check",
    "closed",
    "estimate",
    "from_csv",
    "from_numpy",
    "plan_from_json",
    "plan_to_json",
    "problem_from_json",
    "problem_to_json",
    "solve",
    "verdict_to_json",
]
