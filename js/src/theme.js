/** Light or dark, as the host is. */

/**
 * @param {Document} document
 * @returns {"light" | "dark"}
 */
function host_scheme(document) {
  const { documentElement: html, body } = document;
  // JupyterLab and Notebook 7.
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter) return jupyter === "true" ? "light" : "dark";
  // VS Code.
  if (body.matches(".vscode-dark, .vscode-high-contrast:not(.vscode-high-contrast-light)")) {
    return "dark";
  }
  if (body.matches(".vscode-light, .vscode-high-contrast-light")) return "light";
  // Colab names it on the root, marimo by a class.
  const named = html.getAttribute("theme") ?? html.dataset.theme ?? body.dataset.theme;
  if (named === "dark" || named === "light") return named;
  if (html.matches(".dark") || body.matches(".dark, .dark-theme")) return "dark";
  if (html.matches(".light") || body.matches(".light, .light-theme")) return "light";
  return document.defaultView?.matchMedia?.("(prefers-color-scheme: dark)").matches
    ? "dark"
    : "light";
}

/**
 * Call `tell` now and whenever the host changes its scheme.
 *
 * @param {Document} document
 * @param {(scheme: "light" | "dark") => void} tell
 * @returns {() => void}  Stops it.
 */
export function follow_scheme(document, tell) {
  const update = () => tell(host_scheme(document));
  update();
  const observer = new MutationObserver(update);
  const options = { attributes: true, attributeFilter: ["class", "theme", "data-theme"] };
  observer.observe(document.documentElement, options);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-theme", "data-jp-theme-light"],
  });
  const query = document.defaultView?.matchMedia?.("(prefers-color-scheme: dark)");
  query?.addEventListener("change", update);
  return () => {
    observer.disconnect();
    query?.removeEventListener("change", update);
  };
}
