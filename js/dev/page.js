/**
 * The widget without Jupyter: `npm run dev-build`, then open dev/index.html over any web server.
 * What is shown is chosen in the address: ?scene=gqa&scheme=dark&view=grid&query=9, or
 * ?store=recipes&step=scores; &stop=0 opens a tour in it.
 */

import tour_of_explorer from "../../tests/fixtures/tours/explorer.json";
import tour_of_store from "../../tests/fixtures/tours/store.json";
import views from "../src/views/later.js";
import make_widget from "../src/widget.js";
import { make_fake_model } from "./fake_kernel.js";
import { SCENES } from "./scenes.js";
import { make_store_model, STORE_SCENES } from "./store_scenes.js";

const asked = new URLSearchParams(location.search);
const { scene, traits = {} } = SCENES[asked.get("scene") ?? "minilm"]();
if (asked.get("scheme") === "dark") document.body.className = "vscode-dark";

/** @type {Record<string, any>} */
const chosen = { ...traits };
for (const name of ["layer", "head", "query", "key"]) {
  if (asked.has(name)) chosen[name] = Number(asked.get(name));
}
for (const name of [
  "view",
  "stage",
  "remove",
  "encoding",
  "direction",
  "scale",
  "measure",
  "weigh",
]) {
  if (asked.has(name)) chosen[name] = asked.get(name);
}
for (const name of ["heads", "mean", "target", "words", "hide", "sort"]) {
  if (asked.has(name)) chosen[name] = JSON.parse(asked.get(name) ?? "");
}

/** A key-value store, in place of attention. */
const store = STORE_SCENES[asked.get("store") ?? ""];
const of_store = Object.fromEntries(
  ["step", "hard", "predict", "beta"]
    .filter((name) => asked.has(name))
    .map((name) => [name, name === "step" ? asked.get(name) : JSON.parse(asked.get(name) ?? "")]),
);
/** A tour, at the stop that is asked for. */
const tour = asked.has("stop")
  ? { tour: store ? tour_of_store : tour_of_explorer, stop: Number(asked.get("stop")) }
  : {};
const model = store
  ? make_store_model({ ...store, ...of_store, ...tour })
  : make_fake_model(scene, { ...chosen, ...tour });
const cell = /** @type {HTMLElement} */ (document.querySelector(".cell"));
if (asked.has("hidden")) cell.style.display = "none";

const widget = make_widget(views);
widget.initialize({ model });
widget.render({ model, el: cell });
// For driving the page from a script: the stand-in for what Python would do.
Object.assign(cell, { model });
