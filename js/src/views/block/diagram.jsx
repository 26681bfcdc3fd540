import { capitalised, percent } from "../../words.js";
import { decimal, exact, short } from "../steps/numbers.js";
import { layout_of, WIDE_BOX } from "./layout.js";
import {
  class_of,
  error_in_words,
  factor_in_words,
  name_of_role,
  paths_of,
  ratio_of,
  sizes_of,
} from "./numbers.js";

/** @typedef {import("../messages.js").BlockFacts} BlockFacts */
/** @typedef {import("./numbers.js").At} At */
/** @typedef {import("./layout.js").NormBox} NormBox */
/** @typedef {import("./layout.js").WorkBox} WorkBox */

/** What a part of the picture says when it is pointed at. @typedef {(said: string | null) => void} Say */

/** The line of the stream is as thick as this where it is longest. */
const [THIN, THICK] = [2, 14];
const BAR = 74;

/**
 * The residual stream as a line from which sub-layers read, and to which they add.
 *
 * @param {object} props
 * @param {BlockFacts} props.facts
 * @param {At} props.at
 * @param {"self" | "cross"} props.kind  Of the stack.
 * @param {number} props.most  Of what is added, in lengths of the stream: the longest bar.
 * @param {number} props.width
 * @param {number} props.unit
 * @param {Say} props.onSay
 */
export function BlockDiagram({ facts, at, kind, most, width, unit, onSay }) {
  const layout = layout_of(facts, width, unit);
  const lengths = layout.lengths.map(({ row }) => at(row));
  const longest = Math.max(...lengths, Number.MIN_VALUE);
  /** @param {number} row */
  const thick = (row) => unit * (THIN + (THICK - THIN) * (at(row) / longest || 0));
  const last = layout.pieces.at(-1);
  const thick_at_end = last ? thick(last.row) : 0;
  return (
    <div class="aw-block-diagram" style={{ height: layout.height }}>
      <svg class="aw-block-lines" width={width} height={layout.height} aria-hidden="true">
        {layout.pieces.map(({ from, to, row }) => (
          <line
            key={from}
            class="aw-block-stream"
            x1={layout.stream}
            x2={layout.stream}
            y1={from}
            y2={to}
            stroke-width={thick(row)}
          />
        ))}
        <path
          class="aw-block-arrow"
          d={arrow_down(layout.stream, layout.height - 1, Math.max(11 * unit, thick_at_end))}
        />
        {layout.branches.map(({ leaves, right, joins, ends, boxes }) => {
          const last = boxes[boxes.length - 1];
          return (
            <g key={leaves} class="aw-block-branch">
              <path d={`M${layout.stream} ${leaves}H${last.x + last.width}`} />
              {boxes.map(({ x }) => (
                <path key={x} class="aw-block-arrow" d={arrow_right(x, leaves, 5 * unit)} />
              ))}
              <path
                d={`M${last.x + last.width} ${leaves}H${right}V${ends ? joins : joins - 1}${ends ? `H${layout.stream}` : ""}`}
              />
            </g>
          );
        })}
        {layout.sums.map(({ y, sum }) => {
          const r = 9 * unit;
          return (
            <g key={y} class="aw-block-plus">
              <circle cx={layout.stream} cy={y} r={Math.max(r, thick(sum.total) / 2 + 3 * unit)} />
              <path d={`M${layout.stream - r / 2} ${y}h${r}M${layout.stream} ${y - r / 2}v${r}`} />
            </g>
          );
        })}
      </svg>
      {facts.size > 0 && (
        <span
          class="aw-block-name"
          style={{ left: layout.stream + 16 * unit, width: width - layout.stream - 16 * unit }}
        >
          residual stream: {facts.size} numbers for each token
        </span>
      )}
      {lengths.length > 0 && (
        <span class="aw-block-caption" style={{ width: layout.stream - 14 * unit }}>
          length
        </span>
      )}
      {layout.lengths.map(({ row, y, as }) => (
        <button
          key={`${row} ${as}`}
          type="button"
          class="aw-block-length"
          style={{ top: y, width: layout.stream - 14 * unit }}
          {...saying(
            onSay,
            `the stream ${WHERE[as]}: a vector of ${facts.size} numbers, its length (the root of their summed squares) is ${exact(at(row))}`,
          )}
        >
          {short(at(row))}
        </button>
      ))}
      {layout.norms.map((box) => (
        <Norm key={box.y} {...{ box, at, onSay }} flat />
      ))}
      {layout.branches.map(({ boxes, leaves }) =>
        boxes.map((box) =>
          box.as === "norm" ? (
            <Norm key={`${leaves} ${box.x}`} {...{ box, at, onSay }} />
          ) : (
            <Work key={`${leaves} ${box.x}`} {...{ box, facts, kind, unit, onSay }} />
          ),
        ),
      )}
      {layout.sums.map(({ sum, y, x, line }) => (
        <div
          key={y}
          class="aw-block-added"
          style={{ left: x, top: y - (line * sum.branches.length) / 2, width: width - x }}
        >
          {sum.branches.map((branch, i) => {
            const ratio = ratio_of(at, sum, branch);
            const factor = factor_in_words(branch.factor);
            const times = factor && ` ${factor} × what it puts out`;
            const on =
              sum.stream_factor === 1 ? "" : `, to ${short(sum.stream_factor)} × the stream`;
            return (
              <button
                key={i}
                type="button"
                style={{ height: line }}
                {...saying(
                  onSay,
                  `${name_of_role(branch.role)} adds${times || " a vector"} of length ${exact(at(branch.added))}${on}: ${exact(ratio)} of ${exact(at(sum.stream))}, the stream’s; cosine of their angle ${decimal(at(branch.cosine), 4)}; ${error_in_words(facts.error)}`,
                )}
              >
                {sum.branches.length > 1 && (
                  <span class="aw-block-who">{name_of_role(branch.role)}</span>
                )}
                <span class="aw-block-bar" style={{ width: BAR * unit }}>
                  <i style={{ width: `${(100 * ratio) / most}%` }} />
                </span>
                <b>+ {percent(ratio)}</b>
                <span class="aw-quiet">{short(at(branch.added))}</span>
                <span class="aw-quiet aw-block-cos">cos {decimal(at(branch.cosine), 2)}</span>
                {factor && <span class="aw-quiet aw-block-factor">× {factor}</span>}
              </button>
            );
          })}
        </div>
      ))}
    </div>
  );
}

const WHERE = {
  in: "as it comes in",
  sum: "after this sum",
  norm: "after this norm",
  out: "as it comes out",
};

/** @param {{box: NormBox, at: At, flat?: boolean, onSay: Say}} props */
function Norm({ box, at, flat = false, onSay }) {
  const { norm } = box;
  return (
    <button
      type="button"
      class={`aw-block-box aw-block-norm${flat ? " aw-block-flat" : ""}`}
      style={rect(box)}
      {...saying(
        onSay,
        `${norm.path} (${norm.class_name}): its output is ${exact(at(norm.out))} long`,
      )}
    >
      <b>Norm</b>
      <span>{norm.class_name}</span>
    </button>
  );
}

/** @param {{box: WorkBox, facts: BlockFacts, kind: "self" | "cross", unit: number, onSay: Say}} props */
function Work({ box, facts, kind, unit, onSay }) {
  const { branch } = box;
  const role = branch?.role ?? "attention";
  const sizes = branch ? sizes_of(branch, facts, kind) : "";
  const name = branch ? class_of(branch, facts) : facts.class_name;
  const path = branch ? paths_of(branch, facts) : facts.module || "the model itself";
  return (
    <button
      type="button"
      class="aw-block-box"
      style={rect(box)}
      {...saying(
        onSay,
        `${path} (${name})${sizes && `, ${SIZES[role] ?? "sizes"} ${sizes}`}${ALONE[role] ?? ""}`,
      )}
    >
      <b>{capitalised(name_of_role(role))}</b>
      <span>
        {name}
        {sizes && box.width >= WIDE_BOX * unit && ` · ${sizes}`}
      </span>
      {sizes && box.width < WIDE_BOX * unit && <span>{sizes}</span>}
    </button>
  );
}

/** @type {Record<string, string>} */
const SIZES = {
  attention: "heads × numbers of each:",
  "cross-attention": "heads × numbers of each:",
  "feed-forward": "numbers of each token:",
};
/** @type {Record<string, string>} */
const ALONE = { "feed-forward": "; it works on each token by itself" };

/** @param {import("./layout.js").Rect} box */
const rect = ({ x, y, width, height }) => ({ left: x, top: y, width, height });

/** What is said of something while it is pointed at or has the focus. @param {Say} onSay @param {string} text */
function saying(onSay, text) {
  return {
    "aria-label": capitalised(text),
    onPointerMove: () => onSay(text),
    onPointerLeave: () => onSay(null),
    onFocus: () => onSay(text),
    onBlur: () => onSay(null),
  };
}

/** @param {number} x @param {number} y @param {number} size */
const arrow_right = (x, y, size) => `M${x} ${y}l${-size} ${-size * 0.7}v${size * 1.4}z`;

/** @param {number} x @param {number} y @param {number} size */
const arrow_down = (x, y, size) => `M${x} ${y}l${-size * 0.8} ${-size}h${size * 1.6}z`;
