"""What an app sends is heard in order, to the last byte, and each mark comes back once, when the audio before it was heard."""

from hypothesis import given
from hypothesis import strategies as st

from tests.peers.twilio.sound import FRAME, SILENCE
from tests.peers.twilio.stream import Playback

STEPS = st.lists(st.one_of(st.binary(min_size=1, max_size=500), st.sampled_from(["mark", "tick", "clear"])), max_size=60)


@given(STEPS)
def test_what_was_sent_is_heard_and_marks_come_when_their_audio_was(steps: list[bytes | str]) -> None:
    playback, waiting, told = Playback(), bytearray(), 0
    marks: list[int] = []  # how much is still to be heard before each that is not reached
    for step in steps:
        if isinstance(step, bytes):
            playback.add(step)
            waiting += step
        elif step == "mark":
            playback.mark(str(told + len(marks)))
            marks.append(len(waiting))
        elif step == "clear":
            playback.clear()
            waiting.clear()
            marks = [0] * len(marks)
        else:
            frame = playback.next()
            heard = bytes(waiting[:FRAME])
            assert frame == (heard + SILENCE[len(heard) :] if heard else None)
            del waiting[:FRAME]
            marks = [max(0, before - FRAME) for before in marks]
        reached = playback.reached()
        assert reached == [str(told + n) for n in range(marks.count(0))]
        told += len(reached)
        marks = marks[len(reached) :]
    assert playback.milliseconds == len(waiting) // 8
