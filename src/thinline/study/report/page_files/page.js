/* Shared by all parts of the page: the data, numbers as text, elements. */
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.remove("no-js");

/** `value` as in the tables: .812, and - where it is missing. */
function number(value, digits = 3) {
  if (value === null || value === undefined) return "-";
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace(/^(-?)0\./, "$1.");
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

/** The value `[mean, low, high, seeds]` of a condition, null where there is none. */
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
