// The sound of a wall screen, and whether the browser lets us make it.
const EVERY = 10000; // ms between two alarms
const TEST = 0.25; // s: one soft tone, that somebody who stands there hears
let context = null;
let timer = 0;
let sounding = false;

function tone(begin, length, pitch, loud) {
  const source = context.createOscillator();
  const volume = context.createGain();
  source.type = "square";
  source.frequency.value = pitch;
  // Without a ramp a tone begins and ends with a crack.
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(loud, begin + 0.02);
  volume.gain.setValueAtTime(loud, begin + length - 0.03);
  volume.gain.linearRampToValueAtTime(0, begin + length);
  source.connect(volume).connect(context.destination);
  source.start(begin);
  source.stop(begin + length);
}

function alarm() {
  if (context?.state !== "running") return;
  for (let beat = 0; beat < 3; beat++) {
    tone(context.currentTime + beat * 0.5, 0.22, 880, 0.35);
    tone(context.currentTime + beat * 0.5 + 0.24, 0.22, 660, 0.35);
  }
}

// Try it out: "on" when the clock of the sound runs while a tone is played, else why not.
export async function test() {
  if (!("AudioContext" in window)) return "this browser makes no sound";
  try {
    context ??= new AudioContext();
    // Waits for a tap where the browser wants one: so it must not be waited for.
    context.resume().catch(() => {});
    const before = context.currentTime;
    tone(before, TEST, 660, 0.08);
    await new Promise((done) => setTimeout(done, 400));
    if (context.state !== "running") return "the browser has not allowed it";
    return context.currentTime > before ? "on" : "nothing on this machine plays it";
  } catch (error) {
    return String(error);
  }
}

export function sound(wanted) {
  if (wanted === sounding) return;
  sounding = wanted;
  clearInterval(timer);
  if (!wanted) return;
  alarm();
  timer = setInterval(alarm, EVERY);
}

export function running() {
  return context?.state === "running";
}

export function again() {
  if (sounding) alarm();
}
