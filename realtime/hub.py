"""The hub: who listens to what in this process, and one batched write per socket and tick.

Nothing here awaits a client. A publication is framed once; each live subscriber's box gets the same bytes object; at
the end of the tick every box goes out in one `writelines`. Whoever reads too slowly falls back to pages from the source
when he has room again, and a socket that makes no progress is cut (PROTOCOL.md "Slow readers").
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from realtime.channels import PAGE_BYTES_MAX, PAGE_LEN_MAX, ChannelSource, Publication, Ring
from realtime.connection import ChannelState, high_water
from realtime.frames import event_frame, message_frame, page_frames
from realtime.subscription import Subscription

READS_MAX = 32
BEHIND_BYTES_MAX = 256 * 1024
BOX_BYTES_MAX = 1024 * 1024
NO_PROGRESS_S_MAX = 15.0
SWEEP_INTERVAL_S = 0.1
SLICE_S = 0.002
READ_RETRY_S = 1.0

_log = logging.getLogger(__name__)


class Wire(Protocol):
    """The writing side of one socket. Neither method waits."""

    def backlog(self) -> int:
        """Bytes written here that the kernel has not taken yet."""

    def write(self, frames: Sequence[bytes]) -> None:
        """Hand over frames, in order."""

    def abort(self) -> None:
        """Cut the socket at once."""


@dataclass(eq=False, slots=True)
class Member:
    """One socket in the hub: its wire, its box, and what it follows."""

    wire: Wire
    box: list[bytes] = field(default_factory=list)
    box_bytes: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    is_dirty: bool = False
    stuck_since_s: float | None = None
    stuck_bytes: int = 0


Note = Literal["checkpoint", "checkpoint.witnessed"]
"""What is newest of a channel beside its publications: what its source signed, and what others vouched for."""


@dataclass(slots=True)
class _Channel:
    source: ChannelSource
    epoch: str
    top: int
    ring: Ring = field(default_factory=Ring)
    members: dict[Member, Subscription] = field(default_factory=dict)
    notes: dict[Note, bytes] = field(default_factory=dict)
    pages: dict[int, asyncio.Task[tuple[Publication, ...]]] = field(default_factory=dict)


class Hub:
    """Channels and members. Use it from one event loop. `counters` says what slow readers and sources did."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self._channels: dict[str, _Channel] = {}
        self._members: set[Member] = set()
        self._dirty: list[Member] = []
        self._flushing: asyncio.Task[None] | None = None
        self._reads = asyncio.Semaphore(READS_MAX)
        self._feeds: set[asyncio.Task[None]] = set()

    async def register(self, name: str, source: ChannelSource, epoch: str) -> None:
        """Add a channel that begins where its source stands now."""
        self._channels[name] = _Channel(source, epoch, await source.top())

    def channel_state(self, name: str) -> ChannelState | None:
        """What `connection.Connection` asks for."""
        channel = self._channels.get(name)
        return None if channel is None else ChannelState(channel.epoch, channel.top)

    def epochs(self) -> dict[str, str]:
        """The incarnation of each channel."""
        return {name: channel.epoch for name, channel in self._channels.items()}

    def top(self, name: str) -> int:
        """The newest position that was published here."""
        return self._channels[name].top

    @property
    def members(self) -> int:
        """Open sockets."""
        return len(self._members)

    def join(self, wire: Wire) -> Member:
        """A socket has opened."""
        member = Member(wire)
        self._members.add(member)
        return member

    def leave(self, member: Member) -> None:
        """A socket has closed."""
        self._members.discard(member)
        for name in tuple(member.subscriptions):
            self.unfollow(member, name)

    def send(self, member: Member, message: dict[str, object]) -> None:
        """Send one message to one socket, in order with everything else it is sent."""
        self._put(member, message_frame(message))

    def follow(self, member: Member, subscription: Subscription) -> None:
        """Begin to feed a subscription: catch up, then live; the newest checkpoint comes first."""
        channel = self._channels[subscription.channel]
        member.subscriptions[subscription.channel] = subscription
        channel.members[member] = subscription
        for note in channel.notes.values():
            self._put(member, note)
        if subscription.last >= channel.top:
            subscription.live = True
        else:
            self.feed(member, subscription)

    def unfollow(self, member: Member, name: str) -> None:
        """Stop feeding a subscription."""
        member.subscriptions.pop(name, None)
        channel = self._channels.get(name)
        if channel is not None:
            channel.members.pop(member, None)

    def feed(self, member: Member, subscription: Subscription) -> None:
        """Fetch the next page of a subscription if it wants one and its socket has room."""
        channel = self._channels[subscription.channel]
        while subscription.wants_page() and self._has_room(member):
            page = channel.ring.page(subscription.last)
            if not page:
                self._read(member, subscription, channel)
                return
            subscription.begin_read()
            self._deliver(member, subscription, channel, tuple(page))

    def publish(self, name: str, publications: Sequence[Publication]) -> None:
        """Hand new publications to everybody who follows the channel live. They must follow the last ones."""
        channel = self._channels[name]
        fresh = [publication for publication in publications if publication.p > channel.top]
        if not fresh:
            return
        channel.ring.extend(fresh)
        channel.top = fresh[-1].p
        frames = [event_frame(name, publication) for publication in fresh]
        total = sum(map(len, frames))
        for member, subscription in channel.members.items():
            if not subscription.live:
                continue
            if member.box_bytes + total > BEHIND_BYTES_MAX or subscription.last != fresh[0].after:
                for publication, frame in zip(fresh, frames, strict=True):
                    if member.box_bytes > BEHIND_BYTES_MAX:
                        subscription.fall_behind()
                    elif subscription.take(publication):
                        self._put(member, frame)
                continue
            subscription.last = fresh[-1].p
            member.box.extend(frames)
            member.box_bytes += total
            self._mark(member)

    def set_note(self, name: str, note: str, kind: Note = "checkpoint") -> None:
        """The channel's newest note of a kind: sent to everybody who follows it, and to whoever comes later."""
        channel = self._channels[name]
        channel.notes[kind] = message_frame({"t": kind, "s": name, "note": note})
        for member in channel.members:
            self._put(member, channel.notes[kind])

    async def run(self, heartbeat_s: float) -> None:
        """Look after slow sockets and send heartbeats, until cancelled."""
        loop = asyncio.get_running_loop()
        next_beat = loop.time() + heartbeat_s
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            now = loop.time()
            self._sweep(now)
            if now >= next_beat:
                next_beat = now + heartbeat_s
                self._beat()

    def everyone(self) -> list[Member]:
        """All members, for a drain."""
        return list(self._members)

    def _beat(self) -> None:
        shared: dict[tuple[tuple[str, int], ...], bytes] = {}
        for member in self._members:
            marks = tuple(sorted((name, s.last) for name, s in member.subscriptions.items() if s.live))
            if marks not in shared:
                shared[marks] = message_frame(high_water(dict(marks)))
            self._put(member, shared[marks])

    def _sweep(self, now_s: float) -> None:
        for member in tuple(self._members):
            backlog = member.wire.backlog()
            if backlog == 0 or backlog < member.stuck_bytes:
                member.stuck_since_s = None
            elif member.stuck_since_s is None:
                member.stuck_since_s = now_s
            member.stuck_bytes = backlog
            stuck_s = now_s - member.stuck_since_s if member.stuck_since_s is not None else 0.0
            if backlog + member.box_bytes > BOX_BYTES_MAX or stuck_s > NO_PROGRESS_S_MAX:
                self.counters["aborted_too_slow"] += 1
                member.wire.abort()
                self.leave(member)
                continue
            for subscription in tuple(member.subscriptions.values()):
                if subscription.live and backlog > BEHIND_BYTES_MAX:
                    self.counters["fell_behind"] += 1
                    subscription.fall_behind()
                elif not subscription.live:
                    self.feed(member, subscription)

    def _has_room(self, member: Member) -> bool:
        return member.box_bytes + member.wire.backlog() <= BEHIND_BYTES_MAX

    def _read(self, member: Member, subscription: Subscription, channel: _Channel) -> None:
        after = subscription.begin_read()
        task = asyncio.get_running_loop().create_task(self._read_for(member, subscription, channel, after))
        self._feeds.add(task)
        task.add_done_callback(self._feeds.discard)

    async def _read_for(self, member: Member, subscription: Subscription, channel: _Channel, after: int) -> None:
        try:
            page = await self._page(channel, after)
        except Exception as error:  # noqa: BLE001 - whatever the source raises, the client only waits longer
            _log.warning(
                "a page of %s after %d could not be read: %s", subscription.channel, after, type(error).__name__
            )
            self.counters["reads_failed"] += 1
            await asyncio.sleep(READ_RETRY_S)
            subscription.fail_read()
            page = None
        if member not in self._members or member.subscriptions.get(subscription.channel) is not subscription:
            return
        if page is not None:
            self._deliver(member, subscription, channel, page)
        self.feed(member, subscription)

    async def _page(self, channel: _Channel, after: int) -> tuple[Publication, ...]:
        """One page after a position; everybody who asks for the same one meanwhile shares one read."""
        task = channel.pages.get(after)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._read_source(channel, after))
            channel.pages[after] = task
            task.add_done_callback(lambda _task: channel.pages.pop(after, None))
        return await asyncio.shield(task)

    async def _read_source(self, channel: _Channel, after: int) -> tuple[Publication, ...]:
        async with self._reads:
            self.counters["source_reads"] += 1
            return tuple(await channel.source.read(after, PAGE_LEN_MAX, PAGE_BYTES_MAX))

    def _deliver(
        self, member: Member, subscription: Subscription, channel: _Channel, page: tuple[Publication, ...]
    ) -> None:
        # The source may be ahead of what was published here; the tailer will publish the same entries again, and
        # `take` passes over what was handed over already.
        after = subscription.last
        fresh = tuple(subscription.take_page(page, channel.top))
        if fresh:
            self._put(member, page_frames(subscription.channel, after, fresh, channel.top))

    def _put(self, member: Member, frame: bytes) -> None:
        member.box.append(frame)
        member.box_bytes += len(frame)
        self._mark(member)

    def _mark(self, member: Member) -> None:
        if member.is_dirty:
            return
        member.is_dirty = True
        self._dirty.append(member)
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        """Write every box that has something, and let the loop breathe every 2 ms of work."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            while self._dirty:
                batch, self._dirty = self._dirty, []
                for index, member in enumerate(batch):
                    _write_out(member)
                    if loop.time() - started > SLICE_S:
                        self._dirty = [*batch[index + 1 :], *self._dirty]
                        await asyncio.sleep(0)
                        started = loop.time()
                        break
        finally:
            self._flushing = None


def _write_out(member: Member) -> None:
    box, member.box, member.box_bytes, member.is_dirty = member.box, [], 0, False
    if box:
        member.wire.write(box)
