"""Purchased materials by their origin, scope 3.

- `agents`: `materials.purchased`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
