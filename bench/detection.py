"""Answering machines told from people by their sound: who was taken for whom, when it was known, and the beeps found

on greetings that espeak-ng speaks (spoken.py): nothing of it was recorded on a real telephone.
"""

from bench.figures import Run, spread
from bench.spoken import Sample, samples
from callcenter.phone import Listening
from telephony.media import g711
from telephony.media.detection import FRAME_MS, Detector, Verdict
from telephony.media.hearing import Beep, Voice

MOMENTS = (1200, 2500, 3500, 6000)  # milliseconds after which who is undecided is a person
FRAME = 2 * g711.FRAME


async def run() -> Run:
    """Listen to all of it once."""
    settings = Listening()
    heard = [(each, *listen(each, settings)) for each in samples()]
    found: Run = {"greetings": float(len(heard))}
    for most in MOMENTS:
        for kind in ("human", "machine"):
            own = [verdict for sample, verdict, _ in heard if sample.kind == kind]
            for taken in ("human", "machine"):
                found[f"{kind} taken for {taken}, {most} ms to decide [%]"] = _share(
                    [_taken(each, most) == taken for each in own]
                )
            found[f"{kind} undecided until {most} ms [%]"] = _share(
                [each.found == "unknown" or each.at_ms > most for each in own]
            )
    for noise in sorted({sample.noise for sample, _, _ in heard}, key=lambda each: -1 if each is None else -each):
        name = "no noise" if noise is None else f"{noise} dB over noise"
        for kind in ("human", "machine"):
            own = [verdict for sample, verdict, _ in heard if sample.kind == kind and sample.noise == noise]
            found[f"{kind} taken for {kind}, {MOMENTS[-1]} ms, {name} [%]"] = _share(
                [_taken(each, MOMENTS[-1]) == kind for each in own]
            )
        beeps = [at for sample, _, at in heard if sample.kind == "machine" and sample.noise == noise]
        found[f"beeps found, {name} [%]"] = _share([each[1] is not None for each in beeps])
    for kind in ("human", "machine"):
        times = [float(verdict.at_ms) for sample, verdict, _ in heard if sample.kind == kind and verdict.found == kind]
        found |= spread(f"{kind} known after", times)
    late = [at[1] - sample.beep_ends * 1000 for sample, _, at in heard if at[1] is not None and sample.beep_ends is not None]
    found |= spread("beep known after its end", late)
    found["beeps heard where there are none"] = float(sum(at[0] for _, _, at in heard))
    return found


def _taken(verdict: Verdict, most: int) -> str:
    """Return for whom somebody is taken when there is so much time: the application's rule."""
    return "machine" if verdict.found == "machine" and verdict.at_ms <= most else "human"


def _share(given: list[bool]) -> float:
    return 100 * sum(given) / len(given)


def listen(sample: Sample, settings: Listening) -> tuple[Verdict, tuple[int, float | None]]:
    """Return the verdict on a sample; how many beeps were heard that are none, and when its own was over, in milliseconds."""
    voice, beep, detector = Voice(), Beep(), Detector(settings)
    false, at = 0, None
    pcm = g711.to_linear(sample.octets, "pcma")
    for number in range(len(pcm) // FRAME):
        frame = pcm[number * FRAME : (number + 1) * FRAME]
        ended = beep.take(frame)
        detector.take(voice.speaks(frame), ended)
        now = (number + 1) * FRAME_MS
        if ended and sample.beep_ends is not None and now >= 1000 * sample.beep_ends - FRAME_MS and at is None:
            at = float(now)
        elif ended:
            false += 1
    return detector.verdict or Verdict("unknown", "time", detector.heard_ms), (false, at)
