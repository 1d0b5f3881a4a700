"""All that one process serves with, made of its settings, and begun and ended together.

`server` is around it: connections, signals, and what happens in which order at the end.
"""

from __future__ import annotations

__all__ = ["Node"]

import asyncio
import logging
from pathlib import Path

from aiohttp import web

from greenlang.agents import Registry
from greenlang.engine.calculations import Calculator, CalculatorSettings
from greenlang.engine.events import Outbox, open_sinks
from greenlang.engine.executions import PlanCache, Prover, Runner, now
from greenlang.engine.tenancy import Guard, KeyStore, read_key
from greenlang.errors import StoreError
from greenlang.ledger import load_signer
from greenlang.observing import Counts, Slot, Watched, make_tracer
from greenlang.service.api import Api
from greenlang.service.batches import BatchKeeper, batches_root
from greenlang.service.entrance import Entrance
from greenlang.service.identity import Authenticator
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

_DAY = 86_400 * 1_000_000

#: What is still being answered when executions have ended or were handed back has so long, twice.
_LAST_SECONDS = 0.75


class Node:
    """What answers requests, what computes, and what keeps both going.

    Parameters
    ----------
    slot : Slot, optional
        Where processes on one port meet to add up what they count.

    Raises
    ------
    InputError
        For settings that nothing can be made of.
    """

    def __init__(self, settings: ServerSettings, slot: Slot | None = None) -> None:
        self._settings = settings
        registry = Registry()
        prover = Prover(registry, load_signer())
        counts = Counts()
        self._sharing = sharing = share(settings.redis, stale_seconds=settings.lease_seconds)
        self._tracer = tracer = None if settings.traces is None else make_tracer(settings.traces)
        self.runner = runner = Runner(
            open_store(settings.store, prover.seal),
            PlanCache(registry),
            prover,
            settings.runner,
            queue=sharing.queue,
            broadcast=sharing.broadcast,
            counts=counts,
            tracer=tracer,
        )
        self._courier = Courier(runner.store, settings.webhooks, traced=tracer is not None)
        self._calculator = Calculator(
            runner.store, runner.plans, prover, _calculations(settings), counts=counts
        )
        authentication = settings.authentication
        remembered = 60.0 if authentication is None else authentication.remembered_seconds
        reads = Reads(runner.store, sharing.cache, remembered_seconds=remembered)
        self._guard = runner.plans.guard = Guard(runner.store.rows, heard=reads.hear)
        self._gate = Gate(settings.limits, self._guard.meter.warn_of_requests, limiter=sharing.limiter)
        root = batches_root(settings.batches, settings.store)
        self._batches = BatchKeeper(
            settings.batches, root, runner.store, prover, registry, self._guard, counts
        )
        self._watched = Watched(counts, slot, sharing.cache.looks, runner.plans.looks)
        operator = None if authentication is None else Permission.MANAGE_TENANTS
        metrics = Metrics(self._watched, runner.store, registry, permission=operator)
        # One port for all processes: the first has it.
        apart = settings.metrics_port is not None
        self._door = MetricsDoor(metrics.page) if apart and (slot is None or slot.number == 0) else None
        self.api = Api(
            runner,
            self._calculator,
            check_webhook=self._courier.check,
            authenticator=None if authentication is None else Authenticator(authentication, reads),
            gate=self._gate,
            guard=self._guard,
            key_store=_key_store(settings, runner),
            batches=self._batches,
            reads=reads,
            redis=sharing.redis,
            counts=counts,
            metrics=None if apart else metrics,
            access_log=settings.access_log,
            tracer=tracer,
            versions=settings.versions,
        )
        self._outbox = Outbox(runner.store, runner.worker, open_sinks(settings.events.sinks, registry))
        self.entrance = Entrance(self.api, settings)
        self._server = web.ServerRunner(self.entrance.server, shutdown_timeout=_LAST_SECONDS)
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Be ready for connections.

        Raises
        ------
        InputError
            If the operator's program cannot be used.
        StoreError
            If the store cannot be opened.
        """
        if self._settings.calculation_program is not None:
            self._calculator.plan()  # a mistake in it is told now, not to whoever asks first
        await self._server.setup()
        await self.runner.start()
        self._guard.start()
        self._outbox.start()
        self._keepers = [
            asyncio.create_task(each)
            for each in (
                self.entrance.end_idle(),
                self._courier.deliver(),
                self._batches.keep(),
                self._watched.keep(),
                self._purge(),
            )
        ]
        for keeper in self._keepers:
            keeper.add_done_callback(_tell_of_end)

    async def open_metrics(self) -> None:
        """Serve metrics on a port of their own, if the settings name one.

        Raises
        ------
        InputError
            If it is not to be had.
        """
        if self._door is not None:
            await self._door.open(self._settings.metrics_host, self._settings.metrics_port or 0)

    async def stop(self, grace_seconds: float) -> None:
        """End all of it, and hand back executions that take longer than that."""
        await self.runner.stop(grace_seconds)
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await self._server.cleanup()
        if self._door is not None:
            await self._door.close()
        await self._courier.close()
        await self._outbox.stop()
        await self._guard.stop()
        await self._sharing.close()
        await self.runner.store.close()
        if self._tracer is not None:
            await asyncio.to_thread(self._tracer.close)

    def take(self, fresh: ServerSettings) -> None:
        """Go on by other settings, as far as they do not wait for the next start."""
        for name in restart_needed(self._settings, fresh):
            _log.warning("'%s' changes with the next start", name)
        self.entrance.settings = fresh
        self.runner.settings = fresh.runner
        self._courier.settings = fresh.webhooks
        self.api.set_versions(fresh.versions)
        if self._settings.limits is not None and fresh.limits is not None:
            self._gate.settings = fresh.limits

    async def _purge(self) -> None:
        while True:
            days = self.entrance.settings.retention_days
            if days is not None:
                try:
                    await self.runner.store.purge(before=now() - int(days * _DAY))
                except StoreError as error:
                    _log.error("nothing was purged: %s", error)
            await asyncio.sleep(_PURGE_SECONDS)


def _tell_of_end(keeper: asyncio.Task[None]) -> None:
    """What is to run for as long as the process does has ended: nobody would see that otherwise."""
    if not keeper.cancelled() and (error := keeper.exception()) is not None:
        _log.error("%s has ended", keeper.get_coro(), exc_info=error)


def _calculations(settings: ServerSettings) -> CalculatorSettings:
    program = settings.calculation_program
    return CalculatorSettings(None if program is None else Path(program))


def _key_store(settings: ServerSettings, runner: Runner) -> KeyStore | None:
    keys = [read_key(text) for text in settings.key_store.keys]
    return KeyStore(runner.store.rows, keys) if keys else None
