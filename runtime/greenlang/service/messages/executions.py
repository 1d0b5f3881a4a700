"""What is sent and answered of executions, programs, keys and agents, as types."""

from __future__ import annotations

__all__ = [
    "AgentData",
    "AgentList",
    "DeliveryData",
    "DeliveryList",
    "EventData",
    "ExecuteRequest",
    "ExecutionData",
    "ExecutionList",
    "ExecutionQuery",
    "Fault",
    "Health",
    "HistoryData",
    "HistoryQuery",
    "KeyData",
    "KeyList",
    "KeyRequest",
    "MadeKeyData",
    "Name",
    "PlanData",
    "PlanRequest",
    "Program",
    "ProgramRequest",
    "RedisHealth",
    "Resulting",
    "StatusData",
    "ValidationData",
]

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from greenlang.engine.events import AggregateState
from greenlang.service.roles import Role
from greenlang.stores import Event, State

Program = Annotated[str, msgspec.Meta(min_length=1, max_length=1_048_576, description="A GCEL program.")]
#: For people to read; NUL is no character of any text that is kept.
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern="^[^\\x00]+$")]
Priority = Literal["P0", "P1", "P2", "P3"]


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong."""

    code: str
    message: str
    #: Where in the request, or in the program, it is wrong.
    field: str = ""
    #: What would mend it.
    hint: str = ""


class ExecuteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program to be run, itself or one that was saved, its input, and how."""

    program: Program | None = None
    #: JSON; for a program that takes activity data, a list of objects, one a row.
    input: msgspec.Raw = msgspec.field(default_factory=lambda: msgspec.Raw(b"null"))
    #: Accounting choices for activity data: `gwp_set`, `vintage`, `on_error`…
    policy: dict[str, Any] = {}
    priority: Priority = "P1"
    #: Seconds to wait for the end; an execution that takes longer is answered with 202 and goes on.
    wait: Annotated[float, msgspec.Meta(ge=0, le=60)] = 10.0
    #: Seconds from now after which it is ended, wherever it stands.
    deadline: Annotated[float, msgspec.Meta(gt=0, le=86_400)] | None = None
    max_attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3
    #: Told of its end, signed as Standard Webhooks has it.
    webhook: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    #: In place of a program: `name` of one that was saved, or `name@version`.
    workflow: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class ProgramRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program to be checked."""

    program: Program


class PlanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program to be planned, and how the plan is told."""

    program: Program
    format: Literal["text", "json", "mermaid", "graphviz", "drawing"] = "text"


class Resulting(msgspec.Struct, frozen=True):
    """What an execution gave, and the hash that proves it."""

    execution_id: str
    result: msgspec.Raw
    calculation_id: str | None
    result_hash: str | None = None


class ExecutionData(msgspec.Struct, frozen=True, omit_defaults=True):
    """An execution as it stands."""

    execution_id: str
    state: str
    priority: str
    plan_hash: str
    agents: list[str]
    created_at: str
    attempt: int
    max_attempts: int
    started_at: str | None = None
    finished_at: str | None = None
    deadline_at: str | None = None
    cancel_requested: bool = False
    calculation_id: str | None = None
    error: msgspec.Raw | None = None
    result: msgspec.Raw | None = None


class StatusData(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of an execution, and why."""

    execution_id: str
    state: str
    attempt: int
    finished: bool
    error: msgspec.Raw | None = None


class ExecutionList(msgspec.Struct, frozen=True):
    """One page of executions, newest first."""

    executions: list[ExecutionData]
    #: Give it as `cursor` for the next page; null on the last.
    next_cursor: str | None


class ExecutionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which executions to list."""

    state: list[State] = []
    #: `name`, or `name@version`.
    agent: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    #: `next_cursor` of the page before.
    cursor: str | None = None
    #: Whether to tell what they gave, which may be large.
    results: bool = True


class DeliveryData(msgspec.Struct, frozen=True, omit_defaults=True):
    """One webhook delivery: what was tried, and how it went."""

    url: str
    state: Literal["due", "delivered", "given_up"]
    attempts: int
    next_at: str | None = None
    last_status: int | None = None
    last_error: str | None = None


class DeliveryList(msgspec.Struct, frozen=True):
    """The webhook deliveries of an execution."""

    deliveries: list[DeliveryData]


class EventData(msgspec.Struct, frozen=True):
    """One thing that happened to an execution."""

    type: str
    at: str
    payload: msgspec.Raw


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Up to when; now, if that is left out."""

    at: datetime | None = None
    #: The last so many events are listed; all of them count.
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class HistoryData(msgspec.Struct, frozen=True):
    """How something stood, and the last of the events that made it so."""

    state: AggregateState
    events: list[Event]


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An API key to be made, of the tenant of whoever asks."""

    name: Name
    roles: Annotated[list[Role], msgspec.Meta(min_length=1, max_length=4)]
    #: How long it is good; for good if it is left out.
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None


class KeyData(msgspec.Struct, frozen=True, omit_defaults=True):
    """An API key, but for the key itself."""

    key_id: str
    name: str
    roles: list[str]
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None


class KeyList(msgspec.Struct, frozen=True):
    """A tenant's API keys, the newest first."""

    keys: list[KeyData]


class MadeKeyData(msgspec.Struct, frozen=True):
    """A new key: the only time that it is shown."""

    key: str
    made: KeyData


class AgentData(msgspec.Struct, frozen=True):
    """One version of an agent."""

    name: str
    version: str
    summary: str
    effects: list[str]
    origin: str


class AgentList(msgspec.Struct, frozen=True):
    """The agents that are installed."""

    agents: list[AgentData]


class ValidationData(msgspec.Struct, frozen=True):
    """Whether a program compiles, and everything that is wrong with it."""

    valid: bool
    diagnostics: list[Fault]
    plan_hash: str | None = None


class PlanData(msgspec.Struct, frozen=True):
    """A plan, told or drawn."""

    plan_hash: str
    format: str
    plan: str


class RedisHealth(msgspec.Struct, frozen=True):
    """Whether processes share what they share through Redis; each goes on alone while it does not answer."""

    answers: bool
    serves: tuple[str, ...] = ("queue", "news", "cache", "limits")


class Health(msgspec.Struct, frozen=True):
    """Whether the service can take work."""

    status: Literal["live", "ready", "not ready"]
    reason: str = ""
    #: None where the configuration names no Redis.
    redis: RedisHealth | None = None
