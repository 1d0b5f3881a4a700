"""Leaks of refrigerants, blends and process gases, scope 1.

- `agents`: `refrigerants.leakage`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
