import { effect } from "@preact/signals";
import { h, render } from "preact";
import { App } from "./app.jsx";
import { make_scene } from "./scene.js";
import { make_live_source } from "./source/live.js";
import { bind_state } from "./state.js";
import { follow_scheme } from "./theme.js";
import { make_ui } from "./ui.js";

/** @typedef {import("./state.js").Model} Model */

/**
 * Names a view to the kernel. Random, as several pages may be open on one kernel.
 *
 * @param {Window} window
 */
function make_view_id(window) {
  return [...window.crypto.getRandomValues(new Uint32Array(2))].map((n) => n.toString(36)).join("");
}

/**
 * Draw one view of a widget into `el` until the function returned is called.
 *
 * @param {import("./source/live.js").Source} source
 * @param {import("./state.js").State} state
 * @param {HTMLElement} el
 */
function mount(source, state, el) {
  const document = el.ownerDocument;
  const window = /** @type {Window & typeof globalThis} */ (document.defaultView);
  const id = make_view_id(window);
  const ui = make_ui();
  const scene = make_scene(source, state, ui);

  const root = document.createElement("div");
  root.className = "attnwidget";
  el.append(root);

  let sent = "";
  const stop_wanting = effect(() => {
    const wants = scene.wants.value;
    const list = wants.map(({ key, prefetch }) => `${prefetch ? "?" : ""}${key}`).join("\n");
    if (list === sent) return;
    sent = list;
    source.show(id, wants);
  });
  const stop_scheme = follow_scheme(document, (scheme) => {
    ui.scheme.value = scheme;
    root.dataset.scheme = scheme;
  });
  const observer = new window.ResizeObserver(([entry]) => {
    ui.width.value = entry.contentRect.width;
  });
  observer.observe(root);
  // A page that is left cannot say so later.
  const leave = () => source.close(id);
  window.addEventListener("pagehide", leave);

  render(h(App, { source, state, ui, scene }), root);
  return () => {
    stop_wanting();
    stop_scheme();
    observer.disconnect();
    window.removeEventListener("pagehide", leave);
    render(null, root);
    root.remove();
    source.close(id);
  };
}

/**
 * The widget. A function, so that nothing is shared where a host (marimo) gives one module to
 * several widgets: each call serves one widget, shown any number of times.
 */
export default function make_widget() {
  /** @type {{source: import("./source/live.js").Source, state: import("./state.js").State} | null} */
  let widget = null;

  return {
    /** Listens from the start: pictures may come before any view is shown. @param {{model: Model}} props */
    initialize({ model }) {
      const opened = { source: make_live_source(model), state: bind_state(model) };
      widget = opened;
      return () => {
        opened.source.stop();
        opened.state.stop();
      };
    },

    /** @param {{model: Model, el: HTMLElement, signal?: AbortSignal}} props */
    render({ el, signal }) {
      const { source, state } = /** @type {NonNullable<typeof widget>} */ (widget);
      const unmount = mount(source, state, el);
      let mounted = true;
      const close = () => {
        if (mounted) unmount();
        mounted = false;
      };
      signal?.addEventListener("abort", close, { once: true });
      return close;
    },
  };
}
