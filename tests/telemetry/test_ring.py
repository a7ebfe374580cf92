"""The ring of the last calls."""

import threading

from routed_llm.telemetry.ring import Ring


def test_the_oldest_makes_room(record):
    ring, made = Ring(3), [record() for _ in range(5)]
    for one in made:
        ring.append(one)
    assert (len(ring), ring.size) == (3, 3)
    assert ring.last(10) == made[2:]
    assert ring.last(2) == made[3:]
    assert ring.last(0) == ring.last(-1) == []
    assert ring.find(made[4].decision.id) is made[4]
    assert ring.find(made[0].decision.id) is None
    assert ring.find("") is None
    assert Ring().size == 1000


def test_reading_while_others_append(record):
    ring, made, stop = Ring(100), record(), threading.Event()

    def append():
        while not stop.is_set():
            ring.append(made)

    thread = threading.Thread(target=append)
    thread.start()
    try:
        for _ in range(300):
            assert ring.find("nowhere") is None
            assert len(ring.last(7)) <= 7
    finally:
        stop.set()
        thread.join()
