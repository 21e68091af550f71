"""The sample county on the road: how long the judge takes, and what the solver makes of small and large problems."""

import time
from uuid import UUID

from benchmarks._ground import options, tell
from xinglin.delivery.planning import Depot, Load, Van, to_problem
from xinglin.demo import sample
from xinglin_routing import Problem, check, solve

CENTRAL = Depot("C-001", "沙湾市县域中心药房", 44.3295, 85.6215)
VILLAGES = 17
SHIFT = (9 * 3600, 20 * 3600)
OPEN = ((10 * 3600, 14 * 3600), (16 * 3600, 20 * 3600))


def load(code: str, name: str, at: tuple[float, float], tier: str, people: int) -> Load:
    """A week's goods for so many people."""
    return Load(
        UUID(int=0), code, name, tier, *at, OPEN, (), 12, 8 * people, 25 * people, 400 if people % 3 else 0, 1
    )


def vans(count: int, weight_g: int, volume_cm3: int) -> list[Van]:
    """Vehicles of a kind."""
    return [
        Van(f"V{number}", f"新G{number:05d}", weight_g, volume_cm3, volume_cm3 // 20, SHIFT, 5000, 150, 3000)
        for number in range(count)
    ]


def problems() -> dict[str, Problem]:
    """Townships from the centre; the villages of one township; the whole county in one go; sixty stops."""
    towns, clinics = sample.towns(), sample.clinics()
    to_town = [load(t.code, t.name, (t.latitude, t.longitude), "township", 3000) for t in towns]
    to_clinic = {
        c.code: load(c.code, c.name, (c.latitude, c.longitude), "village", c.population) for c in clinics
    }
    sizes = {t.code: [c.code for c in clinics if c.town_code == t.code] for t in towns}
    home = next(town for town in towns if len(sizes[town.code]) >= VILLAGES)
    villages = [to_clinic[code] for code in sizes[home.code][:VILLAGES]]
    depot = Depot(home.code, home.name, home.latitude, home.longitude)
    return {
        f"{len(to_town)} townships": to_problem(CENTRAL, vans(5, 1_000_000, 6_000_000), to_town),
        f"{len(villages)} clinics": to_problem(depot, vans(2, 500_000, 2_500_000), villages),
        f"{len(to_town) + len(clinics)} stops": to_problem(
            CENTRAL, vans(24, 1_000_000, 6_000_000), [*to_town, *to_clinic.values()]
        ),
        "60 stops": to_problem(CENTRAL, vans(8, 1_000_000, 6_000_000), list(to_clinic.values())[:60]),
    }


def main() -> None:
    """Each problem solved within the time given, then judged."""
    chosen = options(__doc__ or "", seconds=10.0, judged=200)
    rows: list[tuple[str, object]] = []
    figures: dict[str, float] = {}
    posed = problems()
    for name, problem in posed.items():
        began = time.perf_counter()
        plan = solve(problem, time_limit_s=chosen.seconds, seed=0)
        took_s = time.perf_counter() - began
        verdict = check(problem, plan)
        assert not verdict.violations
        told = f"{verdict.cost.total_fen / 100:.2f} yuan, {len(plan.routes)} runs, {len(plan.left_out)} left out, {took_s:.1f} s"
        rows.append((name, told))
        key = name.replace(" ", "_")
        figures |= {f"cost_yuan_{key}": verdict.cost.total_fen / 100, f"seconds_{key}": took_s}
        if name == "60 stops":
            began = time.perf_counter()
            for _ in range(chosen.judged):
                check(problem, plan)
            figures["judge_ms"] = (time.perf_counter() - began) / chosen.judged * 1000
            rows.append(("judging 60 stops, ms", figures["judge_ms"]))
    tell(f"Routing on the sample county, at most {chosen.seconds:g} s each", rows, figures, chosen.json)


if __name__ == "__main__":
    main()
