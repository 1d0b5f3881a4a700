"""Stationary and mobile combustion, scope 1, with the factors of the US EPA.

- `agents`: `fuels.stationary` and `fuels.mobile`.
- `data`: their factors and other names of fuels; `data_build` beside the package makes them.
"""
