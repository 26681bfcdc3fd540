import { describe, expect, test } from "vitest";
import { as_array, bytes_of, decode } from "../src/messages.js";

/** Bytes of float32 numbers, starting at any offset of a larger buffer. @param {number[]} numbers @param {number} offset */
function window_at(numbers, offset) {
  const whole = new ArrayBuffer(offset + 4 * numbers.length + 7);
  const view = new DataView(whole, offset, 4 * numbers.length);
  numbers.forEach((n, i) => {
    view.setFloat32(4 * i, n, true);
  });
  return view;
}

describe("as_array", () => {
  const numbers = [0.25, -1, 3e-8, Number.POSITIVE_INFINITY];
  const expected = Array.from(Float32Array.from(numbers));

  test.each([0, 1, 2, 3, 4, 5, 8, 13])("reads a DataView that starts at byte %i", (offset) => {
    const view = window_at(numbers, offset);
    expect(Array.from(as_array(view, "float32"))).toEqual(expected);
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    expect(Array.from(as_array(bytes, "float32"))).toEqual(expected);
    expect(Array.from(as_array(view, "uint8"))).toEqual(Array.from(bytes));
  });

  test("reads an ArrayBuffer and copies only where it must", () => {
    const { buffer } = Float32Array.from(numbers);
    expect(as_array(buffer, "float32").buffer).toBe(buffer);
    expect(as_array(window_at(numbers, 4), "float32").byteOffset).toBe(4);
    expect(as_array(window_at(numbers, 3), "float32").byteOffset).toBe(0);
  });

  test("refuses what it does not know", () => {
    expect(() => as_array(new ArrayBuffer(8), "float64")).toThrow("float64");
    expect(() => as_array(new ArrayBuffer(6), "float32")).toThrow("6 bytes");
  });
});

describe("decode", () => {
  const content = {
    type: "picture",
    key: "row encoder 0 0 0 1",
    pass: 3,
    kind: "row",
    coarse: false,
    query: 1,
    sum: 1,
    arrays: [
      { name: "weights", dtype: "float32", shape: [3] },
      { name: "flags", dtype: "uint8", shape: [3] },
    ],
  };

  test("puts arrays beside the facts", () => {
    const row = /** @type {any} */ (
      decode(content, [window_at([0.5, 0.25, 0.25], 2), Uint8Array.from([0, 0, 1])])
    );
    expect(row).toMatchObject({ key: content.key, pass: 3, query: 1, shape: [3] });
    expect(Array.from(row.weights)).toEqual([0.5, 0.25, 0.25]);
    expect(Array.from(row.flags)).toEqual([0, 0, 1]);
    expect(row).not.toHaveProperty("arrays");
    expect(bytes_of(row)).toBeGreaterThanOrEqual(15);
  });

  test("checks how many arrays and how many numbers came", () => {
    expect(() => decode(content, [])).toThrow("2 arrays were announced, 0 came");
    expect(() => decode(content, [window_at([1, 2], 0), new Uint8Array(3)])).toThrow(
      "weights of shape 3 came with 2 numbers",
    );
  });

  test("keeps the length of an empty array", () => {
    const empty = { ...content, arrays: [{ name: "weights", dtype: "float32", shape: [0] }] };
    expect(/** @type {any} */ (decode(empty, [new ArrayBuffer(0)])).weights).toHaveLength(0);
  });
});
