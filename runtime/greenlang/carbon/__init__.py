"""The domain: activity data in, emissions out.

`units` and `compound` say what units mean and convert them, `quantity` puts exact numbers in front of them;
`regions` knows places, `gwp` the warming potentials of gases, and `factors` reads emission factors.
"""

from __future__ import annotations

from greenlang.carbon.quantity import Quantity
from greenlang.carbon.units import Unit, parse_unit

__all__ = ["Quantity", "Unit", "parse_unit"]
