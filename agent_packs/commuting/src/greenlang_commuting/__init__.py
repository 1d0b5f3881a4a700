"""Employees' ways to work and hours worked at home, scope 3.

- `agents`: `commuting.employees`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
