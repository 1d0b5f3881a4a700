"""What a process keeps: no more than it may, and not what was used last."""

from greenlang.caches.shelf import Shelf


def test_what_was_used_longest_ago_goes_first():
    shelf = Shelf(10 * 1300)
    for number in range(10):
        shelf.put(str(number), bytes(500), 60)
    assert shelf.get("0") is not None
    for number in range(10, 22):
        shelf.put(str(number), bytes(500), 60)
    kept = {name for name in map(str, range(22)) if shelf.get(name) is not None}
    assert len(kept) == 13000 // 800
    assert "0" in kept
    assert "1" not in kept


def test_what_is_too_large_is_not_kept_and_moves_nothing_out():
    shelf = Shelf(16_000)
    shelf.put("small", b"x", 60)
    shelf.put("large", bytes(2000), 60)
    assert (shelf.get("small"), shelf.get("large")) == (b"x", None)


def test_what_is_kept_anew_is_counted_once():
    shelf = Shelf(16_000)
    shelf.put("one", b"x", 60)
    for _ in range(1000):
        shelf.put("other", bytes(500), 60)
    assert shelf.get("one") == b"x"


def test_its_time_is_over_at_its_end():
    now = 0.0
    shelf = Shelf(16_000, lambda: now)
    shelf.put("one", b"x", 5.0)
    now = 4.999
    assert shelf.get("one") == b"x"
    now = 5.0
    assert shelf.get("one") is None
