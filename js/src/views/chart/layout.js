/** Where the numbers of a chart stand. Pure: CSS pixels. */

/** @typedef {import("../../tour/state.js").Chart} Chart */

const STEPS = [1, 2, 2.5, 5, 10];

/**
 * Round numbers along an axis, from 0 or below to at least the largest.
 *
 * @param {number} least
 * @param {number} most
 * @param {number} count  About so many.
 */
export function ticks(least, most, count) {
  const span = most - least || Math.abs(most) || 1;
  const power = 10 ** Math.floor(Math.log10(span / count));
  const step = power * (STEPS.find((s) => power * s * count >= span * 0.999) ?? 10);
  const first = Math.floor(least / step + 1e-9);
  const last = Math.ceil(most / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** @param {Chart} chart */
const numbers_of = ({ series }) =>
  series.flatMap(({ numbers }) => numbers.filter((n) => n !== null));

/** Whether it is drawn as bars. @param {Chart} chart */
export const has_names = ({ x }) => typeof x[0] === "string";

/**
 * @param {Chart} chart
 * @param {{left: number, right: number, top: number, bottom: number}} box  Within its axes.
 */
export function chart_layout(chart, box) {
  const numbers = /** @type {number[]} */ (numbers_of(chart));
  const least = Math.min(0, ...numbers);
  const most = chart.top ?? Math.max(...numbers, 1e-12);
  const rows = ticks(least, most, Math.max(2, Math.floor((box.bottom - box.top) / 56)));
  const [low, high] = [rows[0], chart.top ?? rows[rows.length - 1]];
  const y = (/** @type {number} */ number) =>
    box.bottom - ((number - low) / (high - low)) * (box.bottom - box.top);
  const bars = has_names(chart);
  const width = box.right - box.left;
  const places = /** @type {number[]} */ (bars ? chart.x.map((_, i) => i + 0.5) : chart.x);
  const [from, to] = bars ? [0, chart.x.length] : [Math.min(...places), Math.max(...places)];
  const x = (/** @type {number} */ at) =>
    to === from ? box.left + width / 2 : box.left + ((at - from) / (to - from)) * width;
  return {
    rows: rows.filter((row) => row <= high + 1e-9),
    columns: bars
      ? []
      : ticks(from, to, Math.max(2, Math.floor(width / 90))).filter((t) => t >= from && t <= to),
    places: places.map(x),
    /** Width of the room of one name. */
    slot: width / Math.max(1, chart.x.length),
    x,
    y,
    base: y(Math.max(low, 0)),
  };
}

/** A number as the chart writes it. @param {number} number @param {string} unit @param {number} [digits] */
export function written(number, unit, digits = 3) {
  const shown = unit === "%" ? 100 * number : number;
  const text = Number(shown.toPrecision(digits)).toString().replace("-", "−");
  return unit ? `${text} ${unit}` : text;
}
