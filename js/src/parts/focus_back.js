/**
 * A button that was clicked does not keep the focus: Space is to go on, not to press it again, as
 * Chromium would have it once a key was pressed. For the root of a widget.
 *
 * @param {MouseEvent & {currentTarget: HTMLElement}} event
 */
export function give_focus_back({ detail, target, currentTarget }) {
  // Of the steps it is anything: arrows are to step tokens there, not bars.
  const button = /** @type {Element} */ (target).closest("button, .aw-steps-view");
  // A key that presses a button makes a click without a count. A menu closes with the focus, and
  // thumbnails have arrow keys of their own.
  if (detail === 0 || !button || button.closest(".aw-menu, .aw-head")) return;
  currentTarget.focus({ preventScroll: true });
}
