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

  test.each([0, 1, 2, 3, 4, 6, 9])("reads whole numbers that start at byte %i", (offset) => {
    const whole = [-1, 0, 7, 2 ** 31 - 1, -(2 ** 31)];
    const bytes = new Uint8Array(offset + 4 * whole.length + 3);
    const view = new DataView(bytes.buffer, offset, 4 * whole.length);
    whole.forEach((n, i) => {
      view.setInt32(4 * i, n, true);
    });
    const read = as_array(view, "int32");
    expect(read).toBeInstanceOf(Int32Array);
    expect(Array.from(read)).toEqual(whole);
    expect(read.buffer === bytes.buffer).toBe(offset % 4 === 0);
  });

  test("refuses what it does not know", () => {
    expect(() => as_array(new ArrayBuffer(8), "float64")).toThrow("float64");
    expect(() => as_array(new ArrayBuffer(8), "int64")).toThrow("float32, int32 or uint8 do");
    expect(() => as_array(new ArrayBuffer(6), "float32")).toThrow("6 bytes");
    expect(() => as_array(new ArrayBuffer(6), "int32")).toThrow("int32 numbers of 4 bytes");
  });
});

describe("decode", () => {
  const content = {
    type: "picture",
    key: "row|encoder 0 |0.1 from 1",
    pass: 3,
    kind: "row",
    coarse: false,
    direction: "from",
    at: 1,
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
    expect(row).toMatchObject({ key: content.key, pass: 3, at: 1, shape: [3] });
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

  test("of several arrays the first one's shape is the picture's", () => {
    const { at: _, sum: __, ...facts } = content;
    const arrays = [
      { name: "tokens", dtype: "int32", shape: [2, 2] },
      { name: "weights", dtype: "float32", shape: [2, 2] },
      { name: "sums", dtype: "float32", shape: [2] },
    ];
    const tokens = new DataView(Int32Array.of(3, -1, 0, 1).buffer);
    const numbers = [window_at([1, 0, 0.5, 0.25], 1), window_at([1, 0.75], 3)];
    const lines = /** @type {any} */ (
      decode({ ...facts, kind: "lines", of: 4, count: 2, arrays }, [tokens, ...numbers])
    );
    expect(lines).toMatchObject({ kind: "lines", of: 4, shape: [2, 2] });
    expect(Array.from(lines.tokens)).toEqual([3, -1, 0, 1]);
    expect(Array.from(lines.weights)).toEqual([1, 0, 0.5, 0.25]);
    expect(Array.from(lines.sums)).toEqual([1, 0.75]);
    expect(bytes_of(lines)).toBe(200 + 16 + 16 + 8);
  });

  test("keeps the length of an empty array", () => {
    const empty = { ...content, arrays: [{ name: "weights", dtype: "float32", shape: [0] }] };
    expect(/** @type {any} */ (decode(empty, [new ArrayBuffer(0)])).weights).toHaveLength(0);
  });
});
