"""What is asked of the engine: a program, its input, and how it is to be run."""

from __future__ import annotations

__all__ = ["Order", "PlanCache", "prepare", "read_order"]

import asyncio
from collections import OrderedDict
from decimal import Decimal
from typing import Any

import msgspec

from greenlang.agents import Registry
from greenlang.agents.spending import Spent
from greenlang.carbon import InventoryInput, table_of_objects
from greenlang.engine.inputs import make_policy
from greenlang.engine.tenancy import UNGUARDED, Guard, Unguarded
from greenlang.errors import InputError
from greenlang.gcel import Plan
from greenlang.gcel import compile as compile_program

#: Plans kept compiled, and steps of all of them, a hundred thousand of which take some tens of megabytes;
#: beyond that the one that was used longest ago goes.
_PLANS = 512
_STEPS = 500_000

#: Characters from which on a program takes long to compile.
_LONG_PROGRAM = 65_536

_VALUE = msgspec.json.Decoder(float_hook=Decimal)
_ROWS = msgspec.json.Decoder(list[dict[str, Any]], float_hook=str)


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """A program and its input, as a worker needs them: this is kept until the execution ends."""

    program: str
    #: JSON; for a program that takes activity data, a list of objects, one a row.
    input: msgspec.Raw = msgspec.Raw(b"null")
    #: Accounting choices, for a program that takes activity data.
    policy: dict[str, Any] = {}


_ORDER = msgspec.json.Decoder(Order)


def read_order(document: bytes) -> Order:
    """An order as it was kept."""
    return _ORDER.decode(document)


class PlanCache:
    """Compiled programs by their text; safe to use from several threads."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        #: Holds tenants to what they may run and use.
        self.guard: Guard | Unguarded = UNGUARDED
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        #: How often a plan was kept, and how often it was not.
        self.hits = 0
        self.misses = 0

    def admit(self, plan: Plan, tenant: str, *, fresh: bool = True) -> Spent | None:
        """See that a tenant may run a plan now; `fresh` where it is not admitted already.

        Returns
        -------
        Spent or None
            Where to count what the run spends; None if nobody wants to know.

        Raises
        ------
        InputError
            If a pack or an agent of it is not for the tenant, or the tenant has used what it may.
        """
        self.registry.admit(plan.agents, tenant)
        return self.guard.admit(plan.agents, tenant, fresh=fresh)

    async def aplan(self, program: str) -> Plan:
        """`plan`, where a long program is compiled beside the event loop."""
        if len(program) <= _LONG_PROGRAM:
            return self.plan(program)
        return await asyncio.to_thread(self.plan, program)

    def plan(self, program: str) -> Plan:
        """The plan of a program, which may name no files: it comes from outside.

        Raises
        ------
        GcelError
            If it does not compile.
        """
        try:
            found = self._plans[program]
            self._plans.move_to_end(program)
        except KeyError:  # it is not kept, or another thread has just let go of it
            return self._compiled(program)
        self.hits += 1
        return found

    def _compiled(self, program: str) -> Plan:
        """Compile a program, and keep it."""
        self.misses += 1
        made = self._plans[program] = compile_program(program, registry=self.registry)
        while len(self._plans) > _PLANS or (
            len(self._plans) > 1 and sum(plan.step_count for plan in list(self._plans.values())) > _STEPS
        ):
            self._plans.popitem(last=False)
        return made

    def agent_of(self, program: str) -> str:
        """The name of the agent that gives the result of a program that is kept; empty for none."""
        found = self._plans.get(program)
        return found.agents[-1].name if found is not None and found.agents else ""

    def looks(self) -> dict[str, tuple[int, int]]:
        """How often a plan was kept, and how often it was not."""
        return {"plans": (self.hits, self.misses)}


def prepare(order: Order, plan: Plan) -> Any:
    """The value that the plan starts from.

    Raises
    ------
    InputError
        If the input is not what the plan takes.
    """
    if plan.input_type is InventoryInput:
        try:
            rows = _ROWS.decode(order.input)
        except msgspec.ValidationError as error:
            raise InputError(
                f"the input is not activity data ({error})",
                fix="give a list of objects, one a row, with id, period, activity, quantity and unit",
                place="input",
            ) from error
        return InventoryInput(table_of_objects(rows, name="input"), make_policy(**order.policy))
    if order.policy:
        raise InputError(
            "the program takes no activity data, so no policy applies", fix="leave it out", place="policy"
        )
    value = _VALUE.decode(order.input)
    if plan.input_type is Any:
        return value
    try:
        return msgspec.convert(value, plan.input_type)
    except msgspec.ValidationError as error:
        raise InputError(f"the input is not what the program takes: {error}", place="input") from error
