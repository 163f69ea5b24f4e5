/* The weight dial: it stops at weights that were measured; nothing lies between two stops. */
if (data.dial) {
  const { stops, controls, heads, head_varies: headVaries } = data.dial;
  const parts = byId("dial-parts");
  const range = byId("dial-range");
  const curve = byId("dial-class");
  const keys = ["test/f1", "tuned/f1", "test/precision", "test/recall"].filter((key) => key in measureOf);
  const box = { left: 40, right: 450, top: 12, bottom: 196 };
  const places = [...stops, ...controls.map((level) => ({ level, name: level, control: true }))];
  const broad = 2.1; // a control is no weight: it stands aside, and its name is long
  const step = (box.right - box.left) / (stops.length + broad * controls.length);

  const find = (level, head, others) => conditionWith({ ...others, class_weight: level, ...(headVaries ? { head } : {}) });
  const placeOf = (n) => box.left + step * (n < stops.length ? n + 0.5 : stops.length + broad * (n - stops.length + 0.5));

  /** The lower end of the axis: below all F1 and intervals of all heads, in tenths. */
  function lowerEnd(others) {
    const ends = heads.flatMap((head) => places.map((it) => valueOf(find(it.level, head, others), "test/f1", curve.value)))
      .filter((value) => value).map((value) => value[1] ?? value[0]);
    return Math.max(0, Math.floor(10 * (Math.min(0.9, ...ends) - 0.03)) / 10);
  }

  /** F1 at every stop as dots with intervals, without a line, which would say something about weights not run. */
  function drawStops(svg, head, others, chosen) {
    const low = lowerEnd(others);
    const heightOf = (share) => box.bottom - ((box.bottom - box.top) * (Math.min(1, share) - low)) / (1 - low);
    const made = [];
    for (let n = Math.round(10 * low); n <= 10; n += low < 0.5 ? 2 : 1) {
      made.push(drawn("path", { class: "equal", d: `M${box.left} ${heightOf(n / 10)}H${box.right}` }));
      made.push(drawn("text", { x: box.left - 6, y: heightOf(n / 10) + 4.5, "text-anchor": "end" }, number(n / 10, 1)));
    }
    const width = Math.min(40, step);
    made.push(drawn("rect", { class: "here", x: placeOf(chosen) - width / 2, width, y: box.top, height: box.bottom - box.top }));
    places.forEach((it, n) => {
      it.name.split("_").forEach((word, row) => {
        made.push(drawn("text", { x: placeOf(n), y: box.bottom + 18 + 15 * row, "text-anchor": "middle", class: it.control ? "faint" : "" }, word));
      });
      const value = valueOf(find(it.level, head, others), "test/f1", curve.value);
      if (!value) return;
      const [x, y] = [placeOf(n), heightOf(value[0])];
      if (value[1] !== null) made.push(drawn("path", { class: "whiskers", d: `M${x} ${heightOf(value[1])}V${heightOf(value[2])}` }));
      made.push(it.control
        ? drawn("rect", { class: "control", x: x - 5, y: y - 5, width: 10, height: 10, "data-value": value[0] })
        : drawn("circle", { class: n === chosen ? "point chosen" : "point", cx: x, cy: y, r: 5.5, "data-value": value[0] }));
    });
    made.push(drawn("text", { x: box.left, y: box.bottom + 54 }, controls.length ? "F1 by weight measured; squares: controls without one" : "F1 by weight measured"));
    svg.replaceChildren(...made);
    const told = places.map((it) => [it.name, valueOf(find(it.level, head, others), "test/f1", curve.value)]);
    svg.setAttribute("aria-label", `F1 by weight, ${head}: ${told.map(([name, value]) => `${name} ${value ? number(value[0]) : "not run"}`).join(", ")}`);
  }

  function show() {
    const chosen = Number(range.value);
    const others = chosenSettings(parts);
    byId("dial-output").textContent = stops[chosen].name;
    range.setAttribute("aria-valuetext", stops[chosen].name);
    const told = [];
    for (const panel of all("[data-head]", parts)) {
      const head = heads.find((it) => it === panel.dataset.head);
      const condition = find(stops[chosen].level, head, others);
      drawBars(panel.querySelector(".bars"), condition, keys, curve.value);
      drawStops(panel.querySelector(".stops"), head, others, chosen);
      const value = valueOf(condition, "test/f1", curve.value);
      told.push(`${head}: F1 ${value ? `${number(value[0])} ${span(value)}` : "not run"}`);
    }
    byId("dial-status").textContent = told.join("; ");
  }

  range.addEventListener("input", show);
  for (const it of all("select", parts)) it.addEventListener("change", show);
  show();
}
