"""asv benchmarks: what the runtime costs, as ratios to plain references where there is one."""
