"""One connection's place in one channel, as a state machine without I/O. PROTOCOL.md "Following".

While it catches up it takes pages, each paid for with credit; when a page ends at the channel's newest position it is
live and takes publications as they come. Whatever happens, `last` is the position of the last one handed over, and the
next one handed over is the one after it: nothing is missed and nothing comes twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from realtime.channels import Publication
from realtime.messages import CREDIT_MAX


class Subscription:
    """State: `last` handed over, `credit` in pages, `live` or catching up, `reading` while a page is on its way."""

    __slots__ = ("channel", "credit", "last", "live", "reading")

    def __init__(self, channel: str, last: int, credit: int) -> None:
        self.channel = channel
        self.last = last
        self.credit = credit
        self.live = False
        self.reading = False

    def wants_page(self) -> bool:
        """Whether a page should be fetched now."""
        return not self.live and not self.reading and self.credit > 0

    def add_credit(self, pages: int) -> None:
        """The client has room for more pages."""
        self.credit = min(self.credit + pages, CREDIT_MAX)

    def begin_read(self) -> int:
        """A page is being fetched; returns the position it must begin after."""
        self.reading = True
        return self.last

    def take_page(self, page: Sequence[Publication], top: int) -> Sequence[Publication]:
        """A page has come; returns what of it is to be sent. `top` is the channel's newest position at this moment.

        An empty page at the top costs no credit: there was nothing to catch up with.
        """
        self.reading = False
        if self.live:
            return ()
        fresh = page if not page or page[0].after == self.last else [p for p in page if p.after >= self.last]
        if fresh and fresh[0].after == self.last:
            self.last = fresh[-1].p
            self.credit -= 1
        else:
            fresh = ()
        self.live = self.last >= top
        return fresh

    def fail_read(self) -> None:
        """The page could not be fetched; it is asked for again."""
        self.reading = False

    def take(self, publication: Publication) -> bool:
        """A publication has appeared; True when it is to be sent. One that does not follow begins a catch-up."""
        if not self.live:
            return False
        if publication.after != self.last:
            self.live = publication.p <= self.last
            return False
        self.last = publication.p
        return True

    def fall_behind(self) -> None:
        """The client reads too slowly: it goes on from `last` by pages when it has room again."""
        self.live = False
