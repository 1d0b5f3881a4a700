"""A runtime: the registry of one process, the agents that it opened, and the hooks around what it runs."""

from __future__ import annotations

__all__ = ["Runtime"]

from collections.abc import Iterable
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from greenlang.agents import EVERYBODY, Agent, Expression, Lifetime, Registry
from greenlang.engine.execution import Execution, aexecute, execute
from greenlang.engine.lifecycle import acall, call, check_input
from greenlang.errors import AgentError, InputError
from greenlang.gcel import Plan, compile  # noqa: A004  the word that the whole runtime uses for it

if TYPE_CHECKING:
    import asyncio


class Runtime:
    """Compiles and runs plans; a context manager, `with` or `async with`, that closes what it opened.

    Agents that are classes are set up before their first plan runs and closed with the runtime, the last
    opened first.  Those whose `setup` or `close` is asynchronous need `async with` and `arun`, in one event
    loop.

    Parameters
    ----------
    agents : Iterable[Agent]
        Agents of the program's own, beside the installed ones.
    registry : Registry, optional
        Instead of `agents`: a registry that is there already.
    tenant : str
        Whom executions are for, where a call does not say.

    Examples
    --------
    >>> with gl.Runtime([double]) as runtime:
    ...     runtime.run(runtime.compile("acme.double >> acme.double"), Decimal("1.5"))
    Decimal('6.0')
    """

    def __init__(
        self, agents: Iterable[Agent] = (), *, registry: Registry | None = None, tenant: str = "default"
    ) -> None:
        self.registry = Registry(agents) if registry is None else registry
        self.tenant = tenant
        self._opened: list[Lifetime] = []
        #: Agents are opened one at a time; made when an event loop first runs here.
        self._opening: asyncio.Lock | None = None
        self._closed = False

    def compile(self, program: str | Expression, *, file: str | PathLike[str] | None = None) -> Plan:
        """Compile a program with the agents of this runtime; see `greenlang.compile`."""
        return compile(program, registry=self.registry, file=file)

    def run(self, plan: Plan, value: Any, *, tenant: str | None = None) -> Any:
        """Run a plan on one value, with the lifecycle hooks of the plugins around it.

        Raises
        ------
        InputError
            If the plan does not take the value, an agent cannot be set up, its pack is not for the tenant, or
            the runtime is closed; besides, whatever a hook or a step raises.
        """
        tenant = tenant or self.tenant
        if tenant != EVERYBODY:
            self.registry.admit(plan.agents, tenant)
        hooks = self.registry.lifecycle
        if hooks:
            return call(hooks, plan, value, plan.run, tenant=tenant, prepare=lambda: self.open(plan))
        # What `call` does where there are no hooks, without the functions it takes.
        self.open(plan)
        check_input(plan, value)
        return plan.run(value)

    async def arun(self, plan: Plan, value: Any, *, tenant: str | None = None) -> Any:
        """`run` inside an event loop."""
        tenant = tenant or self.tenant
        self.registry.admit(plan.agents, tenant)
        return await acall(
            self.registry.lifecycle,
            plan,
            value,
            plan.arun,
            tenant=tenant,
            prepare=lambda: self.aopen(plan),
        )

    def execute(self, plan: Plan, value: Any, *, tenant: str | None = None) -> Execution:
        """Run a plan as `run` does, and prove what it gave."""
        self.open(plan)
        return execute(plan, value, registry=self.registry, tenant=tenant or self.tenant)

    async def aexecute(self, plan: Plan, value: Any, *, tenant: str | None = None) -> Execution:
        """`execute` inside an event loop."""
        await self.aopen(plan)
        return await aexecute(plan, value, registry=self.registry, tenant=tenant or self.tenant)

    def close(self) -> None:
        """Close the agents that were opened here, the last first.

        Raises
        ------
        AgentError
            If some cannot be closed, when all have been tried.
        """
        self._closed = True
        failed = []
        while self._opened:
            try:
                self._opened.pop().release()
            except AgentError as error:
                failed.append(error)
        _raise_all(failed)

    async def aclose(self) -> None:
        """`close` inside an event loop."""
        self._closed = True
        failed = []
        while self._opened:
            try:
                await self._opened.pop().arelease()
            except AgentError as error:
                failed.append(error)
        _raise_all(failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def open(self, plan: Plan) -> None:
        """Set up the agents of a plan that are classes and not open yet; `close` closes them.

        Raises
        ------
        InputError
            If one cannot be set up, or the runtime is closed.
        """
        # Before every run: nothing is made where no agent is a class.
        if self._closed:
            raise _closed()
        for spec in plan.agents:
            if spec.lifetime is not None and spec.lifetime not in self._opened:
                spec.lifetime.hold()
                self._opened.append(spec.lifetime)

    async def aopen(self, plan: Plan) -> None:
        """`open` inside an event loop."""
        if self._closed:
            raise _closed()
        for spec in plan.agents:
            if spec.lifetime is not None and spec.lifetime not in self._opened:
                async with self._opening_lock():
                    if spec.lifetime not in self._opened:
                        await spec.lifetime.ahold()
                        self._opened.append(spec.lifetime)

    def _opening_lock(self) -> asyncio.Lock:
        if self._opening is None:
            import asyncio

            self._opening = asyncio.Lock()
        return self._opening


def _closed() -> InputError:
    return InputError("this runtime is closed", fix="make another one")


def _raise_all(failed: list[AgentError]) -> None:
    if len(failed) == 1:
        raise failed[0]
    if failed:
        raise AgentError("; ".join(error.message for error in failed), fix=failed[0].fix) from failed[0]
