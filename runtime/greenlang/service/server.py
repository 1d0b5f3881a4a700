"""One serving process: a store, a runner, the API and its entrance, from start to SIGTERM.

On SIGTERM no more connections are taken, what was asked for is answered, and executions that take longer
than the grace are handed back. On SIGHUP the configuration is read again.
"""

from __future__ import annotations

__all__ = ["check_address", "serve"]

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from greenlang.agents import Registry
from greenlang.engine.calculations import Calculator, CalculatorSettings
from greenlang.engine.events import Outbox, open_sinks
from greenlang.engine.executions import PlanCache, Prover, Runner, now
from greenlang.engine.tenancy import Guard, KeyStore, read_key
from greenlang.errors import InputError, StoreError
from greenlang.ledger import load_signer
from greenlang.observing import Counts, Slot, Watched, make_tracer
from greenlang.service.addresses import is_local
from greenlang.service.api import Api
from greenlang.service.batches import BatchKeeper, batches_root
from greenlang.service.entrance import Entrance
from greenlang.service.identity import Authenticator, ServerCertificate
from greenlang.service.limits import Gate
from greenlang.service.metrics_door import MetricsDoor
from greenlang.service.operations import Metrics
from greenlang.service.reads import Reads
from greenlang.service.roles import Permission
from greenlang.service.settings import ServerSettings, restart_needed
from greenlang.service.sharing import share
from greenlang.service.webhooks import Courier
from greenlang.stores import open_store

_log = logging.getLogger("greenlang.service")

#: How often what is older than `retention_days` is looked for.
_PURGE_SECONDS = 3600.0
#: How long a client may take to begin a connection of TLS.
_HANDSHAKE_SECONDS = 10.0

#: Connections that wait to be taken.
BACKLOG = 1024

#: What is still being answered when executions have ended or were handed back has so long, twice.
_LAST_SECONDS = 0.75

_DAY = 86_400 * 1_000_000


def check_address(host: str, *, authenticated: bool = False) -> None:
    """Refuse an address that others can reach, unless callers must say who they are.

    Raises
    ------
    InputError
        If `host` is not of this machine alone.
    """
    if not is_local(host) and not authenticated:
        raise InputError(
            f"'{host}' can be reached by others, and requests are not authenticated",
            fix="serve 127.0.0.1, or set [authentication] in the configuration",
        )


async def serve(
    settings: ServerSettings,
    *,
    listening: socket.socket | None = None,
    slot: Slot | None = None,
    reread: Callable[[], ServerSettings] | None = None,
    on_ready: Callable[[int], None] = lambda _: None,
) -> int:
    """Serve until SIGTERM or SIGINT.

    Parameters
    ----------
    listening : socket, optional
        What to take connections from, where several processes share it; else one is opened.
    slot : Slot, optional
        Where these meet to add up what they count.
    reread : callable, optional
        Gives the settings anew on SIGHUP; an InputError leaves them as they are.
    on_ready : callable
        Told the port once connections are taken.

    Returns
    -------
    int
        How many steps did not end in time and hold on to a thread: the process cannot end by itself.

    Raises
    ------
    InputError
        If the address may not be served.
    StoreError
        If the store cannot be opened.
    """
    check_address(settings.host, authenticated=settings.authentication is not None)
    registry = Registry()
    prover = Prover(registry, load_signer())
    sharing = share(settings.redis, stale_seconds=settings.lease_seconds)
    counts = Counts()
    tracer = None if settings.traces is None else make_tracer(settings.traces)
    runner = Runner(
        open_store(settings.store, prover.seal),
        PlanCache(registry),
        prover,
        settings.runner,
        queue=sharing.queue,
        broadcast=sharing.broadcast,
        counts=counts,
        tracer=tracer,
    )
    courier = Courier(runner.store, settings.webhooks, traced=tracer is not None)
    calculator = Calculator(runner.store, runner.plans, prover, _calculations(settings), counts=counts)
    authentication = settings.authentication
    remembered = 60.0 if authentication is None else authentication.remembered_seconds
    reads = Reads(runner.store, sharing.cache, remembered_seconds=remembered)
    guard = runner.plans.guard = Guard(runner.store.rows, heard=reads.hear)
    gate = Gate(settings.limits, guard.meter.warn_of_requests, limiter=sharing.limiter)
    batches = BatchKeeper(
        settings.batches,
        batches_root(settings.batches, settings.store),
        runner.store,
        prover,
        registry,
        guard,
        counts,
    )
    watched = Watched(counts, slot, sharing.cache.looks, runner.plans.looks)
    operator = None if settings.authentication is None else Permission.MANAGE_TENANTS
    metrics = Metrics(watched, runner.store, registry, permission=operator)
    door = None
    if settings.metrics_port is not None and (slot is None or slot.number == 0):
        door = MetricsDoor(metrics.page)
    api = Api(
        runner,
        calculator,
        check_webhook=courier.check,
        authenticator=None if authentication is None else Authenticator(authentication, reads),
        gate=gate,
        guard=guard,
        key_store=_key_store(settings, runner),
        batches=batches,
        reads=reads,
        redis=sharing.redis,
        counts=counts,
        metrics=metrics if settings.metrics_port is None else None,
        access_log=settings.access_log,
        tracer=tracer,
        versions=settings.versions,
    )
    outbox = Outbox(runner.store, runner.worker, open_sinks(settings.events.sinks, registry))
    entrance = Entrance(api, settings)
    certificate = None if settings.tls is None else ServerCertificate(settings.tls)
    server = web.ServerRunner(entrance.server, shutdown_timeout=_LAST_SECONDS)
    if settings.calculation_program is not None:
        calculator.plan()  # a mistake in it is told now, not to whoever asks first
    await server.setup()
    await runner.start()
    guard.start()
    outbox.start()
    keepers = [
        asyncio.create_task(each)
        for each in (
            entrance.end_idle(),
            courier.deliver(),
            batches.keep(),
            watched.keep(),
            _purge(runner, entrance),
        )
    ]

    def reload() -> None:
        try:
            fresh = settings if reread is None else reread()
            if certificate is not None:
                certificate.load()
        except InputError as error:
            _log.error("the configuration stays as it is: %s", error)
            return
        for name in restart_needed(settings, fresh):
            _log.warning("'%s' changes with the next start", name)
        entrance.settings, runner.settings, courier.settings = fresh, fresh.runner, fresh.webhooks
        api.set_versions(fresh.versions)
        if settings.limits is not None and fresh.limits is not None:
            gate.settings = fresh.limits
        _log.warning("the configuration was read again")

    loop = asyncio.get_running_loop()
    secured = {} if certificate is None else _secured(certificate)
    ends_at = loop.time()
    try:
        if door is not None:
            await door.open(settings.metrics_host, settings.metrics_port or 0)
        if listening is None:
            listener = await loop.create_server(
                entrance.door, settings.host, settings.port, backlog=BACKLOG, reuse_address=True, **secured
            )
        else:
            listener = await loop.create_server(entrance.door, sock=listening, backlog=BACKLOG, **secured)
        _collect_less()
        on_ready(listener.sockets[0].getsockname()[1])
        await _until_stopped(reload)
        api.health.ready = False
        listener.close()
        grace = entrance.settings.grace_seconds
        ends_at = loop.time() + grace
        await entrance.finish(grace)
    finally:
        await runner.stop(max(0.0, ends_at - loop.time()))
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await server.cleanup()
        if door is not None:
            await door.close()
        await courier.close()
        await outbox.stop()
        await guard.stop()
        await sharing.close()
        await runner.store.close()
        if tracer is not None:
            await asyncio.to_thread(tracer.close)
    return runner.left_at_work()


def _secured(certificate: ServerCertificate) -> dict[str, Any]:
    """What a listener is given besides, so that its connections are of TLS."""
    return {"ssl": certificate.context, "ssl_handshake_timeout": _HANDSHAKE_SECONDS}


def _calculations(settings: ServerSettings) -> CalculatorSettings:
    program = settings.calculation_program
    return CalculatorSettings(None if program is None else Path(program))


def _key_store(settings: ServerSettings, runner: Runner) -> KeyStore | None:
    keys = [read_key(text) for text in settings.key_store.keys]
    return KeyStore(runner.store.rows, keys) if keys else None


def _collect_less() -> None:
    """Have the garbage collector look at fewer objects, less often.

    What was made until now stays for good, and requests leave few cycles behind: a tenth more of them are
    answered (measured with `make bench-http`, ours against ours).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _purge(runner: Runner, entrance: Entrance) -> None:
    while True:
        days = entrance.settings.retention_days
        if days is not None:
            try:
                await runner.store.purge(before=now() - int(days * _DAY))
            except StoreError as error:
                _log.error("nothing was purged: %s", error)
        await asyncio.sleep(_PURGE_SECONDS)


async def _until_stopped(reload: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await stopped.wait()
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.remove_signal_handler(one)
