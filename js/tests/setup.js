import { afterEach } from "vitest";

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

Object.assign(globalThis, { ResizeObserver: FakeResizeObserver });
if (typeof window !== "undefined") Object.assign(window, { ResizeObserver: FakeResizeObserver });

/** What the canvases of a page were last painted with. @type {WeakMap<object, Uint32Array>} */
export const painted = new WeakMap();

HTMLCanvasElement.prototype.getContext = /** @type {any} */ (
  /** @this {HTMLCanvasElement} */
  function context_of() {
    return {
      font: "",
      measureText: (/** @type {string} */ text) => ({ width: 6.5 * text.length }),
      createImageData: (/** @type {number} */ width, /** @type {number} */ height) => ({
        data: new Uint8ClampedArray(4 * width * height),
      }),
      putImageData: (/** @type {{data: Uint8ClampedArray}} */ image) => {
        painted.set(this, new Uint32Array(image.data.buffer));
      },
    };
  }
);

afterEach(() => {
  document.body.replaceChildren();
  document.body.className = "";
  Object.assign(laid_out, { width: 1000, height: 430 });
});
