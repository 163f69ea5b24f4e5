/* The plane of recall and precision, with lines of equal IoU and the usable area. */
const PLANE = { left: 48, top: 14, size: 366 };

/** Precision at this recall on the line of this IoU: 1 / IoU = 1 / P + 1 / R - 1. */
const precisionAt = (iou, recall) => 1 / (1 / iou + 1 - 1 / recall);

/** Position of a share on axes from `low` to 1. */
const placeX = (low, share) => PLANE.left + (PLANE.size * (share - low)) / (1 - low);
const placeY = (low, share) => PLANE.top + (PLANE.size * (1 - share)) / (1 - low);

/** The lower end of both axes: below every value shown and every threshold, in tenths. */
function lowEnd(curve) {
  const ends = [data.usable.recall, data.usable.precision];
  for (const condition of data.board.conditions) {
    for (const key of ["test/recall", "test/precision"]) {
      const value = valueOf(condition, key, curve);
      if (value) ends.push(value[1] === null ? value[0] : value[1]);
    }
  }
  return Math.max(0, Math.floor(10 * (Math.min(0.9, ...ends.filter((it) => it !== undefined)) - 0.03)) / 10);
}

function line(points, attributes) {
  return drawn("path", { d: points.map(([x, y], n) => `${n ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join(""), ...attributes });
}

/** Points of the line of equal `iou` within the plane. */
function equalIou(iou, low, bottom = low) {
  const first = Math.max(low, iou);
  const steps = Array.from({ length: 61 }, (_, n) => first + ((1 - first) * n) / 60);
  return steps.map((recall) => [recall, Math.max(bottom, Math.min(1, precisionAt(iou, recall)))])
    .filter(([recall]) => precisionAt(iou, recall) >= low)
    .map(([recall, precision]) => [placeX(low, recall), placeY(low, precision)]);
}

function usableArea(low) {
  const { recall = 0, precision = 0, iou = 0 } = data.usable;
  const first = Math.max(recall, iou, low);
  const bar = (r) => Math.max(precision, low, Math.min(1, iou ? precisionAt(iou, r) : 0));
  const steps = Array.from({ length: 81 }, (_, n) => first + ((1 - first) * n) / 80);
  const edge = steps.map((r) => [placeX(low, r), placeY(low, bar(r))]);
  const start = [placeX(low, first), placeY(low, 1)];
  return [...[start, ...edge], [placeX(low, 1), placeY(low, 1)]];
}

/** The fixed parts of the plane for one curve. */
function drawPlane(plane, low, curve) {
  const { left, top, size } = PLANE;
  const text = (x, y, words, attributes = {}) => drawn("text", { x, y, ...attributes }, words);
  const parts = [line(usableArea(low), { class: "usable" })];
  for (let n = Math.round(10 * low); n <= 10; n += 1) {
    const share = n / 10;
    const x = placeX(low, share);
    const y = placeY(low, share);
    parts.push(drawn("path", { class: "tick", d: `M${x} ${top + size}v5M${left} ${y}h-5` }));
    parts.push(text(x, top + size + 20, number(share, 1), { "text-anchor": "middle" }));
    parts.push(text(left - 9, y + 4.5, number(share, 1), { "text-anchor": "end" }));
    if (n < 10 && share > low) {
      parts.push(line(equalIou(share, low), { class: "equal" }));
      parts.push(text(left + size + 6, y + 4.5, number(share, 1), { class: "faint" }));
    }
  }
  parts.push(text(left + size + 6, top + 8, "IoU", { class: "faint" }));
  parts.push(text(left + size / 2, top + size + 42, "recall", { "text-anchor": "middle" }));
  parts.push(text(14, top + size / 2, "precision", { "text-anchor": "middle", transform: `rotate(-90 14 ${top + size / 2})` }));
  parts.push(drawn("path", { class: "frame", d: `M${left} ${top}V${top + size}H${left + size}` }));
  for (const condition of data.board.conditions) {
    const recall = valueOf(condition, "test/recall", curve);
    const precision = valueOf(condition, "test/precision", curve);
    if (!recall || !precision) continue;
    const note = `${condition.label} (${condition.moves}): recall ${number(recall[0])}, precision ${number(precision[0])}`;
    parts.push(drawn("circle", { class: "dot", cx: placeX(low, recall[0]), cy: placeY(low, precision[0]), r: 4 }, drawn("title", {}, note)));
  }
  plane.replaceChildren(plane.querySelector("title"), ...parts);
}
