// The data of the page, decoded once, and how nodes are made: text goes in as text nodes, so no name can become markup.

const byId = (id) => document.getElementById(id);
const page = JSON.parse(byId("data").textContent);
const [gridHeight, gridWidth] = page.grid;
const [height, width] = page.size;
const nCells = gridHeight * gridWidth;
const nLabels = page.ids.length;

function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let n = 0; n < letters.length; n += 1) bytes[n] = letters.charCodeAt(n);
  return bytes;
}

// The number that each of the 65536 patterns of a 16-bit float stands for.
const HALVES = new Float32Array(65536);
for (let bits = 0; bits < 65536; bits += 1) {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  HALVES[bits] = bits >> 15 ? -size : size;
}

function halves(text) {
  const patterns = new Uint16Array(bytesOf(text).buffer);
  const values = new Float32Array(patterns.length);
  for (let n = 0; n < patterns.length; n += 1) values[n] = HALVES[patterns[n]];
  return values;
}

const singles = (text) => new Float32Array(bytesOf(text).buffer);

const query = halves(page.query);
const references = page.references.map((reference) => ({
  ...reference,
  embedding: halves(reference.embedding),
  labels: singles(reference.labels),
  degrees: reference.degrees && singles(reference.degrees),
  title: `t−${page.t - reference.t}`,
}));
const plasma = bytesOf(page.plasma);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

// What a number is exactly stands in data-value.
function exactly(node, value, text) {
  node.dataset.value = String(value);
  node.textContent = text;
  return node;
}

const nameOf = (column) => (page.ids[column] ? `object ${page.ids[column]}` : "background");
const colourOf = (column) => (page.ids[column] ? page.colours[column] : "#8b919c");

function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "< 0.1 %";
  const digits = value > 0 && (value < 1 || (value >= 99.5 && value < 99.95)) ? 1 : 0;
  return `${value.toFixed(digits)} %`;
}

// Three digits, and a power of ten where they alone would be long or nothing.
function spell(value) {
  if (value === 0) return "0";
  const power = Math.floor(Math.log10(Math.abs(value)));
  if (power >= -3 && power < 5) return value.toFixed(power < 2 ? 3 : 0).replace("-", "−");
  const raised = String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  return `${(value / 10 ** power).toFixed(1)}·10${raised}`.replace("-", "−");
}

// A cell and a pixel lie on each other as the library has it.
const cellOf = (pixel) => [Math.trunc(((pixel[0] + 0.5) * gridHeight) / height), Math.trunc(((pixel[1] + 0.5) * gridWidth) / width)];
const middleOf = (row, column) => [Math.trunc(((row + 0.5) * height) / gridHeight), Math.trunc(((column + 0.5) * width) / gridWidth)];
