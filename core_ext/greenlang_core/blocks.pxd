"""Blocks of memory for rows, kept for reuse when they are released."""


cdef struct Block:
    void* start     # aligned to a cache line; NULL if there was no memory
    size_t size     # bytes, at least what was asked for


# Both need the GIL, which guards the kept blocks.
cdef Block acquire(size_t size) noexcept
cdef void release(Block block) noexcept
