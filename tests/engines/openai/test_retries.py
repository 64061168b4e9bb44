"""When an endpoint is asked again."""

from __future__ import annotations

import pytest

from service.engines.openai.faults import Passing
from service.engines.openai.retries import retrying
from service.settings import Settings


def pauses(*faults: Passing) -> list[float]:
    """The seconds waited between requests of which the first ones fail so."""
    left, slept = list(faults), []

    def ask() -> str:
        if left:
            raise left.pop(0)
        return "answered"

    assert retrying(Settings()).copy(sleep=slept.append)(ask) == "answered"
    return slept


@pytest.mark.parametrize("fault", [Passing("no JSON"), Passing("cut", cut=True)])
def test_what_says_nothing_of_load_is_repeated_at_once_but_once(fault: Passing) -> None:
    first, second = pauses(fault, fault)
    assert first == 0
    assert second > 0


def test_an_endpoint_that_may_have_too_much_to_do_is_left_alone() -> None:
    assert min(pauses(*[Passing("503", busy=True)] * 3)) > 0


def test_no_less_is_waited_than_the_endpoint_asks_for() -> None:
    assert min(pauses(*[Passing("429", 7.0, busy=True)] * 3)) > 7
