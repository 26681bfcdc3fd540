import { useEffect, useRef } from "preact/hooks";
import { capitalised, percent } from "../../words.js";
import { short } from "../steps/numbers.js";
import { name_of_role, ratio_of_role, reader, roles_of } from "./numbers.js";

/** @typedef {import("../messages.js").BlockPicture} BlockPicture */

/**
 * All blocks at one token: how long the stream is behind each, and what its parts added.
 *
 * @param {object} props
 * @param {BlockPicture} props.picture
 * @param {number} props.token
 * @param {number} props.layer  The selected one.
 * @param {number} props.most  Of what is added, in lengths of the stream: the longest bar.
 * @param {boolean} props.follows  Whether the list scrolls to the selected one.
 * @param {(layer: number) => void} props.onChoose
 */
export function BlockDepth({ picture, token, layer, most, follows, onChoose }) {
  const selected = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const roles = roles_of(picture);
  const rows = picture.layers.map((facts) => {
    const at = reader(picture, facts, token);
    return {
      layer: facts.layer,
      why: facts.why,
      after: facts.after === null ? null : at(facts.after),
      ratios: roles.map((role) => ratio_of_role(at, facts, role)),
    };
  });
  const longest = Math.max(...rows.map(({ after }) => after ?? 0), Number.MIN_VALUE);
  // The selected row is brought into sight, and nothing else of the page is moved.
  useEffect(() => {
    const row = selected.current;
    const scroller = follows ? row?.closest(".aw-block-scroll") : null;
    if (!row || !scroller) return;
    const [here, around] = [row.getBoundingClientRect(), scroller.getBoundingClientRect()];
    if (here.top < around.top) scroller.scrollTop -= around.top - here.top + here.height;
    else if (here.bottom > around.bottom) {
      scroller.scrollTop += here.bottom - around.bottom + here.height;
    }
  }, [layer, rows.length, follows]);
  return (
    <section class="aw-block-depth" style={{ "--aw-block-columns": 1 + roles.length }}>
      <h3 class="aw-heading">Over depth</h3>
      <div class="aw-block-depth-head" aria-hidden="true">
        <span>block</span>
        <span>stream</span>
        {roles.map((role) => (
          <span key={role}>{name_of_role(role)}</span>
        ))}
      </div>
      {rows.map((row) => {
        const is_shown = row.layer === layer;
        return (
          <button
            key={row.layer}
            ref={is_shown ? selected : undefined}
            type="button"
            class="aw-block-depth-row"
            aria-current={is_shown}
            aria-label={said(row, roles)}
            title={row.why || undefined}
            onClick={() => onChoose(row.layer)}
          >
            <span>{row.layer}</span>
            <Bar share={row.after === null ? null : row.after / longest} stream>
              {row.after === null ? "–" : short(row.after)}
            </Bar>
            {row.ratios.map((ratio, i) => (
              <Bar key={roles[i]} share={ratio === null ? null : ratio / most}>
                {ratio === null ? "–" : `+ ${percent(ratio)}`}
              </Bar>
            ))}
          </button>
        );
      })}
    </section>
  );
}

/** @param {{share: number | null, stream?: boolean, children: any}} props */
function Bar({ share, stream = false, children }) {
  return (
    <span class="aw-block-cell">
      <span class={`aw-block-bar${stream ? " aw-block-of-stream" : ""}`}>
        <i style={{ width: `${100 * (share ?? 0)}%` }} />
      </span>
      <span>{children}</span>
    </span>
  );
}

/**
 * @param {{layer: number, after: number | null, ratios: (number | null)[], why: string}} row
 * @param {ReturnType<typeof roles_of>} roles
 */
function said({ layer, after, ratios, why }, roles) {
  if (after === null) return `Block ${layer}: ${why}`;
  const parts = roles.map((role, i) => {
    const ratio = ratios[i];
    return ratio === null ? "" : `; ${name_of_role(role)} added ${percent(ratio)}`;
  });
  return capitalised(
    `block ${layer}: the stream is ${short(after)} long behind it${parts.join("")}`,
  );
}
