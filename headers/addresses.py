"""Which addresses may be visited: those that the whole Internet reaches, and the networks that somebody allowed.

URLs come from files that others may change, and sites redirect to where they like; what only this machine or its
network reaches is none of theirs.
"""

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def objection(address: str, allowed: Collection[Network] = ()) -> str | None:
    """Why an IP address is not to be visited, as the end of a sentence; None if it may be.

    An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4, Teredo) is judged too. What `allowed` contains may be
    visited, but for the metadata services of clouds, which hand out credentials: they must be allowed alone, as /32 or
    /128. Raises `ValueError` where the text is no address.
    """
    outer = ip_address(address)
    return next((why for one in (outer, *_inside(outer)) if (why := _objection(one, outer, allowed))), None)


METADATA: frozenset[Address] = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, and most others
            "169.254.170.2",  # credentials of AWS containers
            "169.254.170.23",
            "169.254.42.42",  # Scaleway
            "168.63.129.16",  # Azure's host, though the address is a public one
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "fd00:42::42",  # Scaleway
        ),
    )
)
"""Where clouds answer questions about a machine, its credentials among them."""

_SPECIAL: dict[str, tuple[str, ...]] = {
    "this machine": ("0.0.0.0/8", "127.0.0.0/8", "::/128", "::1/128"),
    "a private network": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "the network between a provider and its customers": ("100.64.0.0/10",),
    "the local link": ("169.254.0.0/16", "fe80::/10"),
    "one site": ("fec0::/10",),
    "a group of receivers": ("224.0.0.0/4", "ff00::/8"),
    "documentation or measurements": (
        *("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"),
        *("2001:db8::/32", "3fff::/20", "2001:2::/48"),
    ),
    "a relay": ("192.88.99.0/24", "64:ff9b:1::/48"),
    "nobody yet": ("240.0.0.0/4", "::/96", "100::/64", "100:0:0:1::/64", "5f00::/16"),
    "protocols": ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24", "2001::/23"),
}
"""The special-purpose registries of IANA (RFC 6890 and after), with what was withdrawn from them."""

_RESERVED = [(ip_network(text), whose) for whose, texts in _SPECIAL.items() for text in texts]
_NAT64 = IPv6Network("64:ff9b::/96")


def _objection(address: Address, outer: Address, allowed: Collection[Network]) -> str | None:
    """The objection to an address that is reached by writing `outer`."""
    shown = str(outer) if address == outer else f"{outer}, which leads to {address},"
    if address in METADATA:
        alone = any(one.num_addresses == 1 and address in one for one in allowed)
        return None if alone else f"{shown} is the metadata service of a cloud"
    if any(address in one or outer in one for one in allowed) or (address == outer and _is_wrapper(outer)):
        return None
    whose = next((whose for network, whose in _RESERVED if address in network), "")
    if whose:
        return f"{shown} belongs to {whose}"
    return None if address.is_global else f"{shown} is not reached from the whole Internet"


def _is_wrapper(address: Address) -> bool:
    """Whether all that matters of an address is the one inside."""
    return isinstance(address, IPv6Address) and bool(
        address.ipv4_mapped or address.sixtofour or address in _NAT64 or address.teredo
    )


def _inside(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to."""
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped:
        yield address.ipv4_mapped
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:
        yield from address.teredo
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
