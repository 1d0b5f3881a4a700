"""Company cars, motorbikes, vans and lorries by the distance driven, scope 1.

- `agents`: `vehicles.driven`.
- `data`: their factors and other names of activities; `data_build` beside the package makes them.
"""
