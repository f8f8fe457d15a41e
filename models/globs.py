"""Patterns with `*` (any text) and `?` (any character)."""

from functools import cache


@cache
def globs_meet(left: str, right: str) -> bool:
    """Tell whether some text matches both patterns."""
    if not left or not right:
        return set(left + right) <= {"*"}
    if left[0] == "*":
        return globs_meet(left[1:], right) or globs_meet(left, right[1:])
    if right[0] == "*":
        return globs_meet(right, left)
    return (left[0] == right[0] or "?" in (left[0], right[0])) and globs_meet(left[1:], right[1:])
