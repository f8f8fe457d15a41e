"""Files with the content of another one: what was sent again counts once, wherever it lies."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connectors._base import Delivery, Landed

_REPEATS = "repeats-"


def without_repeats(found: Iterable[Delivery], landed: Landed) -> Iterator[Delivery]:
    """Yield the files, but of several with the same version (their content) only one.

    One that already counts goes on to count. Another that was landed for what it held before is
    yielded with `repeats`, the slot that counts, in its request: it must deliver nothing.
    """
    # A file that was found to repeat another is known by that: it may be the only one now.
    offered = [replace(each, version=each.version.removeprefix(_REPEATS)) for each in found]
    contents = {delivery.slot: delivery.version for delivery in offered}
    holders: dict[str, str] = {}
    for slot, versions in sorted(landed.items()):
        version = versions[-1].version
        if contents.get(slot, version) == version:
            holders.setdefault(version, slot)
    for delivery in offered:
        holder = holders.setdefault(delivery.version, delivery.slot)
        if holder == delivery.slot:
            yield delivery
        elif delivery.slot in landed:
            yield replace(
                delivery,
                version=f"{_REPEATS}{delivery.version}",
                # Of one state of a file, what it holds comes after that it need not count.
                order=delivery.order.removesuffix("Z"),
                request={**delivery.request, "repeats": holder},
            )
