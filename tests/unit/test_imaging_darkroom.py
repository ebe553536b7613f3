"""Work beside the step keeps its order and loses no error."""

import threading

import pytest

from trainer.imaging.darkroom import Darkroom


def test_orders_run_in_order_on_another_thread() -> None:
    room, done = Darkroom(), []
    for k in range(20):
        room.later(lambda n: done.append((n, threading.current_thread() is threading.main_thread())), k)
    assert done == []
    room.start()
    room.wait()
    assert done == [(k, False) for k in range(20)]


def test_an_error_comes_out_where_the_work_is_waited_for() -> None:
    room = Darkroom()
    room.later(lambda: 1 / 0)
    room.start()
    with pytest.raises(ZeroDivisionError):
        room.wait()
    room.wait()  # told once


def test_a_new_start_waits_for_the_last() -> None:
    room, done, gate = Darkroom(), [], threading.Event()
    room.later(gate.wait)
    room.later(done.append, 1)
    room.start()
    room.later(done.append, 2)
    gate.set()
    room.start()
    room.wait()
    assert done == [1, 2]
