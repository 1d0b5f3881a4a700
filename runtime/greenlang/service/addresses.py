"""Addresses: which of them lie in the open internet, and which are this machine's own."""

from __future__ import annotations

__all__ = ["is_local", "is_public"]

import ipaddress

#: Where IPv6 hands out addresses; everything else is special, or none yet (RFC 4291).
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
#: A network's way to IPv4 from IPv6 alone: the address behind it counts (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: In the space of public ones, and nobody's: 6to4 (RFC 7526) and its relays, documentation (RFC 9637).
_NOBODYS_V6 = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("3fff::/20"))
_NOBODYS_V4 = (ipaddress.IPv4Network("192.88.99.0/24"),)


def is_local(host: str) -> bool:
    """Whether a host is this machine, as nobody else's names or addresses are."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open internet's single hosts, in whichever form it hides.

    Raises
    ------
    ValueError
        If it is no IP address.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is None and found not in _NAT64:
            return found.is_global and found in _UNICAST_V6 and not any(found in one for one in _NOBODYS_V6)
        found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    special = found.is_multicast or found.is_reserved or any(found in one for one in _NOBODYS_V4)
    return found.is_global and not special
