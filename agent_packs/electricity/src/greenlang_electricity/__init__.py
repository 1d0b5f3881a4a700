"""Purchased electricity and steam, scope 2, with the factors of the US EPA.

- `agents`: `electricity.location_based` and `electricity.market_based`.
- `data`: their factors and other names of energies; `data_build` beside the package makes them.
"""
