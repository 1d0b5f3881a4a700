"""Business travel by air, rail, road and sea, and nights in hotels, scope 3.

- `agents`: `travel.business`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
