"""Fuel- and energy-related activities outside scopes 1 and 2.

- `agents`: `upstream.energy`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
