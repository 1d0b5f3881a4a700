"""The agent contract: a function, its name and version, and what it says of itself.

    @agent(name="acme.double", version="1.0.0", effects={"pure"})
    def double(value: Decimal, *, times: int = 1) -> Decimal: ...

The one positional parameter is the agent's input; keyword-only ones are its options.  Types are read from the
annotations, and a missing one means anything.  What breaks the contract is refused at definition.

A class may be an agent too: its `__call__` is the step, and `setup` and `close` surround its use (see
`lifetimes`).
"""

from __future__ import annotations

__all__ = ["EFFECTS", "Agent", "AgentSpec", "Effect", "Option", "agent"]

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import FunctionType, MethodType
from typing import Any, Literal, final, get_args

from greenlang.agents.columns import ColumnarForm, columnar_form
from greenlang.agents.examples import Example, check_examples
from greenlang.agents.expressions import Expression, configured
from greenlang.agents.flows import check_approves, check_flows
from greenlang.agents.lifetimes import Lifetime, running_function, step_method
from greenlang.agents.naming import check_name, check_version
from greenlang.agents.signatures import Option, read_signature
from greenlang.agents.syntax import Call, call
from greenlang.errors import AgentError

#: What running an agent may do besides computing. `pure`: nothing, and equal inputs give equal outputs;
#: `calculates`: its numbers are results. An agent that declares none is known to be nothing of these.
Effect = Literal["pure", "io", "llm", "random", "clock", "calculates"]

EFFECTS: frozenset[Effect] = frozenset(get_args(Effect))

_IMPURE: frozenset[Effect] = frozenset({"io", "llm", "random", "clock"})


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """What the runtime knows of an agent; all that a plan needs to run it."""

    name: str
    version: str
    function: FunctionType
    is_async: bool
    #: `Any` where the annotation is missing.
    input_type: Any
    output_type: Any
    #: Its positional parameter.
    input_name: str
    options: tuple[Option, ...]
    effects: frozenset[Effect]
    #: Synchronous, but waits for files, sockets or long sums: it runs in a thread.
    blocking: bool
    #: Asynchronous, and needs an asyncio task of its own (it uses timeouts or cancels itself).
    needs_task: bool
    #: The function's docstring, dedented.
    doc: str
    #: Fields of the output, and the fields of the input that each is made of; others are made of everything.
    flows: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False)
    #: Fields of the output that a person approved; `*` is all of them.
    approves: frozenset[str] = frozenset()
    #: The same agent over whole columns, where it offers that.
    columns: ColumnarForm | None = None
    #: What it gives for some inputs; the conformance kit runs them.
    examples: tuple[Example, ...] = field(default=(), compare=False)
    #: The object behind the function, where the agent is a class.
    lifetime: Lifetime | None = None

    @property
    def definition(self) -> FunctionType | type:
        """What `@agent` was put on."""
        return self.lifetime.made if self.lifetime else self.function

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]


@final
class Agent(Expression):
    """A function or class that is an agent: called as the function, and a step where an expression is wanted.

    Called with options alone, `double(times=3)`, it gives the configured step, as in a program's text.
    """

    def __init__(self, spec: AgentSpec) -> None:
        self.spec = spec
        self._node = call(spec.name, agent=self)
        functools.update_wrapper(self, spec.definition)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, outside of any plan; or configure the step (see the class)."""
        if kwargs and not args and self.spec.input_name not in kwargs:
            return configured(self.spec.name, kwargs, agent=self)
        return self.spec.function(*args, **kwargs)

    def columns(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Offer a columnar form: `@double.columns` on a function that does the same for a whole column.

        A map may call it once instead of the agent item by item. It takes and gives collections of what the
        agent takes and gives, item for item equal to the last digit, and has the agent's options. Where it
        raises, items are run one by one, so that the one that fails is named.

        Raises
        ------
        AgentError
            If the agent is not pure or waits, or the function has another signature.

        Examples
        --------
        >>> @double.columns
        ... def double_columns(values: DecimalColumn) -> DecimalColumn:
        ...     return values * 2
        """
        spec = self.spec
        if spec.columns is not None:
            raise AgentError(f"agent '{spec.name}' has a columnar form already", fix="keep one of the two")
        form = columnar_form(
            spec.name,
            function,
            options=spec.options,
            effects=spec.effects,
            waits=spec.is_async or spec.blocking,
        )
        self.spec = replace(spec, columns=form)
        return function

    @property
    def node(self) -> Call:
        """The step without options."""
        return self._node

    def __reduce__(self) -> str:
        # By its name, as a function is pickled: processes that a program starts are given it so.
        return self.spec.definition.__qualname__

    def __str__(self) -> str:
        return self.spec.name

    def __repr__(self) -> str:
        return f"<agent {self.spec.name} {self.spec.version}>"


def agent(
    *,
    name: str,
    version: str,
    effects: Iterable[Effect] = (),
    blocking: bool = False,
    needs_task: bool = False,
    flows: Mapping[str, Iterable[str]] | None = None,
    approves: Iterable[str] = (),
    examples: Iterable[Example] = (),
) -> Callable[[Callable[..., Any]], Agent]:
    """Make a function, or a class with a `__call__`, an agent.

    Parameters
    ----------
    name : str
        `pack.agent`, lower case.
    version : str
        Three numbers, like `1.2.0`; it changes whenever a result may.
    effects : Iterable[Effect]
        What the agent does besides computing. Only a `pure` one may be shared, folded and cached.
    blocking : bool
        For a synchronous function that waits or works long: it runs in a thread.
    needs_task : bool
        For an asynchronous function that must run in an asyncio task of its own.
    flows : Mapping[str, Iterable[str]], optional
        For fields of the output, the fields of the input that each is made of: copied or computed, never by
        way of a language model. A field that is not named is made of everything that comes in, and, where
        the effects have `llm`, by the model.
    approves : Iterable[str]
        Fields of the output that a person approved, `*` for all: the agent waits for the approval, records
        it, and declares `io`. It clears them of a language model's touch.
    examples : Iterable[Example]
        What it gives for some inputs; shown to people, and run by the conformance kit.

    Raises
    ------
    AgentError
        If the name, the version, the effects, the flows or the function's parameters break the contract.

    Examples
    --------
    >>> @agent(name="acme.double", version="1.0.0", effects={"pure"})
    ... def double(value: int) -> int:
    ...     return value * 2
    >>> double(21)
    42
    """
    check_name(name)
    check_version(version)
    declared = _check_effects(name, effects)

    def wrap(made: Callable[..., Any]) -> Agent:
        lifetime: Lifetime | None = None
        step: FunctionType | MethodType
        if inspect.isclass(made):
            lifetime = Lifetime(name, made)
            step, function = step_method(name, made), running_function(lifetime)
        elif inspect.isfunction(made):
            step = function = made
        else:
            raise AgentError(
                f"agent '{name}' is {made!r}, which is neither a function nor a class",
                fix="put @agent on a function made with def or async def, or on a class",
            )
        is_async = _check_kind(name, step, blocking=blocking, needs_task=needs_task)
        signature = read_signature(name, step)
        input_type, output_type = signature.input_type, signature.output_type
        return Agent(
            AgentSpec(
                name=name,
                version=version,
                function=function,
                is_async=is_async,
                input_type=input_type,
                output_type=output_type,
                input_name=signature.input_name,
                options=signature.options,
                effects=declared,
                blocking=blocking,
                needs_task=needs_task,
                doc=inspect.getdoc(made) or "",
                flows=check_flows(name, flows, input_type, output_type),
                approves=check_approves(name, approves, declared, output_type),
                examples=check_examples(name, examples, signature.options),
                lifetime=lifetime,
            )
        )

    return wrap


def _check_effects(name: str, effects: Iterable[Effect]) -> frozenset[Effect]:
    given: set[object] = {effects} if isinstance(effects, str) else set(effects)
    declared = frozenset(effect for effect in EFFECTS if effect in given)
    unknown = sorted(str(effect) for effect in given - EFFECTS)
    if unknown:
        raise AgentError(
            f"agent '{name}' declares the effect {', '.join(unknown)}",
            fix="declare some of " + ", ".join(get_args(Effect)),
        )
    impure = sorted(declared & _IMPURE)
    if impure and "pure" in declared:
        raise AgentError(
            f"agent '{name}' declares pure and {', '.join(impure)}, which exclude each other",
            fix="leave out 'pure'",
        )
    return declared


def _check_kind(name: str, function: FunctionType | MethodType, *, blocking: bool, needs_task: bool) -> bool:
    """Whether the function is asynchronous; AgentError if it cannot run as its decorator says."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise AgentError(f"agent '{name}' yields, but a step gives one value", fix="return a list")
    is_async = inspect.iscoroutinefunction(function)
    if is_async and blocking:
        raise AgentError(
            f"agent '{name}' is asynchronous and blocking",
            fix="leave out `blocking`, or write def without async",
        )
    if needs_task and not is_async:
        raise AgentError(
            f"agent '{name}' needs a task but is synchronous",
            fix="leave out `needs_task`, or write async def",
        )
    return is_async
