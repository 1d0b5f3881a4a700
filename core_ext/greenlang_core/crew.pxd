"""Coroutines at work together: stepped in place, given a task when they suspend, ended together."""

cdef object PENDING     # what `start` gives for a coroutine that is not done


cdef class Crew:
    # Nothing is made before a coroutine suspends: no loop is asked for, no task, no future.
    cdef object loop
    cdef readonly dict live     # task -> number of what it works on
    cdef list ended             # tasks that ended and were not taken yet, in the order in which they ended
    cdef object waiter          # future that the next end wakes; None if nobody waits
    cdef readonly bint expired  # whether the time that the crew may take is over

    cdef object start(self, object coroutine, object number, bint needs_task, object limiter)
    cdef object take(self)
    cdef int cancel(self) except -1
    cdef int wake(self) except -1


cdef object result_of(object task)
