/* What all parts of the page share: the data, numbers as text, elements, and the bars of a condition. */
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.remove("no-js");

/** `value` in so many digits, as in the tables: .812, a true minus, an en dash for nothing. */
function number(value, digits = 3) {
  if (value === null || value === undefined) return "–";
  const text = Math.abs(value).toFixed(digits);
  const sign = value < 0 && Number(text) !== 0 ? "−" : "";
  return sign + (text.includes(".") ? text.replace(/^0/, "") : text);
}

/** `[low, high]` of a value `[mean, low, high, seeds]`, empty where there is no interval. */
function span([, low, high], digits = 3) {
  return low === null || high === null ? "" : `[${number(low, digits)}, ${number(high, digits)}]`;
}

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const measureOf = Object.fromEntries(data.measures.map((it) => [it.key, it]));

/** What was measured: `[mean, low, high, seeds]` of a condition, null where there is nothing. */
function valueOf(condition, key, curve) {
  const of = condition && data.values[curve] && data.values[curve][key];
  const value = of && of[condition.label];
  return value && value[0] !== null ? value : null;
}

/** The condition with exactly these settings, among those named in `wanted`; undefined where none was run. */
function conditionWith(wanted) {
  return data.board.conditions.find((it) =>
    Object.entries(wanted).every(([name, level]) => it.settings[name] === level));
}

/** Values of the selects with `data-setting` below `root` that are shown, by setting. */
function chosenSettings(root) {
  const shown = all("select[data-setting]", root).filter((it) => !it.closest("[hidden]"));
  return Object.fromEntries(shown.map((it) => [it.dataset.setting, it.value]));
}

/**
 * Bars of shares from 0 to 1 into `box`: for each key its name, a bar to the mean with its interval, and the numbers.
 * `floors` are thresholds by key, `before` values to compare with.
 */
function drawBars(box, condition, keys, curve, { floors = {}, before = null } = {}) {
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
    if (key in floors) add("floor", at(floors[key]));
    const row = element("div", { class: value ? "bar" : "bar nothing", "data-key": key },
      element("span", { class: "name" }, measureOf[key] ? measureOf[key].name : key), track,
      element("span", { class: "numbers" }, element("b", {}, value ? number(value[0]) : condition ? "no value" : "not run"), " ",
        element("small", {}, value ? span(value) : "")));
    if (value) row.dataset.value = value[0];
    return row;
  }));
}
