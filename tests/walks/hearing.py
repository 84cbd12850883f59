"""What Chromium hears: the loudest pitch of the far side, measured in the page by an analyser of our own."""

from playwright.async_api import Page

from tests.walks.whole import until

# Reads the stream the page plays; the analyser's FFT of 16384 samples at 48 kHz resolves 3 Hz.
_MEASURE = """
() => {
  const audio = document.querySelector("audio");
  if (!audio || !audio.srcObject) return 0;
  const ears = (window.__ears ||= {});
  if (ears.stream !== audio.srcObject) {
    ears.context ||= new AudioContext();
    ears.stream = audio.srcObject;
    ears.analyser = ears.context.createAnalyser();
    ears.analyser.fftSize = 16384;
    ears.analyser.smoothingTimeConstant = 0;
    ears.context.createMediaStreamSource(ears.stream).connect(ears.analyser);
  }
  const bins = new Float32Array(ears.analyser.frequencyBinCount);
  ears.analyser.getFloatFrequencyData(bins);
  let best = 0;
  for (let k = 1; k < bins.length; k += 1) if (bins[k] > bins[best]) best = k;
  return bins[best] < -70 ? 0 : best * ears.context.sampleRate / ears.analyser.fftSize;
}
"""


async def hears(page: Page, hertz: float) -> None:
    """Wait until the page plays this pitch."""
    heard: list[float] = []

    async def right() -> bool:
        heard.append(await page.evaluate(_MEASURE))
        return abs(heard[-1] - hertz) < 15

    try:
        await until(f"the browser to hear {hertz} Hz", right)
    except AssertionError as error:
        raise AssertionError(f"{error}; it heard {sorted({round(each) for each in heard})}") from error
