import { useState } from "preact/hooks";
import { useSize } from "../../parts/use_size.js";
import { chart_layout, has_names, written } from "./layout.js";

/** @typedef {import("../../tour/state.js").Chart} Chart */

/** Neither those of queries, keys and values; dashes and marks tell them apart as well. */
const COLOURS = {
  light: ["#8a6d00", "#a0457a", "#2478a8", "#59636e", "#b07d00", "#5a4fa2"],
  dark: ["#e6b040", "#e09bc3", "#8cc8ee", "#a0abb6", "#f0e442", "#b3a9ee"],
};
const DASHES = ["", "7 4", "2 4", "10 3 2 3", "4 4", "1 5"];
const SIZE = 13;
const LARGER = 1.6;

/**
 * Numbers that were measured, in the place of the picture: the chart of a tour's stop.
 *
 * @param {import("../../app.jsx").ViewProps & {chart: Chart | null}} props
 */
export function ChartView({ ui, chart }) {
  const [ref, size] = useSize();
  const [near, come_near] = useState(/** @type {number | null} */ (null));
  const scheme = ui.scheme.value;
  const type = SIZE * (ui.lecture.value ? LARGER : 1);
  if (!chart) {
    return <p class="aw-chart-none">Here the tour shows a chart; go to its stop.</p>;
  }
  return (
    <div class="aw-chart">
      <p class="aw-chart-legend">
        {chart.series.map(({ name, numbers }, i) => (
          <span key={name} class="aw-chart-name">
            <Sample colour={COLOURS[scheme][i]} dash={DASHES[i]} bars={has_names(chart)} />
            {name}
            {near !== null && numbers[near] !== null && numbers[near] !== undefined && (
              <b> {written(/** @type {number} */ (numbers[near]), chart.unit)}</b>
            )}
          </span>
        ))}
        {near !== null && (
          <span class="aw-quiet" aria-hidden="true">
            at {chart.x[near]} {has_names(chart) ? "" : chart.x_title}
          </span>
        )}
      </p>
      <div class="aw-chart-picture" ref={ref}>
        {size.width > 0 && size.height > 0 && (
          <Picture {...{ chart, size, scheme, type, near, come_near }} />
        )}
      </div>
      <Table chart={chart} />
    </div>
  );
}

/** @param {{colour: string, dash: string, bars: boolean}} props */
function Sample({ colour, dash, bars }) {
  return (
    <svg class="aw-chart-sample" width="26" height="10" aria-hidden="true">
      {bars ? (
        <rect width="12" height="10" x="7" fill={colour} />
      ) : (
        <path d="M0 5h26" stroke={colour} stroke-width="2.5" stroke-dasharray={dash} />
      )}
    </svg>
  );
}

/**
 * @param {{chart: Chart, size: {width: number, height: number}, scheme: "light" | "dark",
 *   type: number, near: number | null, come_near: (at: number | null) => void}} props
 */
function Picture({ chart, size, scheme, type, near, come_near }) {
  const bars = has_names(chart);
  const box = {
    left: 16 + 4.2 * type,
    right: size.width - 20,
    top: 10 + 1.7 * type,
    bottom: size.height - (chart.x_title ? 3.9 : 2.3) * type,
  };
  const layout = chart_layout(chart, box);
  const { places, rows, columns, y, x } = layout;
  const colours = COLOURS[scheme];
  /** @param {PointerEvent} event */
  const at = ({ clientX, currentTarget }) => {
    const { left } = /** @type {Element} */ (currentTarget).getBoundingClientRect();
    const distances = places.map((place) => Math.abs(place - (clientX - left)));
    return distances.indexOf(Math.min(...distances));
  };
  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.stopPropagation();
    event.preventDefault();
    const last = chart.x.length - 1;
    come_near(Math.max(0, Math.min(last, (near ?? (by > 0 ? -1 : last + 1)) + by)));
  };
  return (
    <svg
      class="aw-chart-drawing"
      width={size.width}
      height={size.height}
      font-size={type}
      role="application"
      aria-label={`${chart.y_title || "Chart"}: left and right go from number to number`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the numbers are read by the arrow keys
      tabIndex={0}
      onPointerMove={(event) => come_near(at(event))}
      onPointerLeave={() => come_near(null)}
      onBlur={() => come_near(null)}
      onKeyDown={on_key}
    >
      {rows.map((row) => (
        <g key={row}>
          <path class="aw-chart-rule" d={`M${box.left} ${y(row)}H${box.right}`} />
          <text x={box.left - 8} y={y(row)} dy="0.35em" text-anchor="end">
            {written(row, chart.unit)}
          </text>
        </g>
      ))}
      {columns.map((column) => (
        <text key={column} x={x(column)} y={box.bottom + 1.4 * type} text-anchor="middle">
          {written(column, "")}
        </text>
      ))}
      {bars &&
        chart.x.map((name, i) => (
          <text key={i} x={places[i]} y={box.bottom + 1.4 * type} text-anchor="middle">
            {fitted(String(name), layout.slot, type)}
          </text>
        ))}
      {chart.x_title && (
        <text
          class="aw-chart-title"
          x={(box.left + box.right) / 2}
          y={size.height - 0.7 * type}
          text-anchor="middle"
        >
          {chart.x_title}
        </text>
      )}
      {chart.y_title && (
        <text class="aw-chart-title" x={8} y={0.95 * type}>
          {chart.y_title}
        </text>
      )}
      {near !== null && (
        <path class="aw-chart-near" d={`M${places[near]} ${box.top}V${box.bottom}`} />
      )}
      {bars ? (
        <Bars {...{ chart, layout, colours, type }} />
      ) : (
        <Lines {...{ chart, layout, colours, near }} />
      )}
    </svg>
  );
}

/** @typedef {ReturnType<typeof chart_layout>} Layout */

/** @param {{chart: Chart, layout: Layout, colours: string[], near: number | null}} props */
function Lines({ chart, layout: { places, y }, colours, near }) {
  return chart.series.map(({ name, numbers }, s) => {
    let is_down = false;
    const path = numbers
      .map((number, i) => {
        if (number === null) {
          is_down = false;
          return "";
        }
        const step = `${is_down ? "L" : "M"}${places[i]} ${y(number)}`;
        is_down = true;
        return step;
      })
      .join("");
    return (
      <g key={name} stroke={colours[s]} fill={colours[s]}>
        <path class="aw-chart-line" d={path} stroke-dasharray={DASHES[s]} />
        {numbers.map(
          (number, i) =>
            number !== null && (
              <circle key={i} cx={places[i]} cy={y(number)} r={i === near ? 5 : 3} stroke="none" />
            ),
        )}
      </g>
    );
  });
}

/** @param {{chart: Chart, layout: Layout, colours: string[], type: number}} props */
function Bars({ chart, layout: { places, slot, y, base }, colours, type }) {
  const width = Math.min(96, (0.72 * slot) / chart.series.length);
  return chart.series.map(({ name, numbers }, s) =>
    numbers.map((number, i) => {
      if (number === null) return null;
      const left = places[i] + (s - chart.series.length / 2) * width;
      const [top, bottom] = [Math.min(y(number), base), Math.max(y(number), base)];
      return (
        <g key={`${name} ${i}`}>
          <rect
            x={left + 1}
            y={top}
            width={width - 2}
            height={Math.max(1, bottom - top)}
            fill={colours[s]}
          />
          {width > 3 * type && (
            <text
              class="aw-chart-number"
              x={left + width / 2}
              y={number < 0 ? bottom + 1.1 * type : top - 5}
              text-anchor="middle"
            >
              {written(number, chart.unit)}
            </text>
          )}
        </g>
      );
    }),
  );
}

/** The same for those who cannot see it. @param {{chart: Chart}} props */
function Table({ chart }) {
  return (
    <div class="aw-read-out">
      <table>
        <caption>{chart.y_title}</caption>
        <thead>
          <tr>
            <th>{chart.x_title}</th>
            {chart.series.map(({ name }) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {chart.x.map((at, i) => (
            <tr key={i}>
              <th>{at}</th>
              {chart.series.map(({ name, numbers }) => (
                <td key={name}>
                  {numbers[i] === null
                    ? "none"
                    : written(/** @type {number} */ (numbers[i]), chart.unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** @param {string} text @param {number} width @param {number} type */
function fitted(text, width, type) {
  const most = Math.max(3, Math.floor(width / (0.56 * type)));
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
