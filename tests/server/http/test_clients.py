"""Who is asking: proxies are believed as far as the settings go, and nobody talks his way onto this machine."""

from __future__ import annotations

import pytest

from server.http.clients import Client, identify, trusted_networks

TRUSTED = trusted_networks(("10.0.0.0/8", "::1"))


def ask(
    peer: str | None, *forwarded_for: str, host: str = "localhost:8080", proto: str = "", trusted: bool = True
) -> Client:
    networks = TRUSTED if trusted else ()
    forwarded = bool(forwarded_for or proto)
    return identify(peer, host, forwarded_for, forwarded=forwarded, proto=proto, trusted=networks)


def test_a_peer_on_this_machine_is_local_by_each_loopback_name() -> None:
    for host in ("localhost", "LOCALHOST:80", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"):
        assert ask("127.0.0.1", host=host).local, host


def test_a_page_that_rebinds_its_own_name_to_loopback_is_not_local() -> None:
    for host in ("evil.example", "localhost.evil.example:8080", "", "localhost@evil", "127.0.0.1.evil"):
        assert not ask("127.0.0.1", host=host).local, host


def test_a_proxy_on_this_machine_that_nobody_named_makes_no_one_local() -> None:
    assert not ask("127.0.0.1", "127.0.0.1", trusted=False).local
    assert ask("127.0.0.1", "198.51.100.7", trusted=False).address == "127.0.0.1"


def test_the_address_is_the_rightmost_that_is_no_trusted_proxy() -> None:
    assert ask("10.0.0.1", "203.0.113.9, 198.51.100.7, 10.2.2.2").address == "198.51.100.7"
    assert ask("10.0.0.1", "203.0.113.9", "198.51.100.7").address == "198.51.100.7"


def test_a_claim_to_be_loopback_through_a_trusted_proxy_is_local_only_if_the_proxy_saw_it() -> None:
    assert not ask("10.0.0.1", "127.0.0.1, 203.0.113.9").local
    assert not ask("10.0.0.1", "203.0.113.9").local


def test_from_an_unknown_peer_forwarded_headers_change_nothing() -> None:
    client = ask("203.0.113.9", "127.0.0.1", proto="https")
    assert (client.address, client.secure, client.local, client.proxied) == ("203.0.113.9", False, False, False)


@pytest.mark.parametrize("hop", ["unknown", "", "10.0.0.999", "203.0.113.9:1234", "x" * 9000])
def test_a_hop_that_is_no_address_ends_the_walk_at_the_proxy(hop: str) -> None:
    assert ask("10.0.0.1", hop).address == "10.0.0.1"


def test_thousands_of_hops_are_not_walked() -> None:
    assert ask("10.0.0.1", ", ".join(["203.0.113.9", *["10.0.0.2"] * 5000])).address == "10.0.0.2"


def test_a_mapped_ipv4_address_is_that_address() -> None:
    assert ask("::ffff:127.0.0.1").local
    assert ask("::ffff:10.0.0.1", "203.0.113.9").address == "203.0.113.9"


def test_tls_counts_when_a_trusted_proxy_says_so() -> None:
    assert ask("10.0.0.1", "203.0.113.9", proto="https").secure


def test_an_unknown_peer_is_nobody() -> None:
    client = ask(None)
    assert (client.address, client.local, client.network) == ("", False, "")


def test_a_log_learns_a_network_and_not_an_address() -> None:
    assert ask("203.0.113.9").network == "203.0.113.0/24"
    assert ask("2001:db8:1:2::3").network == "2001:db8:1::/48"


@pytest.mark.parametrize("host", ["a b", "a\r\nX: y", "a;script-src *", "é.example", "x:123456", "[::1", "a/b"])
def test_a_malformed_host_is_kept_out_of_headers(host: str) -> None:
    assert ask("203.0.113.9", host=host).host == ""
