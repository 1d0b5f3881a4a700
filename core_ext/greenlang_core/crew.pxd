"""Coroutines at work together: stepped in place, given a task when they suspend, ended together."""

from cpython.object cimport PyObject

cdef object PENDING     # what `start` gives for a coroutine that is not done


cdef class Crew:
    # Nothing is made before a coroutine suspends, and for one that is alone then, nothing at all: it is held.
    cdef object loop
    cdef dict live              # task -> number of what it works on; None before the first task
    cdef list ended             # tasks that ended and were not taken yet, in the order in which they ended
    cdef list taking            # those of them that are taken next, the last one first
    cdef object waiter          # future that the next end wakes; None if nobody waits
    cdef object held            # the one coroutine that waits without a task
    cdef object held_context
    cdef object held_yield      # what it waits for
    cdef Py_ssize_t held_number
    cdef bint holds             # whether one may be held
    cdef bint expired           # whether the time that the crew may take is over
    # The coroutine that a crew is
    cdef bint begun
    cdef bint over
    cdef bint asked             # whether all that is at work was told to end
    cdef object context         # the context variables that it runs with; None for those of whoever steps it
    cdef object failure         # what is raised when all has ended
    cdef object ending          # coroutine that ends all

    cdef object start(self, object coroutine, Py_ssize_t number, bint needs_task, bint is_limited)
    cdef object resume(self, object exception)
    cdef int promote(self) except -1
    cdef int make_task(
        self, object coroutine, object yielded, object context, Py_ssize_t number, bint is_limited
    ) except -1
    cdef bint is_at_work(self) noexcept
    cdef list numbers(self)
    cdef object take(self)
    cdef object what_to_wait_for(self)
    cdef int cancel(self) except -1
    cdef int wake(self) except -1
    cdef bint drive(self, object exception, PyObject** outcome) except -1
    # What a crew of a kind adds
    cdef int begin(self) except -1
    cdef int limit(self, object task, Py_ssize_t number) except -1
    cdef bint proceed(self, object exception, PyObject** outcome) except -1
    cdef int leave(self, object error) except -1


cdef int give(object value, PyObject** outcome) except -1
