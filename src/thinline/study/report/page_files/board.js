/* The frontier board: toggles and selects name a condition, and what was measured with it is shown. */
{
  const panes = byId("board-panes");
  const plane = byId("board-plane");
  const status = byId("board-status");
  const families = all("[data-family]", panes);
  const curve = byId("board-class");
  const keys = ["test/recall", "test/precision", "test/iou"];
  const axes = { recall: "test/recall", precision: "test/precision", iou: "test/iou" };
  const floors = Object.fromEntries(Object.entries(data.usable).map(([axis, floor]) => [axes[axis] || axis, floor]));
  const marker = drawn("g", { id: "board-marker" });
  const start = drawn("circle", { id: "board-start", r: 8, class: "start" });
  const way = drawn("path", { class: "way" });
  const whiskers = drawn("path", { class: "whiskers" });
  marker.append(whiskers, drawn("path", { class: "diamond", d: "M0 -10L10 0L0 10L-10 0Z" }));
  const tag = drawn("text", { class: "tag", y: -14 });
  marker.append(tag);
  let low = 0;

  const isOn = (family) => family.querySelector("button").getAttribute("aria-pressed") === "true";

  /** The condition with nothing switched on and all else as chosen. */
  function startingPoint(settings) {
    const base = { ...settings };
    for (const it of data.board.families) {
      if (settings[it.factor] === undefined || it.on.includes(settings[it.factor])) {
        base[it.factor] = byId(`board-${it.letter}-off`).value;
      }
    }
    return conditionWith(base);
  }

  function redrawPlane() {
    low = lowEnd(curve.value);
    drawPlane(plane, low, curve.value);
    plane.append(way, start, marker);
    Object.assign(plane.dataset, { low, left: PLANE.left, top: PLANE.top, size: PLANE.size });
  }

  /** Put a mark at a condition's recall and precision; hidden where it has none. */
  function put(mark, condition) {
    const recall = valueOf(condition, keys[0], curve.value);
    const precision = valueOf(condition, keys[1], curve.value);
    mark.style.display = recall && precision ? "" : "none";
    delete mark.dataset.recall;
    delete mark.dataset.precision;
    if (!recall || !precision) return null;
    const place = [placeX(low, recall[0]), placeY(low, precision[0])];
    mark.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
    Object.assign(mark.dataset, { recall: recall[0], precision: precision[0] });
    return { place, recall, precision };
  }

  function drawWhiskers(at) {
    const { recall, precision, place } = at;
    const parts = [];
    if (recall[1] !== null) parts.push(`M${placeX(low, recall[1]) - place[0]} 0H${placeX(low, Math.min(1, recall[2])) - place[0]}`);
    if (precision[1] !== null) parts.push(`M0 ${placeY(low, precision[1]) - place[1]}V${placeY(low, Math.min(1, precision[2])) - place[1]}`);
    whiskers.setAttribute("d", parts.join(""));
  }

  /** Where a condition lies of every threshold on a curve, by intervals as verdicts have it, by means where there are none; "" where something was not measured. */
  function reaches(condition, of) {
    const found = Object.entries(floors).map(([key, floor]) => [valueOf(condition, key, of), floor]);
    if (found.some(([value]) => !value)) return "";
    const mean = found.every(([value, floor]) => value[0] >= floor) ? "inside" : "outside";
    if (found.some(([value]) => value[1] === null)) return `${mean} by its means`;
    if (found.some(([value, floor]) => value[2] < floor)) return "outside";
    if (found.every(([value, floor]) => value[1] >= floor)) return "inside";
    return `undecided (${mean} by its means, an interval crosses the border)`;
  }

  function tell(condition, wanted) {
    if (!condition) {
      status.replaceChildren(element("b", {}, "Not run: "), Object.values(wanted).join(", "), ". Nothing is shown, because nothing was measured.");
      return;
    }
    const told = data.classes.map((it) => [it.title, reaches(condition, it.name)]).filter(([, is]) => is);
    const usable = told.map(([name, is]) => `${name} is ${is}`).join(", ");
    const seeds = Math.max(0, ...data.classes.map((it) => (valueOf(condition, keys[0], it.name) || [])[3] || 0));
    const shown = data.classes.find((it) => it.name === curve.value).title;
    const lacking = valueOf(condition, keys[0], curve.value) ? "" : ` It has no value of ${shown}.`;
    const [name, more] = families.length ? [condition.moves, ` (${condition.label})`] : [condition.label, ""];
    status.replaceChildren(element("b", {}, name), `${more}, ${seeds} seed${seeds === 1 ? "" : "s"}. `,
      usable ? `Usable area: ${usable}.` : "Not all three axes were measured.", lacking);
  }

  function show() {
    const wanted = chosenSettings(panes);
    const condition = conditionWith(wanted);
    const base = startingPoint(wanted);
    const at = put(marker, condition);
    const from = put(start, base);
    if (at) {
      drawWhiskers(at);
      tag.textContent = families.length ? condition.moves : "";
      tag.setAttribute("text-anchor", at.place[0] > PLANE.left + 0.8 * PLANE.size ? "end" : "start");
      tag.setAttribute("x", at.place[0] > PLANE.left + 0.8 * PLANE.size ? -8 : 8);
    }
    way.setAttribute("d", at && from ? `M${from.place.join(" ")}L${at.place.join(" ")}` : "");
    marker.dataset.condition = condition ? condition.label : "";
    drawBars(byId("board-bars"), condition, keys, curve.value, { floors, before: base !== condition ? base : null });
    tell(condition, wanted);
  }

  for (const family of families) {
    const button = family.querySelector("button");
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(!isOn(family)));
      for (const side of all("[data-side]", family)) side.hidden = (side.dataset.side === "on") !== isOn(family);
      show();
    });
  }
  for (const it of all("select", panes)) {
    it.addEventListener("change", () => {
      if (it === curve) redrawPlane();
      show();
    });
  }
  redrawPlane();
  show();
}
