/* The frontier board: toggles and selects choose a condition, whose measured values are drawn. */

/** Bars from 0 to 1 into `box`, one for each key: mean, interval, threshold in `bounds`, and the value of `before`. */
function drawBars(box, condition, keys, curve, bounds, before) {
  box.replaceChildren(...keys.map((key) => {
    const value = valueOf(condition, key, curve);
    const track = element("span", { class: "track", "aria-hidden": "true" });
    const at = (share) => `${100 * Math.min(1, Math.max(0, share))}%`;
    const add = (name, left, width) => {
      const part = element("span", { class: name });
      part.style.left = left;
      if (width !== undefined) part.style.width = width;
      track.append(part);
    };
    if (value) {
      add("fill", "0%", at(value[0]));
      if (value[1] !== null) add("whisker", at(value[1]), `${100 * (Math.min(1, value[2]) - Math.max(0, value[1]))}%`);
    }
    const old = before && valueOf(before, key, curve);
    if (old) add("before", at(old[0]));
    if (key in bounds) add("bound", at(bounds[key]));
    const row = element("div", { class: value ? "bar" : "bar nothing", "data-key": key },
      element("span", { class: "name" }, measureOf[key] ? measureOf[key].name : key), track,
      element("span", { class: "numbers" }, element("b", {}, value ? number(value[0]) : condition ? "no value" : "not run"), " ",
        element("small", {}, value ? span(value) : "")));
    if (value) row.dataset.value = value[0];
    return row;
  }));
}

{
  const panes = byId("board-panes");
  const plane = byId("board-plane");
  const status = byId("board-status");
  const families = all("[data-family]", panes);
  const curve = byId("board-class");
  const keys = ["test/recall", "test/precision", "test/iou"];
  const axes = { recall: "test/recall", precision: "test/precision", iou: "test/iou" };
  const bounds = Object.fromEntries(Object.entries(data.usable).map(([axis, bound]) => [axes[axis] || axis, bound]));
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

  /** Whether a condition is in the usable area of a curve: by intervals as in the verdicts, by means without them; "" without values. */
  function reaches(condition, of) {
    const found = Object.entries(bounds).map(([key, bound]) => [valueOf(condition, key, of), bound]);
    if (found.some(([value]) => !value)) return "";
    const mean = found.every(([value, bound]) => value[0] >= bound) ? "inside" : "outside";
    if (found.some(([value]) => value[1] === null)) return `${mean} by its means`;
    if (found.some(([value, bound]) => value[2] < bound)) return "outside";
    if (found.every(([value, bound]) => value[1] >= bound)) return "inside";
    return `undecided (${mean} by its means, an interval crosses the border)`;
  }

  function describe(condition, wanted) {
    if (!condition) {
      status.replaceChildren(element("b", {}, "Not run: "), Object.values(wanted).join(", "), ". There is no value to show.");
      return;
    }
    const areas = data.classes.map((it) => [it.title, reaches(condition, it.name)]).filter(([, is]) => is);
    const usable = areas.map(([name, is]) => `${name} is ${is}`).join(", ");
    const seeds = Math.max(0, ...data.classes.map((it) => (valueOf(condition, keys[0], it.name) || [])[3] || 0));
    const shown = data.classes.find((it) => it.name === curve.value).title;
    const lacking = valueOf(condition, keys[0], curve.value) ? "" : ` It has no value of ${shown}.`;
    const [name, more] = families.length ? [condition.moves, ` (${condition.label})`] : [condition.label, ""];
    status.replaceChildren(element("b", {}, name), `${more}, ${seeds} seed${seeds === 1 ? "" : "s"}. `,
      usable ? `Usable area: ${usable}.` : "Not all three axes were measured.", lacking);
  }

  function show() {
    const chosen = all("select[data-setting]", panes).filter((it) => !it.closest("[hidden]"));
    const wanted = Object.fromEntries(chosen.map((it) => [it.dataset.setting, it.value]));
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
    drawBars(byId("board-bars"), condition, keys, curve.value, bounds, base !== condition ? base : null);
    describe(condition, wanted);
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
