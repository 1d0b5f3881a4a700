"""Every hook of the runtime: a plugin implements some of them, and the runtime calls them.

A plugin is a module that an entry point of the group `greenlang` names.  Its functions of these names, marked
with `hookimpl`, are the implementations:

    from greenlang.agents.hooks import hookimpl

    @hookimpl
    def greenlang_agents():
        return [double]

A pack needs none of them for what its pack.yaml declares: that is known without importing it.
"""

from __future__ import annotations

__all__ = ["GROUP", "greenlang_agents", "greenlang_factors", "hookimpl"]

from collections.abc import Iterable

import pluggy

from greenlang.agents.contract import Agent
from greenlang.agents.files import FactorFile

#: The entry-point group, and the name under which pluggy knows the hooks.
GROUP = "greenlang"

hookimpl = pluggy.HookimplMarker(GROUP)
hookspec = pluggy.HookspecMarker(GROUP)


@hookspec
def greenlang_agents() -> Iterable[Agent]:  # type: ignore[empty-body]  # a hook specification has no body
    """The agents that a plugin without a pack.yaml brings; called once, when the registry is first asked.

    Example
    -------
    A plugin of one module, `acme.py`::

        from decimal import Decimal

        import greenlang as gl
        from greenlang.agents.hooks import hookimpl

        @gl.agent(name="acme.double", version="1.0.0", effects={"pure"})
        def double(value: Decimal) -> Decimal:
            return value * 2

        @hookimpl
        def greenlang_agents():
            return [double]
    """


@hookspec
def greenlang_factors() -> Iterable[FactorFile]:  # type: ignore[empty-body]  # as above
    """The factor files that a plugin without a pack.yaml brings; called once, like `greenlang_agents`.

    Example
    -------
    A plugin that keeps its factors beside its code::

        from pathlib import Path

        from greenlang.agents.files import FactorFile
        from greenlang.agents.hooks import hookimpl

        @hookimpl
        def greenlang_factors():
            return [
                FactorFile(
                    path=Path(__file__).with_name("boilers.csv"),
                    dataset="acme-boilers",
                    edition="2024",
                    licence="CC-BY-4.0",
                    citation="Acme Boiler Survey 2024, table 2",
                )
            ]
    """
