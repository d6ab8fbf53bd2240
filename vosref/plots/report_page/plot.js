// What both plots share: lines with gaps, axes, and labels that keep out of each other's way.

// A gap where a value is null; a value alone between gaps becomes a dot, which round ends make of a line of no length.
function linePath(values, x, y) {
  let path = "";
  values.forEach((value, n) => {
    if (!exists(value)) return;
    const start = !exists(values[n - 1]);
    path += `${start ? "M" : "L"}${x(n).toFixed(1)} ${y(value).toFixed(1)}`;
    if (start && !exists(values[n + 1])) path += "h0";
  });
  return path;
}

function horizontalGrid(values, y, left, right, spelled) {
  return values.flatMap((value) => [
    draw("line", { x1: left, x2: right, y1: y(value), y2: y(value), class: "grid" }),
    draw("text", { x: left - 6, y: y(value), dy: "0.32em", "text-anchor": "end", class: "tick" }, spelled(value)),
  ]);
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const boxAround = (x, y, r) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r });

const pen = document.createElement("canvas").getContext("2d");

function textWidth(text, bold) {
  pen.font = `${bold ? "700 " : ""}12px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

// A place for a label beside, above or below its point that no taken box meets, within the frame; null if all do.
function placeLabel(point, width, taken, frame) {
  const [h, gap] = [14, 8];
  const at = (left, top) => ({ left, right: left + width, top, bottom: top + h });
  const places = [at(point.x + gap, point.y - h / 2), at(point.x - gap - width, point.y - h / 2)];
  for (const top of [point.y - gap - h, point.y + gap]) {
    places.push(at(point.x - width / 2, top), at(point.x, top), at(point.x - width, top));
  }
  const inside = (place) => place.left >= frame.left && place.right <= frame.right && place.top >= frame.top && place.bottom <= frame.bottom;
  return places.find((place) => inside(place) && !taken.some((box) => overlap(box, place))) ?? null;
}
