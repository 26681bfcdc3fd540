import { afterEach } from "vitest";
import { FakePath, make_recorder } from "./recorder.js";

/** jsdom lays nothing out: every element observed is told one size, chosen by the test. */
export const laid_out = { width: 1000, height: 430 };

/** Observers at work, to see that none is left behind. @type {Set<unknown>} */
export const observing = new Set();

class FakeResizeObserver {
  /** @param {(entries: {contentRect: {width: number, height: number}}[]) => void} tell */
  constructor(tell) {
    this.tell = tell;
  }
  observe() {
    observing.add(this);
    this.tell([{ contentRect: { ...laid_out } }]);
  }
  disconnect() {
    observing.delete(this);
  }
}

Object.assign(globalThis, { ResizeObserver: FakeResizeObserver, Path2D: FakePath });
if (typeof window !== "undefined") Object.assign(window, { ResizeObserver: FakeResizeObserver });

/** What the canvases of a page were last painted with. @type {WeakMap<object, Uint32Array>} */
export const painted = new WeakMap();

/** What was stroked and filled on them since they were cleared. @type {WeakMap<object, import("./recorder.js").Call[]>} */
export const stroked = new WeakMap();

HTMLCanvasElement.prototype.getContext = /** @type {any} */ (
  /** @this {HTMLCanvasElement} */
  function context_of() {
    const context = make_recorder();
    // A canvas that is drawn anew starts with a new context here, and so with an empty list.
    stroked.set(this, context.calls);
    return Object.assign(context, {
      canvas: this,
      measureText: (/** @type {string} */ text) => ({ width: 6.5 * text.length }),
      createImageData: (/** @type {number} */ width, /** @type {number} */ height) => ({
        data: new Uint8ClampedArray(4 * width * height),
      }),
      putImageData: (/** @type {{data: Uint8ClampedArray}} */ image) => {
        painted.set(this, new Uint32Array(image.data.buffer));
      },
    });
  }
);

/** Timers of the next moment: as long as there is one, the page is about to do something. @type {Set<unknown>} */
export const soon = new Set();

const SOON = 60;
const { setTimeout: set_timeout, clearTimeout: clear_timeout } = globalThis;
Object.assign(globalThis, {
  /** @param {(...args: any[]) => void} then @param {number} ms @param {any[]} args */
  setTimeout: (then, ms = 0, ...args) => {
    const timer = set_timeout(() => {
      soon.delete(timer);
      then(...args);
    }, ms);
    if (ms <= SOON) soon.add(timer);
    return timer;
  },
  clearTimeout: (/** @type {any} */ timer) => {
    soon.delete(timer);
    clear_timeout(timer);
  },
});

// Preact listens to an event under this name only where the element has such a property.
for (const name of ["onpointermove", "onpointerleave"]) {
  Object.defineProperty(HTMLElement.prototype, name, { value: null, writable: true });
}

for (const name of ["onpointerdown", "onpointermove", "onpointerup", "onpointercancel"]) {
  Object.defineProperty(SVGElement.prototype, name, { value: null, writable: true });
}

afterEach(() => {
  document.body.replaceChildren();
  document.body.className = "";
  Object.assign(laid_out, { width: 1000, height: 430 });
});
