"""What the small Stripe remembers: its objects by id, the oldest forgotten when there are too many."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from server.simulators.stripe.shapes import Object

OBJECTS_MAX = 60_000
EXPANDABLE = {
    "payment_intent": ("latest_charge",),
    "charge": ("balance_transaction", "payment_intent"),
    "balance_transaction": ("source",),
}


class StripeState:
    """Objects by id. Answers are copies with the members that were asked for expanded."""

    def __init__(self, objects_max: int = OBJECTS_MAX) -> None:
        self._objects: OrderedDict[str, Object] = OrderedDict()
        self._objects_max = objects_max

    def __len__(self) -> int:
        return len(self._objects)

    def put(self, thing: Object) -> None:
        """Remember a thing, in place of what had its id."""
        self._objects[thing["id"]] = thing
        self._objects.move_to_end(thing["id"])
        while len(self._objects) > self._objects_max:
            self._objects.popitem(last=False)

    def get(self, kind: str, thing_id: str, expand: Iterable[str] = ()) -> Object | None:
        """Return the thing of that kind, or None. `expand` names members such as `latest_charge.balance_transaction`.

        Raises KeyError with the member's name when it cannot be expanded.
        """
        thing = self._objects.get(thing_id)
        if thing is None or thing["object"] != kind:
            return None
        answer = dict(thing)
        for path in sorted(expand):
            self._expand(answer, path)
        return answer

    def _expand(self, thing: Object, path: str) -> None:
        member, _, rest = path.partition(".")
        if member not in EXPANDABLE[thing["object"]]:
            raise KeyError(member)
        value = thing[member]
        if isinstance(value, str):
            value = thing[member] = dict(self._objects.get(value, {"id": value}))
        if rest and isinstance(value, dict) and "object" in value:
            self._expand(value, rest)
