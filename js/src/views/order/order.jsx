import { useMemo } from "preact/hooks";
import { plural } from "../../words.js";
import { Cards, change_in_words } from "./cards.jsx";
import { OrderMatrix } from "./matrix.jsx";
import { as_given, attend, differences, in_order, rows_of, shuffled } from "./numbers.js";

/** @typedef {import("../messages.js").OrderPicture} OrderPicture */
/** @typedef {import("../../app.jsx").ViewProps} ViewProps */

/** Attention is about a set: the tokens of one head, to be shuffled. @param {ViewProps} props */
export function OrderView({ scene, ui }) {
  const own = scene.own.value;
  const picture = own?.picture.kind === "order" ? own.picture : null;
  if (!own || !picture) return <div class="aw-taught" />;
  const { q, k, v, scale, layer, head, why_not } = picture;
  if (!q || !k || !v || scale === null) {
    return (
      <div class="aw-taught">
        <p class="aw-taught-said">
          Layer {layer}, head {head} cannot be shuffled. {why_not}
        </p>
      </div>
    );
  }
  return <Shuffling {...{ picture, ui, q, k, v, scale }} sides={own.sides} stale={own.stale} />;
}

/**
 * @param {{picture: OrderPicture, ui: import("../../ui.js").Ui, q: Float32Array, k: Float32Array,
 *   v: Float32Array, scale: number, stale: boolean,
 *   sides: {queries: import("../../messages.js").Side, keys: import("../../messages.js").Side}}} props
 */
function Shuffling({ picture, ui, q, k, v, scale, sides, stale }) {
  const { among_themselves, causal, tokens, counts } = picture;
  const [n, m] = counts;
  const can_mask = among_themselves && causal;
  const masked = can_mask && ui.order_masked.value;
  const seed = ui.shuffles.value;
  const given = useMemo(
    () => ({ q: rows_of(q, n), k: rows_of(k, m), v: rows_of(v, m) }),
    [q, k, v],
  );
  const before = useMemo(() => attend(given, scale, masked), [given, scale, masked]);
  const order = useMemo(() => (seed === 0 ? as_given(m) : shuffled(m, seed)), [m, seed]);
  const rows = among_themselves ? order : as_given(n);
  const after = useMemo(() => {
    const { q, k, v } = given;
    const moved = { q: in_order(q, rows), k: in_order(k, order), v: in_order(v, order) };
    return attend(moved, scale, masked);
  }, [given, order, scale, masked]);
  const each = differences(before.outputs, after.outputs, rows);
  const texts = {
    queries: as_given(n).map((i) => sides.queries.texts[i] ?? String(i)),
    keys: as_given(m).map((i) => sides.keys.texts[i] ?? String(i)),
  };
  const is_shuffled = seed !== 0;
  return (
    <div class={`aw-taught aw-order${stale ? " aw-stale" : ""}`}>
      <p class="aw-taught-said">
        <Said {...{ is_shuffled, masked, among_themselves }} />
      </p>
      <div class="aw-order-controls">
        <button
          type="button"
          class="aw-button aw-main-button"
          onClick={() => {
            ui.shuffles.value += 1;
          }}
        >
          Shuffle
        </button>
        <button
          type="button"
          class="aw-button"
          disabled={!is_shuffled}
          onClick={() => {
            ui.shuffles.value = 0;
          }}
        >
          Reset
        </button>
        {can_mask && (
          <label class="aw-switch">
            <input
              type="checkbox"
              checked={masked}
              onChange={(event) => {
                ui.order_masked.value = event.currentTarget.checked;
              }}
            />
            with the model's causal mask
          </label>
        )}
        <Result {...{ is_shuffled, masked, among_themselves }} most={Math.max(...each)} />
      </div>
      <Cards
        name={among_themselves ? "token" : "key"}
        texts={texts.keys}
        order={order}
        outputs={among_themselves ? before_or_after(before.outputs, after.outputs, rows) : null}
        differences={is_shuffled ? each : null}
      />
      {!among_themselves && (
        <>
          <h3 class="aw-heading">Outputs of the queries</h3>
          <Cards
            name="query"
            texts={texts.queries}
            order={rows}
            outputs={after.outputs}
            differences={is_shuffled ? each : null}
          />
        </>
      )}
      <div class="aw-order-below">
        <OrderMatrix
          weights={after.weights}
          queries={in_order(texts.queries, rows)}
          keys={in_order(texts.keys, order)}
          scheme={ui.scheme.value}
          causal={masked}
        />
        <div class="aw-order-words">
          <p>
            The matrix has its rows (queries) and columns (keys) in the order of the cards
            {is_shuffled && !masked && ": every weight has moved with them, and none has changed"}.
          </p>
          <p class="aw-taught-note">{notes_of(picture, masked, tokens).join(" ")}</p>
        </div>
      </div>
    </div>
  );
}

/** Outputs by the place before. @param {number[][]} before @param {number[][]} after @param {number[]} order */
function before_or_after(before, after, order) {
  const found = [...before];
  order.forEach((at, place) => {
    found[at] = after[place];
  });
  return found;
}

/**
 * The question, and when the tokens are shuffled the answer.
 *
 * @param {{is_shuffled: boolean, masked: boolean, among_themselves: boolean}} props
 */
function Said({ is_shuffled, masked, among_themselves }) {
  const h = <i>h</i>;
  if (!is_shuffled) {
    return among_themselves ? (
      <>
        Every token has its output {h} from {masked ? "those before it" : "all of them"}. What
        becomes of it when the tokens change places?
      </>
    ) : (
      <>
        Every query has its output {h} from all keys. What becomes of it when the keys change
        places?
      </>
    );
  }
  if (masked) {
    return <>With a causal mask the place counts: now other tokens stand before each.</>;
  }
  return among_themselves ? (
    <>Attention is about a set, not a sequence: every token has the same output {h} as before.</>
  ) : (
    <>The keys are a set, not a sequence: every query has the same output {h} as before.</>
  );
}

/**
 * @param {{is_shuffled: boolean, masked: boolean, among_themselves: boolean, most: number}} props
 */
function Result({ is_shuffled, masked, among_themselves, most }) {
  if (!is_shuffled) {
    return (
      <p class="aw-order-result" aria-live="polite">
        Will <i>h</i> change{masked ? ", with the mask at its place" : ""}? Shuffle and see.
      </p>
    );
  }
  return (
    <p class="aw-order-result" aria-live="polite">
      Largest change of <i>h</i> of any {among_themselves ? "token" : "query"}:{" "}
      <b>{change_in_words(most)}</b>
      {masked
        ? "; the mask stays where it is, and now hides other tokens from each."
        : most === 0
          ? "; not a bit has changed."
          : ", the rounding of sums in another order."}
    </p>
  );
}

/** @param {OrderPicture} picture @param {boolean} masked @param {[number, number]} all */
function notes_of({ masked: has_mask, adds_more, causal, counts, layer, head }, masked, all) {
  const notes = [
    `Queries, keys and values are those of layer ${layer}, head ${head}; h is computed in the page.`,
  ];
  if (counts[0] < all[0] || counts[1] < all[1]) {
    notes.push(`Only the first ${plural(counts[1], "token")} of ${all[1]} take part.`);
  }
  if (has_mask && !masked) {
    notes.push(
      causal
        ? "The model's causal mask brings order in; here it is left out."
        : "The model's mask hides some of these keys; here it is left out.",
    );
  }
  if (adds_more) {
    notes.push("The model adds more to its scores (a bias or positions): left out here.");
  }
  notes.push("Positions that were worked into q and k before move with their tokens.");
  return notes;
}
