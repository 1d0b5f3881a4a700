"""Webhooks: the end of an execution is told to the address that its request named.

Deliveries are made with the end itself, in one commit, and tried until they arrive or are given up. They are
signed as Standard Webhooks has it: HMAC-SHA256 over `id.timestamp.body`. An address is looked at when its
socket is made: however a URL writes it, and whatever a name resolves to a moment later, nothing is connected
that was not looked at.
"""

from __future__ import annotations

__all__ = ["Courier", "sign"]

import asyncio
import base64
import hashlib
import hmac
import logging
import random
import socket
import time
from collections.abc import Callable, Sequence

import aiohttp
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver

from greenlang.errors import InputError, StoreError
from greenlang.service.addresses import is_public
from greenlang.service.settings import WebhookSettings
from greenlang.stores import Delivery, Store

_log = logging.getLogger("greenlang.service")

#: Waits between attempts, in seconds; the last is used for all that follow.
_WAITS = (5, 30, 120, 600, 1800, 3600, 7200, 18000, 36000)

#: How often due deliveries are looked for, and how many go out at once, in all and to one receiver: one that
#: does not answer is not to hold up the others.
_POLL_SECONDS = 0.5
_AT_ONCE = 64
_AT_ONCE_TO_ONE = 16

_LONGEST_URL = 2048


class _Refused(Exception):
    """An address that nothing is delivered to."""


class Courier:
    """Delivers the webhooks of a store.

    Parameters
    ----------
    settings : WebhookSettings
        Read anew for every delivery: they may be changed while it works.
    traced : bool
        Whether deliveries tell in which trace their executions were asked for.
    """

    def __init__(self, store: Store, settings: WebhookSettings, *, traced: bool = False) -> None:
        self.settings = settings
        self._traced = traced
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
            parts = yarl.URL(url)  # what aiohttp makes of it, and connects to
        except ValueError:
            parts = yarl.URL()
        if parts.scheme not in ("http", "https") or not parts.host or not parts.port:
            raise InputError(f"'{url[:80]}' is no http or https URL", place=place)
        if len(url) > _LONGEST_URL or parts.user is not None or parts.password is not None:
            raise InputError(
                "the URL is too long or names a user", fix="give scheme, host and path", place=place
            )
        try:
            self._look_at(_plain(parts.host))
        except ValueError:
            return  # a name: looked at when it is resolved
        except _Refused as error:
            raise InputError(
                str(error), fix="name one that can be reached from anywhere", place=place
            ) from error

    def _look_at(self, address: str) -> None:
        """Refuse a private address; ValueError if it is a name."""
        if not is_public(address) and not self.settings.allow_private:
            raise _Refused(f"{address} is a private address")

    def _socket(self, found: aiohttp.AddrInfoType) -> socket.socket:
        """A socket for an address that may be delivered to: every connection begins here."""
        family, kind, protocol, _, address = found
        try:
            self._look_at(str(address[0]))
        except ValueError:
            raise _Refused(f"{address[0]} is no address") from None
        return socket.socket(family, kind, protocol)

    async def deliver(self) -> None:
        """Deliver what is due, for as long as it runs."""
        sending: dict[asyncio.Task[None], str] = {}
        try:
            while True:
                free = _AT_ONCE - len(sending)
                due = await self._due(free) if free else ()
                for delivery in due:
                    receiver = yarl.URL(delivery.url).authority
                    # One too many for its receiver is left until its lease ends; it counts as no attempt.
                    if sum(each == receiver for each in sending.values()) < _AT_ONCE_TO_ONE:
                        task = asyncio.create_task(self._deliver_one(delivery))
                        sending[task] = receiver
                        task.add_done_callback(sending.pop)
                if len(due) < free or not free:
                    await asyncio.sleep(_POLL_SECONDS)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def _due(self, limit: int) -> Sequence[Delivery]:
        if not self.settings.secrets:
            return ()
        lease = int(2e6 * self.settings.timeout_seconds)
        try:
            return await self._store.claim_deliveries(limit=limit, now=_now(), lease=lease)
        except StoreError as error:
            _log.error("deliveries wait: %s", error)
        except Exception:  # whatever it is, what is due stays due, and is asked for again
            _log.exception("deliveries wait")
        return ()

    async def _deliver_one(self, delivery: Delivery) -> None:
        try:
            await self._attempt(delivery)
        except StoreError as error:
            _log.error("delivery %s is tried again: %s", delivery.id, error)
        except Exception:  # whatever it is, it ends this attempt alone
            _log.exception("delivery %s is tried again", delivery.id)

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
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self._look_at), use_dns_cache=False, socket_factory=self._socket
            )
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
        if self._traced:
            row = await self._store.execution(delivery.tenant, delivery.execution_id)
            if row is not None and row.metadata is not None and row.metadata.traceparent is not None:
                headers["traceparent"] = row.metadata.traceparent
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
    """Resolves names as ever; one with a private address among its own is given up."""

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


def _plain(host: str) -> str:
    """A host as it is; one of IPv4's old forms (`127.1`, `0x7f.1`, `2130706433`) as four numbers."""
    try:
        return socket.inet_ntoa(socket.inet_aton(host.removesuffix(".")))
    except (OSError, UnicodeEncodeError):
        return host


def sign(secret: str, name: str, at: int, payload: bytes) -> str:
    """The signature of a delivery under one secret, `v1,` and base64."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{name}.{at}.".encode() + payload
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def _now() -> int:
    return time.time_ns() // 1000
