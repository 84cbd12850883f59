// How loud a stream is: peaks from an AnalyserNode, for meters and for noticing a dead microphone.

const DEAD = 1e-4; // -80 dBFS: a working microphone in a silent room is louder than this

let context = null;

/** Return the page's one AudioContext, started if the browser lets it. */
export function audioContext() {
  context ||= new AudioContext({ latencyHint: "interactive" });
  if (context.state === "suspended") context.resume().catch(() => {});
  return context;
}

/** Listen to a stream; returns {peak(), running(), stop()} with peaks from 0 to 1. */
export function listen(stream) {
  const audio = audioContext();
  const source = audio.createMediaStreamSource(stream);
  const analyser = audio.createAnalyser();
  analyser.fftSize = 2048;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    peak() {
      analyser.getFloatTimeDomainData(samples);
      let peak = 0;
      for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
      return peak;
    },
    running: () => audio.state === "running",
    stop: () => source.disconnect(),
  };
}

/** Tell whether a peak is that of a microphone that gives nothing. */
export function isDead(peak) {
  return peak < DEAD;
}

/** Turn a peak into 0-100 for a meter, on a scale of -60 to 0 dBFS. */
export function percent(peak) {
  return peak <= 0 ? 0 : Math.max(0, Math.min(100, (20 * Math.log10(peak) + 60) * (100 / 60)));
}
