/**
 * Where a pointer is in an element, in the element's own pixels: lecture mode and slides zoom it.
 *
 * @param {Element} element
 * @param {MouseEvent} event
 * @param {number} width  Of the element, in its own pixels.
 */
export function point_in(element, event, width) {
  const box = element.getBoundingClientRect();
  const zoom = box.width > 0 ? box.width / width : 1;
  return [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
}
