import { cut_middle } from "../words.js";

/** @typedef {(text: string) => number} Measure  Width in CSS pixels. */

/** Width of a letter where nothing can be measured (no canvas): as in most UI fonts at 12 px. */
const LETTER = 6.5;

/**
 * Measures text as `element` would show it.
 *
 * @param {Element} element
 * @param {number} size  Of the type, in CSS pixels.
 * @returns {Measure}
 */
export function text_measure(element, size) {
  const document = element.ownerDocument;
  const context = document.createElement("canvas").getContext?.("2d");
  if (!context) return (text) => LETTER * text.length;
  const family = document.defaultView?.getComputedStyle(element).fontFamily || "sans-serif";
  // Chosen labels are bold: measured so, they need no more room when chosen.
  context.font = `600 ${size}px ${family}`;
  return (text) => context.measureText(text).width;
}

/**
 * The text, cut in the middle until it is at most `most` pixels wide.
 *
 * @param {string} text
 * @param {number} most
 * @param {Measure} measure
 */
export function fit_label(text, most, measure) {
  let label = cut_middle(text, 40);
  for (let letters = 39; measure(label) > most && letters > 1; letters--) {
    label = cut_middle(text, letters);
  }
  return label;
}
