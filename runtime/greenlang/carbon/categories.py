"""The categories of emissions that the GHG Protocol names: what columns `category` and `method` speak of.

An agent may report under a name of its own; a factor of the user's own under a name that is neither one of
these nor an agent's is misspelt.
"""

from __future__ import annotations

__all__ = ["GHG_PROTOCOL_CATEGORIES"]

#: Of scopes 1 and 2: Corporate Standard (2004), chapter 4; of scope 3: Corporate Value Chain Standard (2011),
#: table 5.3, in its order.
GHG_PROTOCOL_CATEGORIES = (
    "stationary combustion",
    "mobile combustion",
    "process emissions",
    "fugitive emissions",
    "purchased electricity",
    "purchased steam",
    "purchased heating",
    "purchased cooling",
    "purchased goods and services",
    "capital goods",
    "fuel- and energy-related activities",
    "upstream transportation and distribution",
    "waste generated in operations",
    "business travel",
    "employee commuting",
    "upstream leased assets",
    "downstream transportation and distribution",
    "processing of sold products",
    "use of sold products",
    "end-of-life treatment of sold products",
    "downstream leased assets",
    "franchises",
    "investments",
)
