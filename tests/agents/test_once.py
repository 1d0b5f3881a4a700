"""Properties that are worked out once."""

import threading
import time

from greenlang.agents.once import once


class Asked:
    def __init__(self):
        self.made = []

    @once
    def value(self):
        """What it is."""
        self.made.append(threading.get_ident())
        time.sleep(0.01)
        return object()

    @once
    def twice(self):
        return [self.value, self.value]


def test_threads_that_ask_at_once_are_given_the_same():
    asked, given = Asked(), []
    threads = [threading.Thread(target=lambda: given.append(asked.value)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked.made) == 1
    assert len(given) == 8
    assert all(one is asked.value for one in given)


def test_objects_have_their_own_and_properties_may_ask_for_others():
    one, other = Asked(), Asked()
    assert one.twice == [one.value, one.value]
    assert one.value is not other.value


def test_of_a_class_it_is_itself():
    assert Asked.value.__doc__ == "What it is."
    assert Asked.__dict__["value"] is Asked.value
