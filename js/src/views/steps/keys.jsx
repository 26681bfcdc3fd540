import { Token } from "../../parts/token.jsx";
import { percent, plural } from "../../words.js";
import { others_of } from "./numbers.js";

/** @typedef {import("../messages.js").StepsPicture} StepsPicture */

/** Of a long text the first are offered; arrows go to the others. */
const MOST_OFFERED = 200;

/**
 * The keys that are not on screen, and buttons that go there.
 *
 * @param {{picture: StepsPicture, keys: string[], onMove: (span: [number, number]) => void}} props
 */
export function OtherKeys({ picture, keys, onMove }) {
  const { window, key_len, heaviest, weights, row, sees_nothing } = picture;
  const { before, after, count, share } = others_of(picture);
  if (count === 0) return null;
  const [start, stop] = window;
  const size = stop - start;
  const is_away = !sees_nothing && (heaviest < start || heaviest >= stop);
  const weight = weights[heaviest - row[0]];
  return (
    <p class="aw-other-keys">
      <span>
        Keys {start} to {stop - 1} of {key_len}; {plural(count, "other key")}, together{" "}
        <b>{percent(share)}</b>
      </span>
      <button
        type="button"
        class="aw-button"
        disabled={before === 0}
        onClick={() => onMove(moved_to(start - size, size, key_len))}
      >
        ‹ {Math.min(size, before)} before
      </button>
      <button
        type="button"
        class="aw-button"
        disabled={after === 0}
        onClick={() => onMove(moved_to(stop, size, key_len))}
      >
        {Math.min(size, after)} after ›
      </button>
      {is_away && (
        <button
          type="button"
          class="aw-button"
          onClick={() => onMove(moved_to(heaviest - Math.floor(size / 2), size, key_len))}
        >
          heaviest: <Token text={keys[heaviest] ?? ""} most={12} />{" "}
          {weight === undefined ? "" : percent(weight)}
        </button>
      )}
    </p>
  );
}

/**
 * So many keys from `start` on, or the nearest that there are.
 *
 * @param {number} start
 * @param {number} size
 * @param {number} length
 * @returns {[number, number]}
 */
export function moved_to(start, size, length) {
  const first = Math.max(0, Math.min(start, length - size));
  return [first, Math.min(length, first + size)];
}

/**
 * Where no query is selected: all tokens, to choose one.
 *
 * @param {{texts: string[], onChoose: (item: number) => void}} props
 */
export function ChooseQuery({ texts, onChoose }) {
  return (
    <div class="aw-choose-query">
      <p>
        Choose the token whose steps are to be shown
        {texts.length > MOST_OFFERED && "; arrows go to the later ones, too"}:
      </p>
      <ul>
        {texts.slice(0, MOST_OFFERED).map((text, item) => (
          <li key={item}>
            <button type="button" class="aw-button" onClick={() => onChoose(item)}>
              <Token text={text} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
