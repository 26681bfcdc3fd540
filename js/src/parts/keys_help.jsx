import { useEffect, useRef } from "preact/hooks";

/**
 * All keys, over the widget; closed by `?`, Esc or a click.
 *
 * @param {{keys: readonly {shown: string[], words: string}[], more: string,
 *   onClose: () => void}} props  `more`: what the pointer does.
 */
export function KeysHelp({ keys, more, onClose }) {
  const pane = useRef(/** @type {HTMLDivElement | null} */ (null));
  useEffect(() => pane.current?.focus({ preventScroll: true }), []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the widget's own key handler closes it on Esc
    // biome-ignore lint/a11y/noStaticElementInteractions: a click beside the pane closes it, no more
    <div class="aw-help-cover" onClick={onClose}>
      <div class="aw-help-pane" ref={pane} role="dialog" aria-label="Keys" tabIndex={-1}>
        <h3 class="aw-heading">Keys</h3>
        <dl class="aw-keys">
          {keys.map(({ shown, words }) => (
            <div key={words}>
              <dt>
                <Caps keys={shown} />
              </dt>
              <dd>{words}</dd>
            </div>
          ))}
        </dl>
        <p class="aw-quiet">{more}</p>
      </div>
    </div>
  );
}

/** @param {{keys: string[]}} props */
export function Caps({ keys }) {
  return keys.map((key) => (
    <kbd key={key} class="aw-cap">
      {key}
    </kbd>
  ));
}
