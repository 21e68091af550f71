"""Money in Decimal yuan: unit prices to four places, amounts to the fen."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

FEN = Decimal("0.01")
UNIT = Decimal("0.0001")
MOST = Decimal(10**9)


def yuan(amount: Decimal | int) -> Decimal:
    """Round an amount to the fen, half up. The only place where money is rounded."""
    return Decimal(amount).quantize(FEN, ROUND_HALF_UP)


def amount(quantity: int, unit_price: Decimal) -> Decimal:
    """What so many base units cost at a price per base unit."""
    return yuan(quantity * unit_price)


def is_price(unit_price: Decimal) -> bool:
    """Whether this can be a price: zero or more yuan, below a thousand million, four places at most."""
    is_number = unit_price.is_finite() and 0 <= unit_price < MOST
    return is_number and unit_price == unit_price.quantize(UNIT)


def share_out(pool: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """Divide a pool by weights so that the parts add up to the last fen (largest remainder).

    Refuses a pool below zero, weights below zero and weights that are all zero.
    """
    if pool < 0 or any(weight < 0 for weight in weights) or not any(weights):
        raise ValueError("A pool is shared out by weights of zero and more, not all zero.")
    fen = int((yuan(pool) / FEN).to_integral_value())
    return [part * FEN for part in share_whole(fen, weights)]


def share_whole(pool: int, weights: Sequence[Decimal | int]) -> list[int]:
    """Divide a whole number by weights into whole parts that add up to it (largest remainder)."""
    total = sum(Fraction(weight) for weight in weights)
    exact = [pool * Fraction(weight) / total for weight in weights]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[: pool - sum(parts)]:
        parts[i] += 1
    return parts
