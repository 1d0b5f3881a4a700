"""Goods moved by road, rail, air and sea, scope 3.

- `agents`: `freight.upstream` and `freight.downstream`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
