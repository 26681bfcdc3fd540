import { effect } from "@preact/signals";
import { h, render } from "preact";
import { App } from "./app.jsx";
import { make_later } from "./later.js";
import { make_scene } from "./scene.js";
import { make_live_source } from "./source/live.js";
import { bind_state } from "./state.js";
import { bind_store } from "./store/state.js";
import { StoreApp } from "./store/store.jsx";
import { follow_scheme } from "./theme.js";
import { bind_tour } from "./tour/state.js";
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
 * Put a view into `el`, in the host's colours, until the function returned is called.
 *
 * @param {HTMLElement} el
 * @param {import("./ui.js").Ui} ui
 * @param {import("preact").VNode} view
 */
function put(el, ui, view) {
  const document = el.ownerDocument;
  const window = /** @type {Window & typeof globalThis} */ (document.defaultView);
  const root = document.createElement("div");
  root.className = "attnwidget";
  el.append(root);
  const stop_scheme = follow_scheme(document, (scheme) => {
    ui.scheme.value = scheme;
    root.dataset.scheme = scheme;
  });
  const observer = new window.ResizeObserver(([entry]) => {
    ui.width.value = entry.contentRect.width;
  });
  observer.observe(root);
  render(view, root);
  return () => {
    stop_scheme();
    observer.disconnect();
    render(null, root);
    root.remove();
  };
}

/**
 * Something to show, any number of times.
 *
 * @typedef {object} Opened
 * @property {(el: HTMLElement) => () => void} mount  Shows it until the function returned is called.
 * @property {() => void} stop
 */

/**
 * Attention of a model.
 *
 * @param {Model} model
 * @param {import("./later.js").Views | null} views
 * @returns {Opened}
 */
function open_explorer(model, views) {
  const source = make_live_source(model);
  const later = make_later(source, views);
  const state = bind_state(model);
  const tour = bind_tour(model, ({ set, text }) => {
    // Of another text only the kernel can tell what comes of it.
    if (text === null || text === state.text.peek()) state.choose(set);
  });
  return {
    mount(el) {
      const window = /** @type {Window & typeof globalThis} */ (el.ownerDocument.defaultView);
      const id = make_view_id(window);
      const ui = make_ui();
      const scene = make_scene(source, state, ui, later);
      let sent = "";
      const stop_wanting = effect(() => {
        const wants = scene.wants.value;
        const list = wants.map(({ key, prefetch }) => `${prefetch ? "?" : ""}${key}`).join("\n");
        if (list === sent) return;
        sent = list;
        source.show(id, wants);
      });
      // A page that is left cannot say so later.
      const leave = () => source.close(id);
      window.addEventListener("pagehide", leave);
      const take_away = put(el, ui, h(App, { source, state, ui, scene, tour, later }));
      return () => {
        stop_wanting();
        window.removeEventListener("pagehide", leave);
        take_away();
        source.close(id);
      };
    },
    stop() {
      source.stop();
      state.stop();
      tour.end();
      later.stop();
    },
  };
}

/** The key-value store. @param {Model} model @returns {Opened} */
function open_store(model) {
  const store = bind_store(model);
  const tour = bind_tour(model, ({ set, entries }, { entries: all }) => {
    const { _examples, ...held } = entries === null ? {} : all[entries];
    const beta = set.beta === "inf" ? Number.POSITIVE_INFINITY : set.beta;
    store.choose({ ...held, ...set, beta });
  });
  return {
    mount(el) {
      const ui = make_ui();
      return put(el, ui, h(StoreApp, { store, ui, tour }));
    },
    stop() {
      store.stop();
      tour.end();
    },
  };
}

/**
 * The widget. A function, so that nothing is shared where a host (marimo) gives one module to
 * several widgets: each call serves one widget, shown any number of times.
 *
 * @param {import("./later.js").Views | null} [views]  Those that the kernel would send when one is
 *   first opened, where the page has them.
 */
export default function make_widget(views = null) {
  /** @type {Opened | null} */
  let widget = null;

  return {
    /** Listens from the start: pictures may come before any view is shown. @param {{model: Model}} props */
    initialize({ model }) {
      const opened =
        model.get("_kind") === "store" ? open_store(model) : open_explorer(model, views);
      widget = opened;
      return () => opened.stop();
    },

    /** @param {{model: Model, el: HTMLElement, signal?: AbortSignal}} props */
    render({ el, signal }) {
      const unmount = /** @type {Opened} */ (widget).mount(el);
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
