import { make_fake_model } from "../dev/fake_kernel.js";
import { SCENES } from "../dev/scenes.js";
import views from "../src/views/later.js";
import make_widget from "../src/widget.js";
import { soon } from "./setup.js";

/** A widget on a page, and a reader's hands. */

/** Long enough for what needs no kernel: what is due in this frame, and what that makes due. */
export async function drawn() {
  for (let i = 0; i < 2; i++) await new Promise((resolve) => requestAnimationFrame(resolve));
}

/** Until every list of wants is sent and answered, and the answer is on the page. */
export async function settled() {
  let is_busy = true;
  while (is_busy) {
    is_busy = soon.size > 0;
    await drawn();
    is_busy ||= soon.size > 0;
  }
}

/**
 * A widget on the page, with the made-up kernel answering at once.
 *
 * @param {string} name  Of a scene.
 * @param {Record<string, any>} [traits]
 * @param {Partial<import("../dev/fake_kernel.js").Scene>} [other]
 */
export async function show(name, traits = {}, other = {}) {
  const made = SCENES[name]();
  const scene = { ...made.scene, delay: 0, ...other };
  const model = make_fake_model(scene, { ...made.traits, ...traits });
  const widget = make_widget(views);
  const stop = widget.initialize({ model });
  const ending = new AbortController();
  const el = document.createElement("div");
  document.body.append(el);
  const close = widget.render({ model, el, signal: ending.signal });
  await settled();
  return { model, scene, widget, el, close, stop, ending };
}

/** @param {Element} el @param {string} selector */
export const text = (el, selector) => el.querySelector(selector)?.textContent ?? "";

/** @param {Element} el @param {string} selector */
export const texts = (el, selector) =>
  [...el.querySelectorAll(selector)].map((e) => e.textContent ?? "");

/** The first element that matches. @param {Element} el @param {string} selector */
export function one(el, selector) {
  const found = el.querySelector(selector);
  if (!found) throw new Error(`There is no ${selector}.`);
  return /** @type {HTMLElement} */ (found);
}

/** The button with these words on it. @param {Element} el @param {string | RegExp} words */
export function button(el, words) {
  const fits = (/** @type {string} */ text) =>
    typeof words === "string" ? text === words : words.test(text);
  const found = [...el.querySelectorAll("button")].find((b) => fits(b.textContent ?? ""));
  if (!found) throw new Error(`There is no button "${words}".`);
  return found;
}

/** @param {Element} el @param {string} key @param {KeyboardEventInit} [init] */
export async function press(el, key, init = {}) {
  const target = el.querySelector(".aw-root") ?? el;
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  await settled();
  return event;
}

/** A click without a place, as by the keyboard, or where `init` says. @param {Element} element @param {MouseEventInit} [init] */
export async function click(element, init = {}) {
  element.dispatchEvent(new MouseEvent("click", { bubbles: true, ...init }));
  await settled();
}

/** @param {Element} el @param {"query" | "key"} side */
export const column = (el, side) => one(el, `.aw-column-${side}`);

/** A point on an item of a column: jsdom has every column at the top. @param {Element} column @param {number} item */
export function point_at(column, item) {
  const row = Number.parseFloat(one(column, ".aw-row").style.height);
  return { clientY: (item + 0.5) * row - column.scrollTop, bubbles: true };
}

/** The pointer goes over an item of a column. @param {Element} column @param {number} item */
export async function hover(column, item) {
  column.dispatchEvent(new MouseEvent("pointermove", point_at(column, item)));
  await drawn();
}

/** @param {Element} column @param {number} item @param {MouseEventInit} [init] */
export const click_item = (column, item, init = {}) =>
  click(column, { ...point_at(column, item), ...init });

/** The pointer goes away. @param {Element} element */
export async function leave(element) {
  element.dispatchEvent(new MouseEvent("pointerleave"));
  await drawn();
}

/** Typing into a field. @param {Element} field @param {string} value */
export async function type(field, value) {
  /** @type {HTMLInputElement} */ (field).value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  await drawn();
}

/** Items of a column with what stands beside them. @param {Element} column */
export const shares_in = (column) =>
  Object.fromEntries(
    [...column.querySelectorAll(".aw-row")]
      .filter((row) => row.querySelector(".aw-row-shares"))
      .map((row) => [text(row, "bdi"), texts(row, ".aw-row-shares span")]),
  );
