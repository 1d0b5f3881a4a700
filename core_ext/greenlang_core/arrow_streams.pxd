"""Arrow's C stream interface, as PyCapsules: decimal128 columns in chunks."""


cdef object stream_capsule(tuple capsules, int scale)   # of one chunk, given as a schema and an array
cdef list import_chunks(object source)                  # a list of ArrowDecimals, and the scale of all last
