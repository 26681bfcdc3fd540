/** Notes made audible, by an oscillator each. */

/** @typedef {import("./notes.js").Item} Item */
/** @typedef {{beat: () => number, stop: () => void}} Playing  `beat`: which beat sounds now. */

const LOUDNESS = 0.22;
/** Seconds: before the first note, until a note is loud, and for it to die away. */
const [LEAD, ATTACK, RELEASE] = [0.08, 0.012, 0.06];

/** Hertz of a MIDI number, equally tempered. @param {number} pitch */
export const frequency = (pitch) => 440 * 2 ** ((pitch - 69) / 12);

/**
 * Plays notes one after the other, from the first of them on.
 *
 * @param {AudioContext} context  Closed at the end.
 * @param {Item[]} notes
 * @param {number} seconds  Of a beat.
 * @returns {Playing}
 */
export function play(context, notes, seconds) {
  const loudness = context.createGain();
  loudness.gain.value = LOUDNESS;
  loudness.connect(context.destination);
  const begin = context.currentTime + LEAD;
  const first = notes[0]?.note?.[1] ?? 0;
  for (const { note } of notes) {
    if (note === null || note[0] === null) continue;
    const [pitch, start, length] = note;
    const from = begin + (start - first) * seconds;
    const until = from + length * seconds;
    const envelope = context.createGain();
    envelope.gain.setValueAtTime(0, from);
    envelope.gain.linearRampToValueAtTime(1, from + ATTACK);
    // So that two notes of one pitch are heard as two.
    envelope.gain.setTargetAtTime(0, Math.max(from + ATTACK, until - RELEASE), RELEASE / 4);
    envelope.connect(loudness);
    const oscillator = context.createOscillator();
    oscillator.type = "triangle";
    oscillator.frequency.value = frequency(pitch);
    oscillator.connect(envelope);
    oscillator.start(from);
    oscillator.stop(until);
  }
  if (context.state === "suspended") context.resume();
  return {
    beat: () => first + (context.currentTime - begin) / seconds,
    stop: () => {
      context.close();
    },
  };
}
