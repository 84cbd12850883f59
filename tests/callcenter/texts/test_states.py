"""News of a message in any order, as often as they like."""

from hypothesis import given
from hypothesis import strategies as st

from callcenter.texts.states import FINAL, QUEUED, RECEIVED, UNCERTAIN, follows

NEWS = ("sent", "delivered", "undelivered", "failed", "uncertain")
LISTS = st.lists(st.sampled_from(NEWS), max_size=12)


def told(news: list[str], state: str = QUEUED) -> str:
    for each in news:
        state = each if follows(state, each) else state
    return state


@given(LISTS)
def test_the_first_final_news_stands_whatever_comes_before_or_after(news: list[str]) -> None:
    finals = [each for each in news if each in FINAL]
    if finals:
        assert told(news) == finals[0]
    elif "sent" in news:
        assert told(news) == "sent"
    else:
        assert told(news) == (UNCERTAIN if news else QUEUED)


@given(LISTS)
def test_news_that_come_twice_change_nothing(news: list[str]) -> None:
    assert told([each for pair in zip(news, news, strict=True) for each in pair]) == told(news)


@given(st.lists(st.sampled_from(("sent", "delivered", "uncertain")), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_news_that_agree_does_not_matter(news: list[str], order: object) -> None:
    mixed = list(news)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    assert told(mixed) == told(news)


@given(LISTS)
def test_a_message_that_came_to_us_stays_received(news: list[str]) -> None:
    assert told(news, RECEIVED) == RECEIVED
