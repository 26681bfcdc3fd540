/** Stands in for what jsdom lacks to draw with: paths and contexts that remember what was asked. */

/** @typedef {{what: string, args: any[], path?: any[][], fillStyle: string, strokeStyle: string,
 *   globalAlpha: number, lineWidth: number}} Call  With the look it was made in. */

export class FakePath {
  constructor() {
    /** @type {any[][]} */
    this.steps = [];
  }
  /** @param {...number} at */
  moveTo(...at) {
    this.steps.push(["moveTo", ...at]);
  }
  /** @param {...number} at */
  bezierCurveTo(...at) {
    this.steps.push(["bezierCurveTo", ...at]);
  }
}

/**
 * A context that keeps every stroke and fill since it was last cleared.
 *
 * @returns {CanvasRenderingContext2D & {calls: Call[]}}
 */
export function make_recorder() {
  const look = {
    ...{ fillStyle: "#000", strokeStyle: "#000", globalAlpha: 1, lineWidth: 1 },
    ...{ lineCap: "butt", font: "" },
  };
  /** @type {Call[]} */
  const calls = [];
  const context = { ...look, calls };
  /** @param {string} what */
  const keep =
    (what) =>
    (/** @type {any[]} */ ...args) => {
      const { fillStyle, strokeStyle, globalAlpha, lineWidth } = context;
      const path = args[0] instanceof FakePath ? args[0].steps.slice() : undefined;
      calls.push({ what, args, path, fillStyle, strokeStyle, globalAlpha, lineWidth });
    };
  const names = [
    ...["setTransform", "scale", "save", "restore", "translate", "rotate", "beginPath", "moveTo"],
    ...["quadraticCurveTo", "arc", "roundRect", "stroke", "fill", "fillRect", "fillText"],
  ];
  Object.assign(context, Object.fromEntries(names.map((name) => [name, keep(name)])), {
    clearRect: () => calls.splice(0),
    setLineDash() {},
  });
  return /** @type {any} */ (context);
}
