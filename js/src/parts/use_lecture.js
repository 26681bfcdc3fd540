import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

/**
 * Lecture mode takes the whole screen where the host allows it, and stays in its cell where not.
 *
 * @param {import("../ui.js").Ui} ui
 * @returns {import("preact").RefObject<HTMLDivElement>}  For the element inside the one that fills the screen.
 */
export function useLecture(ui) {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  useSignalEffect(() => {
    // The widget's own element: its colours and its type hang on it.
    const element = ref.current?.parentElement;
    const on = ui.lecture.value;
    if (!element) return;
    const document = element.ownerDocument;
    if (on) element.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
  });
  // The browser's own Esc leaves the full screen; the lecture ends with it.
  useEffect(() => {
    const document = ref.current?.ownerDocument;
    if (!document) return undefined;
    let was_full = false;
    const follow = () => {
      const is_full = document.fullscreenElement !== null;
      if (was_full && !is_full) ui.lecture.value = false;
      was_full = is_full;
    };
    document.addEventListener("fullscreenchange", follow);
    return () => document.removeEventListener("fullscreenchange", follow);
  }, []);
  return ref;
}
