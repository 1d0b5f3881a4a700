"""Tasks of coroutines."""


cdef class Resumption:
    cdef object coroutine
    cdef object yielded     # None where the coroutine only gave way once: making the task did that

    @staticmethod
    cdef Resumption of(object coroutine, object yielded)


cdef object result_of(object task)
cdef object running_loop()
