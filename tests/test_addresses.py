"""Which addresses may be visited: every range that is special, every way to write one address inside another."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis.strategies import ip_addresses

from fixby.headers.addresses import METADATA, objection

REACHED = """
93.184.215.14 8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0
223.255.255.255 2606:2800:21f:cb07:6820:80da:af6b:8b2c 2a00:1450:4001:82b::200e
"""
RESERVED = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 169.254.0.0
169.254.255.255 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.255 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1
192.168.0.0 192.168.255.255 192.175.48.1 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.0 224.0.0.1
239.255.255.255 240.0.0.0 255.255.255.254 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 64:ff9b:1::1 64:ff9b:1::8.8.8.8 100::1 100:0:0:1::1 2001:: 2001:1::1 2001:2::1
2001:10::1 2001:20::1 2001:db8::1 3fff::1 5f00::1 fc00::1 fdff:ffff::1 fe80::1 fe80::1%1 febf::1 fec0::1 feff::1
ff00::1 ff02::1 ff0e::1
"""
PUBLIC, SPECIAL = REACHED.split(), RESERVED.split()


@pytest.mark.parametrize("address", PUBLIC)
def test_what_the_whole_internet_reaches_may_be_visited(address: str) -> None:
    assert objection(address) is None


@pytest.mark.parametrize("address", SPECIAL)
def test_what_is_special_may_not(address: str) -> None:
    assert objection(address)


def wrapped(inner: str) -> dict[str, str]:
    """The ways to write an IPv4 address inside an IPv6 one."""
    number = int(IPv4Address(inner))
    server = int(IPv4Address("8.8.8.8"))
    return {
        "mapped": str(IPv6Address(0xFFFF << 32 | number)),
        "NAT64": str(IPv6Address(0x0064FF9B << 96 | number)),
        "6to4": str(IPv6Address(0x2002 << 112 | number << 80 | 1)),
        "Teredo's client": str(IPv6Address(0x20010000 << 96 | server << 64 | (number ^ 0xFFFFFFFF))),
        "Teredo's server": str(IPv6Address(0x20010000 << 96 | number << 64 | (server ^ 0xFFFFFFFF))),
    }


@pytest.mark.parametrize("way", wrapped("8.8.8.8"))
def test_an_address_inside_another_is_judged_as_itself(way: str) -> None:
    assert objection(wrapped("8.8.8.8")[way]) is None
    for inner in filter(lambda one: "." in one and ":" not in one, (*SPECIAL, *map(str, METADATA))):
        assert objection(wrapped(inner)[way]), (inner, way)


def test_the_reason_names_both_addresses() -> None:
    assert objection("64:ff9b::10.0.0.1") == "64:ff9b::a00:1, which leads to 10.0.0.1, belongs to a private network"


def test_networks_can_be_allowed() -> None:
    allowed = (ip_network("10.1.0.0/16"), ip_network("fd12::/16"))
    assert objection("10.1.2.3", allowed) is None
    assert objection("::ffff:10.1.2.3", allowed) is None
    assert objection("fd12::1", allowed) is None
    assert objection("10.2.0.1", allowed)
    assert objection("::ffff:10.2.0.1", allowed)
    assert objection("fd13::1", allowed)


def test_a_mapped_address_can_be_allowed_as_it_is_written() -> None:
    assert objection("::ffff:127.0.0.1", (ip_network("::ffff:7f00:0/104"),)) is None
    assert objection("127.0.0.1", (ip_network("::ffff:7f00:0/104"),))


@pytest.mark.parametrize("address", sorted(map(str, METADATA)))
def test_metadata_services_must_be_allowed_alone(address: str) -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    assert "metadata" in str(objection(address, everything))
    assert objection(address, (ip_network(address),)) is None


def test_metadata_services_are_known_in_every_spelling() -> None:
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    for address in wrapped("169.254.169.254").values():
        assert "metadata" in str(objection(address, everything))


def test_what_is_no_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="does not appear"):
        objection("example.com")


@given(ip_addresses())
def test_nothing_that_python_knows_to_be_special_may_be_visited(address: IPv4Address | IPv6Address) -> None:
    inside = isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo)
    if not inside and not address.is_global:
        assert objection(str(address))
