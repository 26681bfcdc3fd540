import { useEffect, useRef } from "preact/hooks";

/**
 * Keeps the focus in the widget when what has it is taken off the page, as a thumbnail is when
 * another view opens: the next key would be one of Jupyter's own shortcuts.
 *
 * @param {import("preact").RefObject<HTMLElement>} root
 * @param {readonly unknown[]} inputs  With which parts of the page come and go.
 * @returns {{onFocusIn: () => void, onFocusOut: (event: FocusEvent) => void}}  For the root.
 */
export function useFocusKept(root, inputs) {
  const held = useRef(/** @type {Element | null} */ (null));
  useEffect(() => {
    const element = root.current;
    const document = /** @type {Document | ShadowRoot | undefined} */ (element?.getRootNode());
    if (
      held.current &&
      !held.current.isConnected &&
      !element?.contains(document?.activeElement ?? null)
    ) {
      element?.focus({ preventScroll: true });
    }
  }, inputs);
  return {
    onFocusIn() {
      const document = /** @type {Document | ShadowRoot} */ (root.current?.getRootNode());
      held.current = document.activeElement;
    },
    onFocusOut(event) {
      // Gone elsewhere; an element that is taken away says so too, in some browsers, to nowhere.
      if (
        event.relatedTarget &&
        !root.current?.contains(/** @type {Node} */ (event.relatedTarget))
      ) {
        held.current = null;
      }
    },
  };
}
