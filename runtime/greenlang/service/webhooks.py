"""Webhooks: the end of an execution is told to the address that its request named.

Deliveries are made with the end itself, in one commit, and tried until they arrive or are given up. They are
signed as Standard Webhooks has it: HMAC-SHA256 over `id.timestamp.body`. An address is looked at after its
name was resolved, and the connection goes to the address that was looked at: a name that resolves to
something else a moment later gains nothing.
"""

from __future__ import annotations

__all__ = ["Courier", "sign"]

import asyncio
import base64
import contextlib
import hashlib
import hmac
import ipaddress
import logging
import random
import socket
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from greenlang.errors import InputError, StoreError
from greenlang.service.settings import WebhookSettings
from greenlang.stores import Delivery, Store

_log = logging.getLogger("greenlang.service")

#: Waits between attempts, in seconds; the last is used for all that follow.
_WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 18000, 36000)

#: How often due deliveries are looked for, and how many go out at once.
_POLL_SECONDS = 0.5
_AT_ONCE = 16

_LONGEST_URL = 2048


class _Refused(Exception):
    """An address that nothing is delivered to."""


class Courier:
    """Delivers the webhooks of a store.

    Parameters
    ----------
    settings : WebhookSettings
        Read anew for every delivery: they may be changed while it works.
    """

    def __init__(self, store: Store, settings: WebhookSettings) -> None:
        self.settings = settings
        self._store = store
        self._session: aiohttp.ClientSession | None = None

    def check(self, url: str) -> None:
        """Refuse what nothing can be delivered to, as far as that is seen without resolving it.

        Raises
        ------
        InputError
            If webhooks are not set up, or the URL is none, names a password or a private address.
        """
        place = "webhook"
        if not self.settings.secrets:
            raise InputError(
                "this server sends no webhooks", fix="its operator sets webhooks.secrets", place=place
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            port = None
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise InputError(f"'{url[:80]}' is no http or https URL", place=place)
        if len(url) > _LONGEST_URL or parts.username is not None:
            raise InputError(
                "the URL is too long or names a user", fix="give scheme, host and path", place=place
            )
        try:
            self._look_at(parts.hostname)
        except ValueError:
            return  # a name: looked at when it is resolved
        except _Refused as error:
            raise InputError(
                str(error), fix="name one that can be reached from anywhere", place=place
            ) from error

    def _look_at(self, address: str) -> None:
        """Refuse a private address; ValueError if it is a name."""
        found = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(found, "ipv4_mapped", None)
        if not self.settings.allow_private and not (mapped or found).is_global:
            raise _Refused(f"{address} is a private address")

    async def deliver(self) -> None:
        """Deliver what is due, for as long as it runs."""
        while True:
            due: Sequence[Delivery] = ()
            if self.settings.secrets:
                try:
                    due = await self._store.claim_deliveries(
                        limit=_AT_ONCE, now=_now(), lease=int(2e6 * self.settings.timeout_seconds)
                    )
                    await asyncio.gather(*map(self._attempt, due))
                except StoreError as error:
                    _log.error("deliveries wait: %s", error)
            if len(due) < _AT_ONCE:
                await asyncio.sleep(_POLL_SECONDS)

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _attempt(self, delivery: Delivery) -> None:
        status, problem = None, None
        try:
            status = await self._post(delivery)
            problem = None if 200 <= status < 300 else f"answered {status}"
        except _Refused as error:
            await self._settle(delivery, "given_up", None, str(error))
            return
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            problem = f"{type(error).__name__}: {error}"[:500] if str(error) else type(error).__name__
        if problem is None:
            await self._settle(delivery, "delivered", status, None)
        elif status == 410 or delivery.attempt + 1 >= self.settings.attempts:
            await self._settle(delivery, "given_up", status, problem)
        else:
            await self._settle(delivery, "due", status, problem)

    async def _post(self, delivery: Delivery) -> int:
        host = urlsplit(delivery.url).hostname or ""
        with contextlib.suppress(ValueError):  # a name
            self._look_at(host)  # aiohttp resolves no address
        if self._session is None:
            connector = aiohttp.TCPConnector(resolver=_Resolver(self._look_at), use_dns_cache=False)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        name, at = f"msg_{delivery.id}", int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GreenLang-Webhooks",
            "webhook-id": name,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(
                sign(secret, name, at, delivery.payload) for secret in self.settings.secrets
            ),
        }
        async with self._session.post(
            delivery.url,
            data=delivery.payload,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(self.settings.timeout_seconds),
        ) as response:
            return response.status

    async def _settle(self, delivery: Delivery, state: str, status: int | None, problem: str | None) -> None:
        wait = _WAITS[min(delivery.attempt, len(_WAITS) - 1)]
        # Up to a fifth more by chance, so that what failed together does not come back together.
        next_at = _now() + int(wait * (1 + random.random() / 5) * 1e6)  # noqa: S311  it spreads load
        await self._store.settle_delivery(
            delivery.id, state=state, next_at=next_at, status=status, error=problem
        )


class _Resolver(AbstractResolver):
    """Resolves names as ever, and lets through only addresses that may be delivered to."""

    def __init__(self, look_at: Callable[[str], None]) -> None:
        self._look_at = look_at
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        resolved = await self._resolver.resolve(host, port, family)
        for found in resolved:
            self._look_at(found["host"])
        return resolved

    async def close(self) -> None:
        await self._resolver.close()


def sign(secret: str, name: str, at: int, payload: bytes) -> str:
    """The signature of a delivery under one secret, `v1,` and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{name}.{at}.".encode() + payload
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _now() -> int:
    return time.time_ns() // 1000
