import { shown_token } from "../../words.js";
import { LEVEL_PITCH, labels_along, SLANTED_PITCH } from "./layout.js";

/**
 * Token texts along both margins; as many as there is room for, and the chosen ones always.
 *
 * @param {object} props
 * @param {{queries: import("../../messages.js").Side, keys: import("../../messages.js").Side}} props.sides
 * @param {import("../../place.js").Region} props.region
 * @param {import("./layout.js").Box} props.plot
 * @param {import("../../place.js").Place} props.place
 * @param {(text: string) => string} props.label_of
 * @param {number} [props.larger]  How much larger the type is than usual.
 */
export function Labels({ sides, region, plot, place, label_of, larger = 1 }) {
  const { query, key } = place;
  const rows = labels_along(region.rows, plot.height, larger * LEVEL_PITCH, [query]);
  const cols = labels_along(region.cols, plot.width, larger * SLANTED_PITCH, [key]);
  const down = plot.height / (region.rows[1] - region.rows[0]);
  const across = plot.width / (region.cols[1] - region.cols[0]);
  return (
    <div class="aw-labels" aria-hidden="true">
      {rows.map((i) => (
        <Label
          key={`row ${i}`}
          text={sides.queries.texts[i]}
          label_of={label_of}
          token={sides.queries.spans[i][0]}
          style={`aw-row-label${i === query ? " aw-is-query" : ""}`}
          place={{ left: plot.left - 8, top: plot.top + (i - region.rows[0] + 0.5) * down }}
        />
      ))}
      {cols.map((i) => (
        <Label
          key={`col ${i}`}
          text={sides.keys.texts[i]}
          label_of={label_of}
          token={sides.keys.spans[i][0]}
          style={`aw-col-label${i === key ? " aw-is-key" : ""}`}
          place={{ left: plot.left + (i - region.cols[0] + 0.5) * across, top: plot.top - 5 }}
        />
      ))}
    </div>
  );
}

/**
 * @param {{text: string, label_of: (text: string) => string, token: number, style: string,
 *   place: {left: number, top: number}}} props
 */
function Label({ text, label_of, token, style, place }) {
  const { marked } = shown_token(text);
  return (
    <span class={style} style={place} title={`${text} (token ${token})`}>
      <bdi class={marked ? "aw-marked" : ""}>{label_of(text)}</bdi>
    </span>
  );
}
