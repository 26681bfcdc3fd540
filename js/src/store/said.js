/** Numbers of the store as they are written: few digits, a true minus. */

/** @param {number} value */
export function num(value) {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text =
    size >= 1e6 || (size > 0 && size < 0.001)
      ? value.toExponential(1)
      : value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
  // What rounds to zero has no sign.
  return (Number(text) === 0 ? text.replace("-", "") : text).replaceAll("-", "−");
}

/** As the reader typed it: no zeros at the end. @param {number} value */
export const short_num = (value) => String(Number(value.toPrecision(3))).replace("-", "−");

/** @param {number} beta */
export const beta_in_words = (beta) => (Number.isFinite(beta) ? short_num(beta) : "∞");

/** @param {number[]} vector @param {number} most */
export function vector_in_words(vector, most = 4) {
  const shown = vector.slice(0, most).map(num).join(", ");
  return `(${shown}${vector.length > most ? ", …" : ""})`;
}
