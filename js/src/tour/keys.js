/** Keys of a tour; while one is open they come before those of the widget it leads through. */

/**
 * What a key press does to an open tour; null where it is not the tour's.
 *
 * @param {KeyboardEvent} event
 * @param {import("./state.js").Tour} tour
 * @returns {(() => void) | null}
 */
export function tour_action(event, tour) {
  const { key, shiftKey } = event;
  if (!tour.open.peek() || event.ctrlKey || event.metaKey || event.altKey) return null;
  if (key === " ") return shiftKey ? tour.back : tour.next;
  // What lecture remotes send.
  if (key === "PageDown") return tour.next;
  if (key === "PageUp") return tour.back;
  const ask = tour.stop.peek()?.ask;
  if (ask?.kind === "choose" && /^[1-9]$/.test(key) && ask.options[Number(key) - 1]) {
    return () => tour.answer(Number(key) - 1);
  }
  return null;
}
