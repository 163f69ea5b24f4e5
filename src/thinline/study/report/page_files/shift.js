/* The shift: an answer that is its truth moved to the right; IoU is counted from the cells. */
{
  const range = byId("shift-range");

  /** Cells as truth, answer and both, at a shift; what leaves the grid is gone. */
  function count(rows, shift) {
    const found = { truth: [], answer: [], both: [] };
    rows.forEach((row, y) => {
      [...row].forEach((cell, x) => {
        const truth = cell === "1";
        const answer = x >= shift && row[x - shift] === "1";
        if (truth && answer) found.both.push([x, y]);
        else if (truth) found.truth.push([x, y]);
        else if (answer) found.answer.push([x, y]);
      });
    });
    return found;
  }

  function draw(svg, found, cells) {
    const size = 240 / cells;
    const squares = (places) => places.map(([x, y]) => `M${x * size + 0.75} ${y * size + 0.75}h${size - 1.5}v${size - 1.5}h${1.5 - size}z`).join("");
    const rules = Array.from({ length: cells + 1 }, (_, n) => `M${n * size} 0V240M0 ${n * size}H240`).join("");
    svg.replaceChildren(drawn("path", { class: "ruled", d: rules }),
      ...Object.entries(found).map(([name, places]) => drawn("path", { class: name, d: squares(places) })));
  }

  function show() {
    const shift = Number(range.value);
    byId("shift-output").textContent = shift;
    for (const shape of data.shift.shapes) {
      const figure = document.querySelector(`[data-shape="${shape.name}"]`);
      const found = count(shape.rows, shift);
      const union = found.truth.length + found.answer.length + found.both.length;
      const iou = found.both.length / union;
      const told = figure.querySelector("[data-iou]");
      told.textContent = number(iou);
      told.dataset.value = iou;
      draw(figure.querySelector("svg"), found, shape.rows.length);
    }
  }

  range.addEventListener("input", show);
  show();
}
