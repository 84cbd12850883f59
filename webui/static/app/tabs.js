// Which tab owns the audio: one Web Lock. Who has it plugs in; a waiting tab gets it when the owner closes, or takes it.

const LOCK = "callcenter-audio";

/**
 * Ask for the audio. `gained()` when this tab owns it, `elsewhere()` when another does, `lost()` when it was taken away.
 * Returns `take()`, which takes it over from the other tab.
 */
export function audioLock({ gained, elsewhere, lost }) {
  if (!navigator.locks) {
    gained();
    return { take() {} };
  }
  const own = () => {
    gained();
    return new Promise(() => {}); // kept until the tab closes or another steals it
  };
  const queue = () => navigator.locks.request(LOCK, own).catch(stolen);
  const stolen = () => {
    lost();
    queue();
  };
  const ask = { ifAvailable: true };
  navigator.locks
    .request(LOCK, ask, (lock) => {
      if (lock) return own();
      elsewhere();
      queue();
      return null;
    })
    .catch(stolen);
  return { take: () => navigator.locks.request(LOCK, { steal: true }, own).catch(stolen) };
}
