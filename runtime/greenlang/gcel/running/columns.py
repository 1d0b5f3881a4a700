"""Maps by columns: agents called once for a whole column, and item by item where that cannot be."""

from __future__ import annotations

__all__ = ["ColumnarMap"]

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from greenlang.agents.columns import ColumnarForm
from greenlang.errors import StepError
from greenlang.gcel.builtins import as_items
from greenlang_core.runs import Run


class ColumnarMap:
    """A guard (see `greenlang_core.scheduler.Guard`) that does a map's work before the map does.

    Parameters
    ----------
    forms : sequence
        Name, columnar form and options of the agents, in the order in which items go through them.
    column_kept : bool
        Whether what reads the map takes a column; else it is given a list, as without columns.
    """

    around = True
    sla_s: float | None = None
    timeout_s: float | None = None
    waits = False

    def __init__(
        self, forms: Sequence[tuple[str, ColumnarForm, Mapping[str, Any]]], *, column_kept: bool
    ) -> None:
        self._forms = forms
        self._column_kept = column_kept

    def late(self, elapsed_s: float, run: Run | None) -> None:
        """Be told that the step was slow: it asks for no such thing."""

    def run(
        self,
        attempt: Callable[[], Any],
        value: Any,
        run: Run | None,  # noqa: ARG002  what a guard is given
        error: Exception | None,  # noqa: ARG002
        now_s: float,  # noqa: ARG002
    ) -> Any:
        """Give what the map gives."""
        output = self._by_columns(value)
        return attempt() if output is None else output

    async def arun(
        self,
        attempt: Callable[[], Awaitable[Any]],
        value: Any,
        run: Run,  # noqa: ARG002  what a guard is given
        error: Exception | None,  # noqa: ARG002
        now_s: float,  # noqa: ARG002
    ) -> Any:
        """The same inside an event loop."""
        output = self._by_columns(value)
        return await attempt() if output is None else output

    def _by_columns(self, value: Any) -> Any:
        """What the columnar forms give; None where items must be run one by one."""
        output: Any = value
        for name, form, options in self._forms:
            if not isinstance(output, form.takes) or _has_nulls(output):
                return None
            count = len(output)
            try:
                output = form.function(output, **options)
            except Exception:
                return None
            if len(output) != count:
                raise StepError(
                    f"the columnar form of agent '{name}' gives {len(output):,} items for {count:,}",
                    fix="let it give one item for each that it takes",
                )
        return output if self._column_kept else list(as_items(output))


def _has_nulls(column: Any) -> bool:
    """Whether some item is null: what that is to an agent only the agent can say, item by item."""
    return bool(getattr(column, "null_count", 0))
