"""Water supply and treatment, scope 3.

- `agents`: `water.used`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
