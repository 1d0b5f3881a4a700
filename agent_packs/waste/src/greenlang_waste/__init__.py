"""Waste by material and treatment, scope 3.

- `agents`: `waste.generated`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
