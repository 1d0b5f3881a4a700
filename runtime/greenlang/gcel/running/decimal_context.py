"""The decimal context that steps run in: that of `greenlang.exact`, made so that no step can change it.

One object serves every run, because copying a context costs as much as ten steps. So a step may look but
not touch: one that needs another context takes `decimal.localcontext()`, which gives it a copy of its own.
"""

from __future__ import annotations

__all__ = ["EXACT_CONTEXT"]

from decimal import Context
from types import MappingProxyType
from typing import Any, NoReturn

from greenlang.exact import exact_context


class _FixedContext(Context):
    """A context whose settings cannot be changed; a copy of it is a plain context and can."""

    def __setattr__(self, name: str, _: object) -> NoReturn:
        raise _refusal(name)

    def __getattribute__(self, name: str) -> Any:
        # `traps` is a mapping that writes through to the context.
        value = super().__getattribute__(name)
        return MappingProxyType(dict(value)) if name == "traps" else value

    def clear_traps(self) -> NoReturn:
        """Refuse, as setting `traps` does."""
        raise _refusal("traps")


def _refusal(name: str) -> AttributeError:
    return AttributeError(
        f"'{name}' of the decimal context that agents run in cannot be set; "
        "take `with decimal.localcontext():` for a context of your own"
    )


def _fixed(context: Context) -> Context:
    return _FixedContext(
        prec=context.prec,
        rounding=context.rounding,
        Emin=context.Emin,
        Emax=context.Emax,
        capitals=context.capitals,
        clamp=context.clamp,
        flags=[],
        traps=[signal for signal, trapped in context.traps.items() if trapped],
    )


EXACT_CONTEXT = _fixed(exact_context())
