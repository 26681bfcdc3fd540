import { useEffect, useRef, useState } from "preact/hooks";

/** @typedef {import("../state.js").State} State */

const KINDS = /** @type {const} */ ([
  ["special", "Hide special tokens"],
  ["padding", "Hide padding"],
  ["first", "Hide the first token"],
]);

/**
 * How tokens are read: one button, and behind it the switches.
 *
 * @param {{scene: import("../scene.js").Scene, state: State}} props
 */
export function TokensMenu({ scene, state }) {
  const [open, set_open] = useState(false);
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => {
    if (!open) return undefined;
    const root = /** @type {Document | ShadowRoot | undefined} */ (box.current?.getRootNode());
    /** @param {Event} event */
    const leave = (event) => {
      if (!box.current?.contains(/** @type {Node} */ (event.target))) set_open(false);
    };
    root?.addEventListener("pointerdown", leave);
    root?.addEventListener("focusin", leave);
    return () => {
      root?.removeEventListener("pointerdown", leave);
      root?.removeEventListener("focusin", leave);
    };
  }, [open]);
  const model = scene.model.value;
  const hide = state.hide.value;
  const pair = state.pair.value;
  const changed = state.words.value || hide.length > 0 || pair !== null;
  // A reading that leaves nothing to show must be undone even where nothing is shown.
  if (!model && !changed) return null;
  const tokens = model?.tokens;
  const kinds = new Set([...(tokens?.queries.kinds ?? []), ...(tokens?.keys?.kinds ?? [])]);
  const shown = KINDS.filter(
    ([kind]) => kind === "first" || hide.includes(kind) || kinds.has(kind),
  );

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Esc closes what its button has opened
    <div
      class="aw-menu"
      ref={box}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        set_open(false);
        button.current?.focus({ preventScroll: true });
      }}
    >
      <button
        ref={button}
        type="button"
        class="aw-segment aw-menu-button"
        aria-expanded={open}
        aria-haspopup="true"
        onClick={() => set_open(!open)}
      >
        Tokens{changed && <i class="aw-changed" title="not as the model has them" />} ▾
      </button>
      {open && (
        // biome-ignore lint/a11y/useSemanticElements: no element stands for a group of switches
        <div class="aw-menu-pane" role="group" aria-label="How tokens are read">
          <Switch
            words="Merge pieces to words"
            more="keys added, queries averaged"
            on={state.words.value}
            onSet={(words) => state.choose({ words })}
          />
          {shown.map(([kind, words]) => (
            <Switch
              key={kind}
              words={words}
              on={hide.includes(kind)}
              onSet={(on) =>
                state.choose({ hide: on ? [...hide, kind].sort() : hide.filter((k) => k !== kind) })
              }
            />
          ))}
          <Switch
            words="Scale rows to 1 again"
            more="after hiding"
            on={state.renormalise.value}
            off={hide.length === 0 && pair === null}
            onSet={(renormalise) => state.choose({ renormalise })}
          />
          {(tokens?.pairs || pair !== null) && (
            <label class="aw-switch">
              <span>Sentences</span>
              <select
                class="aw-select"
                aria-label="Sentences: from, to"
                value={pair ? pair.join() : ""}
                onChange={({ currentTarget: { value } }) =>
                  state.choose({
                    pair: value
                      ? /** @type {[number, number]} */ (value.split(",").map(Number))
                      : null,
                  })
                }
              >
                <option value="">all</option>
                <option value="0,0">A → A</option>
                <option value="0,1">A → B</option>
                <option value="1,0">B → A</option>
                <option value="1,1">B → B</option>
              </select>
            </label>
          )}
        </div>
      )}
    </div>
  );
}

/**
 * @param {{words: string, more?: string, on: boolean, off?: boolean,
 *   onSet: (on: boolean) => void}} props  `off`: of no effect now.
 */
function Switch({ words, more, on, off = false, onSet }) {
  return (
    <label class="aw-switch">
      <input
        type="checkbox"
        checked={on}
        disabled={off}
        onChange={(event) => onSet(event.currentTarget.checked)}
      />
      <span>
        {words}
        {more && <span class="aw-quiet"> ({more})</span>}
      </span>
    </label>
  );
}
