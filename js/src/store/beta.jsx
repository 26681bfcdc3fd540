import { beta_at, middle_beta, place_of } from "./numbers.js";
import { beta_in_words, num } from "./said.js";

const PLACES = 1000;

/** The slider from the mean of all to exactly one. @param {import("./table.jsx").Shown} props */
export function Beta({ store, view }) {
  const { beta, hard, by_distance } = view;
  const middle = middle_beta(view.keys, by_distance);
  const by_size = 1 / Math.sqrt(view.keys[0].length);
  // Where attention in a transformer stands on the slider; at the ends no mark is to be told apart.
  const marked = Math.round(PLACES * place_of(by_size, middle));
  const tick = by_distance || marked === 0 || marked === PLACES ? null : marked;
  return (
    <div class={`aw-beta${hard ? " aw-beta-off" : ""}`}>
      <span class="aw-beta-value">
        β = <b>{beta_in_words(beta)}</b>
        {by_distance && beta > 0 && Number.isFinite(beta) && (
          <span class="aw-quiet"> width {num(1 / Math.sqrt(beta))}</span>
        )}
        {!by_distance && Math.abs(beta - by_size) < 1e-9 && <span class="aw-quiet"> = 1/√d</span>}
      </span>
      <span class="aw-quiet">0 mean of all</span>
      <span class="aw-beta-track">
        <input
          type="range"
          min="0"
          max={PLACES}
          step="1"
          aria-label="Inverse temperature β"
          aria-valuetext={`β ${beta_in_words(beta)}`}
          disabled={hard}
          value={Math.round(PLACES * place_of(beta, middle))}
          onInput={(event) => {
            const place = Number(event.currentTarget.value);
            store.choose({ beta: place === tick ? by_size : beta_at(place / PLACES, middle) });
          }}
        />
        {tick !== null && (
          <span
            class="aw-beta-tick"
            role="img"
            aria-label={`1/√d = ${num(by_size)} is marked on the slider`}
            title={`1/√d = ${num(by_size)}`}
            style={{ "--aw-place": tick / PLACES }}
          >
            1/√d
          </span>
        )}
      </span>
      <span class="aw-quiet">∞ the largest</span>
    </div>
  );
}
