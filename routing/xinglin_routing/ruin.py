"""Ruin and recreate on the judge's own prices: what the solver cannot price, waiting, is mended here.

A small form of slack induction by string removals (Christiaens and Vanden Berghe 2020,
10.1287/trsc.2019.0914): take out neighbours, put each back where it costs least, keep what is no dearer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import numpy as np

from .insertion import Search, route_fen, search_in
from .problem import Problem, Stop

FEWEST_TAKEN, MOST_TAKEN = 2, 8
MOST_LEFT_OUT_TRIED = 6
# Being forced counts for more than any price.
FORCED_FEN = 10**15

Orders = dict[str, tuple[Stop, ...]]


@dataclass(slots=True)
class Ruin:
    """A plan being taken apart and put together again."""

    problem: Problem
    orders: Orders
    random: Random
    costs: dict[str, int] = field(init=False)
    near: list[list[Stop]] = field(init=False)

    def __post_init__(self) -> None:
        self.costs = search_in(self.problem, self.orders).costs
        places = np.array([self.problem.place_index[stop.place] for stop in self.problem.stops])
        seconds = self.problem.travel.duration_s[np.ix_(places, places)]
        order = np.argsort(seconds + seconds.T, axis=1, kind="stable")[:, : 4 * MOST_TAKEN]
        self.near = [[self.problem.stops[row] for row in rows] for rows in order.tolist()]

    def improve(
        self, *, rounds: int, patience: int, is_over: Callable[[], bool], on_better: Callable[[Orders], None]
    ) -> None:
        """Up to `rounds` rounds, and `patience` in a row that found nothing better."""
        price, since_better = self._price(Search(self.problem, self.orders, self.costs)), 0
        while rounds > 0 and since_better < patience and not is_over():
            rounds, since_better = rounds - 1, since_better + 1
            tried = self._round()
            new_price = self._price(tried)
            if new_price < price:
                since_better = 0
                on_better(tried.orders)
            if new_price <= price:
                self.orders, self.costs, price = tried.orders, tried.costs, new_price

    def _round(self) -> Search:
        """Take out some neighbours, then try them and a few of those left out before."""
        seed = self.random.randrange(len(self.near))
        count = self.random.randint(FEWEST_TAKEN, MOST_TAKEN)
        near = [stop for stop in self.near[seed] if self.random.random() < 0.8]
        served = {stop.id for order in self.orders.values() for stop in order}
        taken = [stop for stop in near if stop.id in served][:count]
        left_out = [stop for stop in near if stop.id not in served][:MOST_LEFT_OUT_TRIED]
        search = self._without({stop.id for stop in taken})
        still = {stop.id for order in search.orders.values() for stop in order}
        self._recreate(search, [stop for stop in (*taken, *left_out) if stop.id not in still])
        return search

    def _without(self, gone: set[str]) -> Search:
        """The plan less some stops; a route stays whole if it needs the stop as a short cut on its way."""
        search = Search(self.problem, dict(self.orders), dict(self.costs))
        for vehicle in self.problem.vehicles:
            order = self.orders[vehicle.id]
            kept = tuple(stop for stop in order if stop.id not in gone)
            if len(kept) < len(order):
                fen = route_fen(self.problem, vehicle, kept)
                if fen is not None:
                    search.orders[vehicle.id], search.costs[vehicle.id] = kept, fen
        return search

    def _recreate(self, search: Search, stops: list[Stop]) -> None:
        self.random.shuffle(stops)
        for stop in sorted(stops, key=lambda one: not one.must_be_served):
            search.serve(stop)

    def _price(self, search: Search) -> int:
        served = {stop.id for order in search.orders.values() for stop in order}
        missed = [stop for stop in self.problem.stops if stop.id not in served]
        forced = sum(stop.must_be_served for stop in missed)
        return sum(search.costs.values()) + sum(stop.worth_fen or 0 for stop in missed) + forced * FORCED_FEN
