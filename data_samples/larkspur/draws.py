"""Repeatable draws: a 64-bit mix of (seed, key, salt), so that a row's values depend on nothing
but its own key.

polars' own hash is only stable within one polars version, hence the arithmetic here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import polars as pl

_MASK = (1 << 64) - 1
_FOUR_HEX_DIGITS = pl.Series("hex", [f"{value:04x}" for value in range(1 << 16)])


def u64(value: int) -> pl.Expr:
    return pl.lit(value & _MASK, dtype=pl.UInt64)


def _mix(z: pl.Expr) -> pl.Expr:
    """The finaliser of splitmix64; polars' integers wrap."""
    z = (z ^ (z // u64(1 << 30))) * u64(0xBF58476D1CE4E5B9)
    z = (z ^ (z // u64(1 << 27))) * u64(0x94D049BB133111EB)
    return z ^ (z // u64(1 << 31))


def hex16(value: pl.Expr) -> pl.Expr:
    """Sixteen hexadecimal digits of an unsigned 64-bit column."""
    table = pl.lit(_FOUR_HEX_DIGITS)
    quarters = [value // u64(1 << shift) % u64(1 << 16) for shift in (48, 32, 16, 0)]
    return pl.concat_str([table.gather(quarter) for quarter in quarters])


@dataclass(frozen=True)
class Draws:
    """All chance of one sample: the same seed gives the same sample."""

    seed: int

    def number(self, *salt: object) -> int:
        """One 64-bit number for a name, outside polars."""
        text = "|".join(str(part) for part in (self.seed, *salt))
        return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def hexadecimal(self, digits: int, *salt: object) -> str:
        text = "|".join(str(part) for part in (self.seed, *salt))
        return blake2b(text.encode(), digest_size=32).hexdigest()[:digits]

    def bits(self, key: pl.Expr, salt: str) -> pl.Expr:
        """64 bits a row, from an unsigned 64-bit key column."""
        return _mix(key * u64(0x9E3779B97F4A7C15) + u64(self.number(salt)))

    def below(self, key: pl.Expr, salt: str, limit: int) -> pl.Expr:
        """Whole numbers 0 … limit - 1 as Int64."""
        return (self.bits(key, salt) % u64(limit)).cast(pl.Int64)

    def pick(
        self, key: pl.Expr, salt: str, values: Sequence[object], weights: Sequence[int]
    ) -> pl.Expr:
        """One of the values a row, in proportion to whole weights."""
        lots = [value for value, weight in zip(values, weights, strict=True) for _ in range(weight)]
        return pl.lit(pl.Series("lots", lots)).gather(self.bits(key, salt) % u64(len(lots)))
