"""A small registry of agents that do one plain thing each."""

import asyncio
from decimal import Decimal
from typing import Any, Literal

import pytest

from greenlang.agents import Registry, agent


@agent(name="acme.double", version="1.0.0", effects=["pure"])
def old_double(x: Decimal) -> Decimal:
    return x + x


@agent(name="acme.double", version="1.2.0", effects=["pure"])
def double(x: Decimal) -> Decimal:
    return x * 2


@agent(name="acme.add", version="1.0.0", effects=["pure"])
def add(x: Decimal, *, amount: Decimal = Decimal(1)) -> Decimal:
    return x + amount


@agent(name="acme.above", version="1.0.0", effects=["pure"])
def above(x: Decimal, *, limit: Decimal) -> bool:
    return x > limit


@agent(name="acme.numbers", version="1.0.0", effects=["pure"])
def numbers(count: int) -> list[Decimal]:
    return [Decimal(number) for number in range(count)]


@agent(name="acme.text", version="1.0.0", effects=["pure"])
def text(x: Decimal, *, style: Literal["plain", "loud"] = "plain", tags: list[str] = []) -> str:  # noqa: B006
    return f"{x}{'!' if style == 'loud' else ''}{''.join(tags)}"


@agent(name="acme.shout", version="1.0.0", effects=["pure"])
def shout(x: str) -> str:
    return x.upper()


@agent(name="acme.refuse", version="1.0.0", effects=["pure"])
def refuse(x: Decimal) -> Decimal:
    if x == 4:
        raise ValueError("no four")
    return x


@agent(name="acme.later", version="1.0.0", effects=["io"])
async def later(x: Decimal) -> Decimal:
    await asyncio.sleep(0)
    return x


@agent(name="acme.any", version="1.0.0", effects=["pure"])
def anything(x: Any) -> Any:
    return x


AGENTS = [old_double, double, add, above, numbers, text, shout, refuse, later, anything]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry(AGENTS)
