// Moments, probabilities and classes as they are written, and elements of the page.

const byId = (id) => document.getElementById(id);

// Text goes in as text: names of files and of classes may be anything.
function made(name, style = "", text = "") {
  const element = document.createElement(name);
  if (style) element.className = style;
  if (text) element.textContent = text;
  return element;
}

function clock(secs) {
  const tenths = Math.round(10 * secs);
  return `${Math.floor(tenths / 600)}:${(tenths % 600 / 10).toFixed(1).padStart(4, "0")}`;
}

function percent(probability) {
  return `${Math.round(100 * probability)}%`;
}

// The first of a class's synonyms.
function shortName(label) {
  return label.split(",")[0];
}

function capital(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function ranking(head, probabilities, count) {
  return ranked(head, probabilities, count)
    .map(({label, probability}) => `${shortName(label)} ${percent(probability)}`).join(", ");
}

// "dog 62%, street 10%": the first of each head.
function sentence({probabilities}, count) {
  return NETWORK.heads.map((head) => ranking(head, probabilities[head.name], count)).join("; ");
}
