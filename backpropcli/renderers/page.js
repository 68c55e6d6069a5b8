// The page of `backprop draw -o f.html`: computes the numbers anew when an input changes, and walks through the passes.
// No derivative is known here. The instructions are the program's own rules, written down; this carries them out.
"use strict";
(() => {
const page = JSON.parse(document.getElementById("page").textContent);
const words = page.words;

// Tensors: a shape, and the entries along the last axis first. A number is a tensor without axes.

const tensor = (shape, data) => ({shape, data});
const size = shape => shape.reduce((n, m) => n * m, 1);
const range = n => Array.from({length: n}, (_, i) => i);
const strides = shape => shape.map((_, axis) => size(shape.slice(axis + 1)));
// The places start + i·stride + j·stride + …, for axes given as [stride, steps].
const grid = (start, axes) =>
  axes.reduce((found, [stride, steps]) => found.flatMap(at => steps.map(i => at + i * stride)), [start]);

function broadcast(...shapes) {
  const found = [];
  for (let axis = 1; axis <= Math.max(...shapes.map(s => s.length)); axis++) {
    const lengths = shapes.map(s => s.at(-axis) ?? 1);
    found.unshift(lengths.find(n => n !== 1) ?? 1);
  }
  return found;
}

// For every entry of the shape `to`, the entry of the shape `from` that is stretched there.
function places(from, to) {
  const added = to.length - from.length, steps = strides(from);
  return grid(0, to.map((n, axis) => [axis < added || from[axis - added] === 1 ? 0 : steps[axis - added], range(n)]));
}

const same = (s, t) => s.length === t.length && s.every((n, axis) => n === t[axis]);

function entrywise(f) {
  return (...xs) => {
    if (xs.every(x => !x.shape.length)) return tensor([], [f(...xs.map(x => x.data[0]))]);
    const shape = broadcast(...xs.map(x => x.shape));
    const spread = xs.map(x => same(x.shape, shape) ? x.data : places(x.shape, shape).map(p => x.data[p]));
    return tensor(shape, range(size(shape)).map(at => f(...spread.map(data => data[at]))));
  };
}

// Lists of the entries along the axes, one list for each entry that is left.
function rows(shape, axes) {
  const steps = strides(shape), all = range(shape.length).map(axis => [steps[axis], range(shape[axis])]);
  const inner = grid(0, all.filter((_, axis) => axes.includes(axis)));
  return grid(0, all.filter((_, axis) => !axes.includes(axis))).map(start => inner.map(i => start + i));
}

const axesOf = (rank, axis) => axis === null ? range(rank) : [axis].flat().map(a => (a + rank) % rank);

function reduction(f) {
  return (x, {axis, keepdims}) => {
    const axes = axesOf(x.shape.length, axis);
    const shape = x.shape.flatMap((n, a) => axes.includes(a) ? (keepdims ? [1] : []) : [n]);
    return tensor(shape, rows(x.shape, axes).map(row => f(row.map(p => x.data[p]))));
  };
}

function contraction(times) {
  return (a, b) => {
    const left = a.shape.length === 1 ? [1, ...a.shape] : a.shape;
    const right = b.shape.length === 1 ? [...b.shape, 1] : b.shape;
    const [m, k] = left.slice(-2), n = right.at(-1), data = [];
    const outer = [left.slice(0, -2), right.slice(0, -2)], batch = broadcast(...outer, []);
    const [starts, others] = outer.map(shape => places(shape, batch));
    starts.forEach((start, at) => {
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          let total = 0;
          for (let q = 0; q < k; q++) total += times(a.data[(start * m + i) * k + q], b.data[(others[at] * k + q) * n + j]);
          data.push(total);
        }
      }
    });
    return tensor([...batch, ...(a.shape.length === 1 ? [] : [m]), ...(b.shape.length === 1 ? [] : [n])], data);
  };
}

const outer = times => (a, b) =>
  tensor([a.data.length, b.data.length], a.data.flatMap(x => b.data.map(y => times(x, y))));

function transpose(x, {axes}) {
  const order = axes ? axesOf(x.shape.length, axes) : range(x.shape.length).reverse(), steps = strides(x.shape);
  return tensor(order.map(a => x.shape[a]), grid(0, order.map(a => [steps[a], range(x.shape[a])])).map(p => x.data[p]));
}

// The places of an axis that a slice takes, as in Python.
function taken(n, [start, stop, step]) {
  const by = step ?? 1, found = [];
  const held = (at, low, high) => Math.min(Math.max(at < 0 ? at + n : at, low), high);
  const first = start === null ? (by > 0 ? 0 : n - 1) : by > 0 ? held(start, 0, n) : held(start, -1, n - 1);
  const end = stop === null ? (by > 0 ? n : -1) : by > 0 ? held(stop, 0, n) : held(stop, -1, n - 1);
  for (let at = first; by > 0 ? at < end : at > end; at += by) found.push(at);
  return found;
}

// The shape and the places of the entries that a key takes from a shape.
function chosen(shape, key) {
  const steps = strides(shape), axes = [];
  let start = 0;
  shape.forEach((n, axis) => {
    const item = axis < key.length ? key[axis] : [null, null, null];
    if (typeof item === "number") start += (item < 0 ? item + n : item) * steps[axis];
    else axes.push([steps[axis], taken(n, item)]);
  });
  return [axes.map(([, at]) => at.length), grid(start, axes)];
}

function index(x, {key}) {
  const [shape, at] = chosen(x.shape, key);
  return tensor(shape, at.map(p => x.data[p]));
}

function scatter(x, {key, into}) {
  const [shape, at] = chosen(into, key), data = Array(size(into)).fill(0), from = places(x.shape, shape);
  at.forEach((p, k) => { data[p] = x.data[from[k]]; });
  return tensor(into, data);
}

function concat(...parts) {
  const {axis} = parts.pop(), rank = parts[0].shape.length, at = (axis + rank) % rank;
  const shape = parts[0].shape.map((n, a) => a === at ? parts.reduce((total, x) => total + x.shape[a], 0) : n);
  const steps = strides(shape), data = Array(size(shape));
  let offset = 0;
  for (const x of parts) {
    grid(offset * steps[at], x.shape.map((n, a) => [steps[a], range(n)])).forEach((p, k) => { data[p] = x.data[k]; });
    offset += x.shape[at];
  }
  return tensor(shape, data);
}

function stack(...parts) {
  const {axis} = parts.pop(), rank = parts[0].shape.length + 1, at = (axis + rank) % rank;
  return concat(...parts.map(x => tensor([...x.shape.slice(0, at), 1, ...x.shape.slice(at)], x.data)), {axis: at});
}

const valid = (i, n, least) => Number.isInteger(i) && i >= least && i < n;

function take(x, i) {
  const [n, ...rest] = x.shape, width = size(rest);
  const row = at => valid(at, n, -n) ? x.data.slice((at < 0 ? at + n : at) * width).slice(0, width) : Array(width).fill(NaN);
  return tensor([...i.shape, ...rest], i.data.flatMap(row));
}

function put(x, i, {length}) {
  const rest = x.shape.slice(i.shape.length), width = size(rest), data = Array(length * width).fill(0);
  i.data.forEach((at, k) => {
    const fits = valid(at, length, -length), row = fits ? (at < 0 ? at + length : at) : 0;
    for (let j = 0; length && j < width; j++) data[row * width + j] += fits ? x.data[k * width + j] : NaN;
  });
  return tensor([length, ...rest], data);
}

function cumsum(x, {axis, reverse}) {
  const data = [...x.data];
  for (const row of rows(x.shape, axesOf(x.shape.length, axis))) {
    if (reverse) row.reverse();
    row.forEach((p, k) => { if (k) data[p] += data[row[k - 1]]; });
  }
  return tensor(x.shape, data);
}

function diag(x) {
  const n = x.shape[0], at = range(n).map(i => i * (n + 1));
  if (x.shape.length === 2) return tensor([n], at.map(p => x.data[p]));
  const data = Array(n * n).fill(0);
  at.forEach((p, k) => { data[p] = x.data[k]; });
  return tensor([n, n], data);
}

// Numbers, as IEEE 754 wants them.

function power(x, y) {
  if (y === 2) return x * x;
  return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y);  // which JavaScript calls NaN
}

function powerSlope(x, y) {
  if (y === 0) return 0;
  const h = y - 1, found = y * power(x, h), slope = x < 0 && h === y ? -found : found;
  const rest = Math.abs(y) < 1 ? y - (h + 1) : (y - h) - 1;
  return rest && x && Number.isFinite(slope) ? slope + slope * rest * Math.log(Math.abs(x)) : slope;
}

function rounded(x) {
  const low = Math.floor(x), rest = x - low;
  return rest < 0.5 ? low : rest > 0.5 ? low + 1 : low % 2 ? low + 1 : low;
}

function length(row) {
  const plain = Math.sqrt(row.reduce((total, x) => total + x * x, 0));
  const largest = Math.max(0, ...row.map(Math.abs));
  if ((plain > 1e-140 && plain < Infinity) || !(largest > 0) || largest === Infinity) return plain;
  return largest * Math.sqrt(row.reduce((total, x) => total + (x / largest) ** 2, 0));
}

// local × upstream: 0 where nothing arrives or nothing passes, NaN behind a NaN and for a 0 that is only a limit.
const product = structural => (local, moved, z, x) => {
  if (moved === 0) return 0;
  if (Number.isNaN(z)) return NaN;
  if (local === 0) return structural || Number.isFinite(x) ? 0 : NaN;
  return moved * local;
};

function share(...operands) {
  const {k, first} = operands.pop();
  return entrywise((z, ...xs) => {
    if (Number.isNaN(z)) return NaN;
    if (xs[k] !== z) return 0;
    return first ? Number(xs.indexOf(z) === k) : 1 / xs.filter(x => x === z).length;
  })(...operands);
}

const mul = (x, y) => x * y, guarded = (x, y) => x === 0 || y === 0 ? 0 : x * y;
const largest = (x, y) => Math.max(x, y), smallest = (x, y) => Math.min(x, y);

const onEntries = {
  add: (x, y) => x + y, sub: (x, y) => x - y, mul, div: (x, y) => x / y, neg: x => -x, square: x => x * x,
  pow: power, power_slope: powerSlope,
  power_log: (z, x, y) => x > 0 ? z * Math.log(x) : x === 0 && y >= 0 ? 0 : NaN,
  step: x => x > 0 ? 1 : x <= 0 ? 0 : x, round: rounded,
  max: (...xs) => Math.max(...xs), min: (...xs) => Math.min(...xs),
  where: (condition, x, y) => condition !== 0 ? x : y,
  less: (x, y) => +(x < y), less_equal: (x, y) => +(x <= y), greater: (x, y) => +(x > y),
  greater_equal: (x, y) => +(x >= y), equal: (x, y) => +(x === y), not_equal: (x, y) => +(x !== y),
  logical_not: x => +(x === 0), logical_and: (x, y) => +(x !== 0 && y !== 0),
  logical_or: (x, y) => +(x !== 0 || y !== 0),
  product: product(false), selected: product(true), guarded_mul: guarded,
};
for (const name of ("sqrt cbrt hypot abs sign floor ceil exp expm1 log log2 log10 log1p sin cos tan asin acos atan " +
  "atan2 sinh cosh tanh asinh acosh atanh").split(" ")) onEntries[name] = Math[name];

const kernels = {
  sum: reduction(row => row.reduce((total, x) => total + x, 0)), prod: reduction(row => row.reduce(mul, 1)),
  amax: reduction(row => row.reduce(largest)), amin: reduction(row => row.reduce(smallest)),
  argmax: reduction(row => row.some(Number.isNaN) ? row.findIndex(Number.isNaN) : row.indexOf(row.reduce(largest))),
  norm: reduction(length), cumsum, matmul: contraction(mul), guarded_matmul: contraction(guarded),
  outer: outer(mul), guarded_outer: outer(guarded), transpose, share, index, scatter, concat, stack, take, put, diag,
  reshape: (x, {shape}) => tensor(shape, x.data),
  full: (x, {shape}) => tensor(shape, places(x.shape, shape).map(p => x.data[p])),
  one_hot: (i, {classes}) => tensor([...i.shape, classes],
    i.data.flatMap(at => range(classes).map(c => valid(at, classes, 0) ? +(at === c) : NaN))),
};
for (const [name, f] of Object.entries(onEntries)) kernels[name] = entrywise(f);

const number = x => tensor([], [Number(x)]);

// Carry out the instructions: the number of each, from the values of the inputs.
function compute(point) {
  const found = [];
  const given = new Map(page.inputs.map((input, k) => [input.at, point[k]]));
  page.script.forEach((instruction, at) => {
    if (instruction === null) found.push(given.get(at));
    else if (!Array.isArray(instruction)) found.push(number(instruction));
    else if (instruction[0] === "tensor") found.push(tensor(instruction[1], instruction[2].map(Number)));
    else {
      const [name, ...operands] = instruction;
      found.push(kernels[name](...operands.map(x => typeof x === "number" ? found[x] : x)));
    }
  });
  return found;
}

// How numbers are written.

function figure(x, digits = page.digits) {
  if (Number.isNaN(x)) return "NaN";
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const [exact, power10] = Math.abs(x).toExponential(100).split("e");
  let found = exact.replace(".", ""), exponent = Number(power10);
  const half = /^50*$/.test(found.slice(digits)) && Number(found[digits - 1]) % 2 === 0;  // halves to even
  if (!half) {
    const [near, e] = Math.abs(x).toExponential(digits - 1).split("e");
    [found, exponent] = [near.replace(".", ""), Number(e)];
  }
  const all = found.slice(0, digits), trimmed = text => text.replace(/\.?0*$/, "");
  const sign = x < 0 ? "-" : "";
  if (exponent < -4 || exponent >= digits) {
    const e = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${trimmed(`${all[0]}.${all.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${e}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${all.replace(/0+$/, "")}`;
  return sign + trimmed(`${all.slice(0, exponent + 1)}.${all.slice(exponent + 1)}`);
}

const written = shape => shape.join("×");
const finite = t => t.data.every(Number.isFinite);
const alike = t => t.data.length && t.data.every(x => x === t.data[0]) ? t.data[0] : null;
const printed = text => text.replaceAll("-", "−");

function brackets(shape, pieces, separator = ", ") {
  for (const n of [...shape].reverse()) {
    pieces = n ? range(pieces.length / n).map(k => `[${pieces.slice(k * n, (k + 1) * n).join(separator)}]`) : ["[]"];
  }
  return pieces[0];
}

// In a sentence: a tensor in one line; of a large one the ends.
function inline(t) {
  if (!t.shape.length) return figure(t.data[0]);
  if (t.data.length <= page.most) return brackets(t.shape, t.data.map(x => figure(x)));
  const [a, b, y, z] = [0, 1, -2, -1].map(k => figure(t.data.at(k)));
  return `[${a}, ${b}, …, ${y}, ${z}] (${written(t.shape)})`;
}

// In the table: row by row; of a large one what can be said of it.
function block(t) {
  if (!t.shape.length) return figure(t.data[0]);
  if (t.data.length > page.entries) return summary(t);
  const n = t.shape.at(-1) || 0, texts = t.data.map(x => figure(x)), rank = t.shape.length;
  if (!texts.length) return rank === 1 ? "[]" : `[] (${written(t.shape)})`;
  if (rank === 1) return `[${texts.join(", ")}]`;
  const widths = range(n).map(j => Math.max(...texts.filter((_, k) => k % n === j).map(text => text.length)));
  const padded = texts.map((text, k) => text.padStart(widths[k % n]));
  return range(texts.length / n).map(at => {
    const row = padded.slice(at * n, (at + 1) * n).join(", ");
    let opened = 1, closed = 1, step = 1;
    for (const m of t.shape.slice(0, -1).reverse()) {
      step *= m;
      opened += at % step === 0;
      closed += (at + 1) % step === 0;
    }
    return " ".repeat(rank - opened) + "[".repeat(opened) + row + "]".repeat(closed) + (at + 1 < texts.length / n ? "," : "");
  }).join("\n");
}

function summary(t) {
  const short = Math.min(page.digits, 4), show = x => figure(x, short);
  const known = t.data.filter(x => !Number.isNaN(x)), lines = [`${written(t.shape)} entries`];
  if (known.length) {
    const least = known.reduce(smallest), most = known.reduce(largest);
    const mean = least === most ? least : known.reduce((a, b) => a + b) / known.length;
    const spread = least === most ? 0 : Math.sqrt(known.reduce((a, x) => a + (x - mean) ** 2, 0) / known.length);
    lines.push(`mean ${show(mean)}, std ${show(spread)}`, `from ${show(least)} to ${show(most)}`);
  }
  if (known.length < t.data.length) lines.push(`${t.data.length - known.length} NaN`);
  const n = t.shape.at(-1), ends = row => n > 1 ? `${show(row[0])}, …, ${show(row.at(-1))}` : show(row[0]);
  const first = ends(t.data.slice(0, n)), last = ends(t.data.slice(-n));
  lines.push(t.data.length === n ? `[${first}]` : `[[${first}], …, [${last}]]`);
  return lines.join("\n");
}

const diagonal = text => {
  const lines = text.split("\n");
  if (lines.length === 1 && /^\[[^[]/.test(text)) return `diag(${text.slice(1, -1)})`;
  return `diag(${lines.join("\n     ")})`;
};

// A local gradient in the table, by the structure of its Jacobian.
function local(t, kind, axes) {
  const one = alike(t);
  if (kind === "gradient") return one === null ? block(t) : `${figure(one)} to every entry`;
  if (kind === "reduction") return `${one === null ? block(t) : figure(one)} along ${axes}`;
  const found = one === null ? diagonal(block(t)) : figure(one);
  if (kind === "diagonal") return found;
  return one === 1 ? `sum over ${axes}` : `${found}\nsum over ${axes}`;
}

// On a wire: what there is room for, a line of it.
function brief(t, line) {
  const {shape, data} = t, texts = k => k.map(x => figure(x));
  if (!shape.length) return figure(data[0]);
  if (!data.length) return "[]";
  if (shape.length === 1) {
    const ends = texts(data.length <= 4 ? data : [data[0], data[1], data.at(-1)]);
    return `[${(data.length <= 4 ? ends : [ends[0], ends[1], "…", ends[2]]).join(", ")}]`;
  }
  if (shape.length === 2 && shape[0] <= 3 && shape[1] <= 4) {
    return `[${texts(data.slice(line * shape[1], (line + 1) * shape[1])).join(", ")}]`;
  }
  const known = data.filter(x => !Number.isNaN(x));
  if (!known.length) return "all NaN";
  const least = known.reduce(smallest), most = known.reduce(largest), whole = known.length === data.length;
  return least === most && whole ? `all ${figure(least)}` : `${figure(least)} … ${figure(most)}${whole ? "" : ", some NaN"}`;
}

// Sentences: templates whose holes are numbers of instructions.

let numbers = [];

function filled(hole) {
  if (typeof hole === "string") return hole;
  const [flags, at] = typeof hole !== "number" ? hole : hole < 0 ? ["b", -1 - hole] : ["", hole];
  const t = flags.includes("e") ? number(numbers[at].data[0] ?? NaN) : numbers[at];
  const text = flags.includes("d") ? diagonal(inline(t)) : inline(t);
  return flags.includes("b") && text.startsWith("-") ? `(${text})` : text;
}

// The terms of an equation, those left out that are too long or repeat the one before.
function equation(terms) {
  const found = terms.map(term => {
    const text = [term.f ?? term].flat().map(filled).join("");
    return term.f && text.length > page.limit ? "" : text;
  }).filter(text => text);
  return found.filter((text, k) => text !== found[k - 1]).join(" = ");
}

const every = (slots, x) => slots.every(at => alike(numbers[at]) === x);

// Which case of a template holds at this point.
const pick = {
  way: slots => every(slots, 1) ? "open" : every(slots, 0) ? "closed" : "",
  why: ([at]) => ({0: "not chosen", 1: "chosen"})[numbers[at].data[0]] ?? "tied",
  same: ([at]) => alike(numbers[at]) === null ? "" : "same",
  kink: ([kink, upstream, ...locals]) => {
    const here = numbers[kink].data.some(x => x !== 0) && numbers[upstream].data.some(x => x !== 0);
    return !here ? "" : locals.some(at => numbers[at].data.some(x => Math.abs(x) === Infinity)) ? "steep" : "kink";
  },
};

// Where a value stops being finite.
const lost = ([at, ...operands]) =>
  !finite(numbers[at]) && operands.every(k => finite(numbers[k])) ? [words["note.not-finite"]] : [];

function cases(choice) {
  if (Array.isArray(choice)) return typeof choice[0] === "number" ? lost(choice) : choice;
  return choice.cases[pick[choice.pick](choice.at)] ?? [];
}

const made = (tag, name = "") => Object.assign(document.createElement(tag), {className: name});

function spoken(parent, parts) {
  parent.replaceChildren(...parts.map(part => {
    if (typeof part === "string") return part;
    const math = made("var");
    math.textContent = printed(equation(part.m));
    return math;
  }));
  return parent;
}

function entry(parent, [lines, items, notes], more) {
  const said = (some, name) => some.map(cases).filter(parts => parts.length).map(parts => spoken(made("p", name), parts));
  const list = made("ul");
  for (const item of items) {
    list.append(made("li"));
    list.lastChild.append(...cases(item).map(parts => spoken(made("p"), parts)));
  }
  parent.replaceChildren(parent.firstElementChild, ...said(lines), ...more, ...(items.length ? [list] : []), ...said(notes, "note"));
}

// Which inputs to raise or lower so that the output rises.
function moves() {
  if (!page.moves) return [];
  const {value, seed, of} = page.moves, sorted = {1: [], "-1": [], 0: []}, [output] = numbers[value].data;
  if (!Number.isFinite(output) || !seed) return [];
  for (const [name, at] of of) {
    const sign = Math.sign(numbers[at].data[0] * Math.sign(seed));
    if (Number.isFinite(numbers[at].data[0])) sorted[sign + 0].push(name);
  }
  const math = text => ({m: [text]}), joined = (lists, between) => lists.flatMap((list, k) => k ? [between, ...list] : list);
  const say = (key, fields) => words[key].split(/\{(\w+)\}/).flatMap((text, k) => k % 2 ? fields[text] : text ? [text] : []);
  const told = (key, names) => names.length ? [say(key, {names: joined(names.map(name => [math(name)]), ", ")})] : [];
  const both = [...told("raise.up", sorted[1]), ...told("raise.down", sorted[-1])];
  const fields = {output: [math(page.output)], value: [math(figure(output))], moves: joined(both, words["raise.and"])};
  return [...(both.length ? [say("raise", fields)] : []), ...told("still", sorted[0])].map(parts => spoken(made("p"), parts));
}

// The page.

const one = selector => document.querySelector(selector), all = selector => [...document.querySelectorAll(selector)];
const steps = all("#steps > li"), last = steps.length - 1;
const start = page.inputs.map(input => tensor(input.shape, input.start.map(Number)));
const first = new Map((page.first ?? []).map(([at, shape, ...data]) => [at, tensor(shape, data.map(Number))]));
let point = start.map(t => tensor(t.shape, [...t.data])), now = last, playing = 0;

const total = slots => slots.map(at => numbers[at]).reduce((x, y) => kernels.add(x, y));
const slotsOf = element => element.dataset.s.split(" ").map(Number);

function showNumbers() {
  for (const text of all("text[data-s]")) {
    const said = printed(brief(total(slotsOf(text)), Number(text.dataset.line ?? 0)));
    text.textContent = said;
    text.setAttribute("font-size", 13 * Math.min(1, Number(text.dataset.room ?? page.digits + 3) / said.length));
  }
  for (const cell of all("td[data-s], output[data-s]")) {
    const t = numbers[slotsOf(cell)[0]], kind = cell.dataset.kind;
    cell.textContent = printed(kind ? local(t, kind, cell.dataset.axes) : block(t));
    cell.title = t.data.length === 1 ? String(t.data[0]) : "";  // every digit, on hover
  }
  page.steps.forEach((step, k) => entry(steps[k], step, k === last ? moves() : []));
}

function recompute() {
  if (!page.script) return;
  numbers = compute(point);
  // At the point that the page was made for, its numbers are Python's to the last digit.
  const moved = point.some((t, k) => t.data.some((x, at) => !Object.is(x, start[k].data[at])));
  if (!moved) first.forEach((t, at) => { numbers[at] = t; });
  one("#notes")?.toggleAttribute("hidden", moved);
  one("#reset")?.toggleAttribute("disabled", !moved);
  showNumbers();
}

function show(step, quiet = false) {
  now = Math.max(0, Math.min(last, step));
  steps.forEach((item, k) => item.classList.toggle("now", k === now));
  for (const element of all("[data-at]")) element.classList.toggle("later", Number(element.dataset.at) > now);
  const {node = -1, gate = -1} = steps[now].dataset, back = "back" in steps[now].dataset;
  for (const row of all("tr[data-node]")) row.classList.toggle("here", row.dataset.node === node);
  for (const part of all("[data-gate], [data-source], [data-target]")) {
    const {gate: own, source, target} = part.dataset;
    part.classList.toggle("here", [own, source, target].includes(gate));
    part.classList.toggle("back", back);
  }
  one("#place").textContent = now === last ? "all steps done" : now ? `step ${now} of ${last - 1}` : "the inputs";
  one("#scrub").value = now;
  one("#scrub").setAttribute("aria-valuetext", one("#place").textContent);
  for (const [id, off] of [["first", !now], ["back", !now], ["next", now === last], ["last", now === last]]) {
    one(`#${id}`).disabled = off;
  }
  if (!quiet) {
    one("#said").textContent = [...steps[now].querySelectorAll("h3, p")].map(p => p.textContent).join(" ");
    follow(matchMedia("(prefers-reduced-motion: reduce)").matches);
  }
}

// Keep the gate in sight where the drawing is wider than the screen.
function follow(calm) {
  const view = one("#circuit"), gate = one("[data-gate].here");
  if (!gate || view.scrollWidth <= view.clientWidth) return;
  const [box, own] = [view.getBoundingClientRect(), gate.getBoundingClientRect()];
  view.scrollBy({left: own.left + own.width / 2 - box.left - box.width / 2, behavior: calm ? "instant" : "smooth"});
}

const PLAY = one("#play path").getAttribute("d"), PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";

function labelled(label, icon) {
  one("#play").title = `${label} (space)`;
  one("#play path").setAttribute("d", icon);
}

function stop() {
  clearInterval(playing);
  playing = 0;
  labelled("Play", PLAY);
}

function go(step) {
  show(step);
  keep();
  if (playing && now === last) stop();
}

function play() {
  if (playing) return stop();
  if (now === last) go(0);
  playing = setInterval(() => go(now + 1), 1800);
  labelled("Pause", PAUSE);
}

// The point and the step are kept in the fragment of the address.

const live = page.inputs.filter(input => input.fields);

function keep() {
  const fragment = new URLSearchParams();
  if (page.inputs.some((_, k) => point[k].data.some((x, at) => !Object.is(x, start[k].data[at])))) {
    for (const input of live) fragment.set(input.name, point[page.inputs.indexOf(input)].data.join(","));
  }
  if (now !== last) fragment.set(page.key, now);
  const text = fragment.toString().replaceAll("%2C", ",");
  try {
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  } catch { /* a browser that allows no change of the address of a file */ }
}

const PLAIN = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const parsed = text => PLAIN.test(text.trim()) && Number.isFinite(Number(text)) ? Number(text) : null;

function restore() {
  let fragment = new URLSearchParams();
  try { fragment = new URLSearchParams(location.hash.slice(1)); } catch { /* as if there were none */ }
  point = start.map(t => tensor(t.shape, [...t.data]));
  for (const input of live) {
    const k = page.inputs.indexOf(input), found = (fragment.get(input.name) ?? "").split(",").map(parsed);
    if (found.length === point[k].data.length && !found.includes(null)) point[k].data = found;
  }
  const step = fragment.get(page.key) ?? "";
  fields();
  recompute();
  show(/^\d{1,9}$/.test(step) && Number(step) <= last ? Number(step) : last, true);
  follow(true);
}

function fields() {
  for (const field of all("[data-input]")) {
    const {input, entry: at} = field.dataset, x = point[input].data[at];
    field.value = Number.isFinite(x) ? String(x) : "";
    field.removeAttribute("aria-invalid");
  }
}

function changed(event) {
  const field = event.target, {input, entry: at} = field.dataset;
  if (input === undefined) return;
  const x = parsed(field.value);
  field.toggleAttribute("aria-invalid", x === null);
  if (x === null) return field.setAttribute("aria-invalid", "true");
  point[input].data[at] = x;
  for (const other of all(`[data-input="${input}"][data-entry="${at}"]`)) {
    if (other !== field) other.value = String(x);
    other.removeAttribute("aria-invalid");
  }
  recompute();
  show(now, true);
  keep();
  one("#said").textContent = one("#answer").textContent;
}

const actions = {
  first: () => go(0), back: () => go(now - 1), next: () => go(now + 1), last: () => go(last), play,
  reset: () => {
    point = start.map(t => tensor(t.shape, [...t.data]));
    fields();
    recompute();
    show(now, true);
    keep();
  },
};
for (const [id, action] of Object.entries(actions)) {
  one(`#${id}`)?.addEventListener("click", () => {
    if (id !== "play" && id !== "reset") stop();
    action();
  });
}
one("#scrub").addEventListener("input", event => { stop(); go(Number(event.target.value)); });
document.addEventListener("input", changed);
document.addEventListener("keydown", event => {
  const key = {ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play"}[event.key];
  const busy = event.target.matches("input, .wide:focus") || (event.key === " " && event.target.matches("button"));
  if (!key || busy || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (key !== "play") stop();
  actions[key]();
});
let touch = null;
one("#walk").addEventListener("touchstart", event => { touch = event.changedTouches[0]; }, {passive: true});
one("#walk").addEventListener("touchend", event => {
  const end = event.changedTouches[0], dx = end.clientX - touch.clientX, dy = end.clientY - touch.clientY;
  if (event.target.matches("input") || Math.abs(dx) < 40 || Math.abs(dx) < 2 * Math.abs(dy)) return;
  stop();
  go(now + (dx < 0 ? 1 : -1));
});
addEventListener("hashchange", restore);
for (const element of all("[data-live]")) element.hidden = false;
const drawing = one(".backprop");
drawing.style.minWidth = `${0.8 * drawing.getAttribute("width")}px`;  // smaller, it could not be read
for (const cells of all(".cells")) cells.style.gridTemplateColumns = `repeat(${Math.min(cells.dataset.across, 8)}, 1fr)`;
document.documentElement.classList.add("live");
restore();
// For the console, and for tests: every number of an instruction, and the names of the kernels.
window.backprop = {number: at => numbers[at], kernels: Object.keys(kernels), figure};
})();
