"""Who is asking: the address behind trusted proxies, and whether it is somebody on this very machine. Pure.

Forwarded headers count only when they come from a proxy that the settings name, and then only up to the first address
that is not such a proxy. From anybody else they are ignored, with one consequence: a request that carries them is never
taken for a local one, so a reverse proxy that was not configured does not turn the whole world into the operator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from server.errors import StartRefused

FORWARDING_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")
HOPS_MAX = 16
LOG_PREFIX_V4 = 24
LOG_PREFIX_V6 = 48

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Client:
    """`address` is "" where it cannot be known. `host` is the Host header when well-formed, else "".

    `local`: on this machine, asked for by a loopback name (so not a page that rebinds a name to 127.0.0.1), with no
    unknown proxy in between. `secure`: over TLS, ours or a trusted proxy's. `proxied`: handed on by a trusted proxy.
    """

    address: str
    host: str
    local: bool
    secure: bool
    proxied: bool = False

    @property
    def network(self) -> str:
        """The address as far as a log may know it: /24 or /48, "" where unknown."""
        address = _parse(self.address)
        if address is None:
            return ""
        prefix = LOG_PREFIX_V4 if address.version == 4 else LOG_PREFIX_V6  # noqa: PLR2004 - an IP version
        return str(ip_network(f"{address}/{prefix}", strict=False))


def trusted_networks(settings: Iterable[str]) -> tuple[Network, ...]:
    """Parse the setting; raises StartRefused with the value that is neither an address nor a network."""
    networks: list[Network] = []
    for text in settings:
        try:
            networks.append(ip_network(text, strict=False))
        except ValueError:
            raise StartRefused(
                f"Trusted proxy {text!r} is neither an address nor a network.", "Write it as 10.0.0.7 or 10.0.0.0/8."
            ) from None
    return tuple(networks)


def identify(  # noqa: PLR0913 - what a socket and its headers tell
    peer: str | None,
    host: str,
    forwarded_for: Sequence[str],
    *,
    forwarded: bool,
    proto: str,
    trusted: Sequence[Network],
) -> Client:
    """Who sent a request that arrived from `peer`.

    `forwarded_for`: the values of X-Forwarded-For in order of arrival. `forwarded`: any forwarding header was there.
    `proto`: `https` where this socket speaks TLS, else X-Forwarded-Proto, which counts only from a trusted proxy.
    """
    nearest = _parse(peer or "")
    behind_trusted = nearest is not None and _within(nearest, trusted)
    address = _walk(nearest, forwarded_for, trusted) if behind_trusted else nearest
    well_formed = _HOST.fullmatch(host)
    name = well_formed["name"].strip("[]") if well_formed else ""
    local = (
        address is not None and address.is_loopback and _is_loopback_name(name) and (behind_trusted or not forwarded)
    )
    return Client(
        address="" if address is None else str(address),
        host=host if well_formed else "",
        local=local,
        secure=proto == "https" and (behind_trusted or not forwarded),
        proxied=behind_trusted,
    )


def _walk(nearest: Address | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The right-most address that is no trusted proxy; what stands left of it is hearsay."""
    hops = [hop.strip() for value in forwarded_for for hop in value.split(",")]
    address = nearest
    for hop in reversed(hops[-HOPS_MAX:]):
        before = _parse(hop)
        if before is None:
            return address
        address = before
        if not _within(before, trusted):
            return before
    return address


def _parse(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _is_loopback_name(name: str) -> bool:
    address = _parse(name)
    return name.lower() == "localhost" or (address is not None and address.is_loopback)
