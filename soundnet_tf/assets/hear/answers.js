// The answers in words: what is most probable at a moment, and a table of all moments.

const MOST_PROBABLE = 3; // classes of each head

let told = {}; // the sound and its step that stand there now

// What the step nearest to a moment says, with bars.
function showMoment(heard, secs) {
  const step = heard.nearest(secs), box = byId("now");
  if (told.heard === heard && told.step === step) return; // it is asked for at every frame
  told = {heard, step};
  if (step < 0) {
    byId("moment").textContent = "No answer yet";
    byId("hears").textContent = "";
    box.replaceChildren();
    return;
  }
  const [begin, end] = heard.field(step).map(clock);
  byId("moment").textContent = `Around ${clock(heard.steps[step].secs)}`;
  byId("hears").textContent = `This answer hears ${begin} to ${end}.`;
  box.replaceChildren(...NETWORK.heads.map((head, i) => {
    const list = made("ol", i ? "second" : "");
    list.setAttribute("aria-label", capital(head.name));
    const probabilities = heard.steps[step].probabilities[head.name];
    list.append(...ranked(head, probabilities, MOST_PROBABLE).map(({label, probability}) => {
      const item = made("li"), bar = made("span", "bar");
      bar.style.width = percent(probability);
      item.append(made("span", "name", label), made("span", "number", percent(probability)), bar);
      return item;
    }));
    const column = made("div");
    column.append(made("h4", "", capital(head.name)), list);
    return column;
  }));
}

class Table {
  // `seek(secs)` is called when somebody chooses a line.
  constructor(root, seek) {
    this.root = root;
    this.seek = seek;
  }

  clear() {
    const names = NETWORK.heads.map((head) => made("th", "", capital(head.name)));
    const line = made("tr");
    line.append(made("th", "", "Time"), ...names);
    for (const cell of line.children) cell.scope = "col";
    this.root.tHead.replaceChildren(line);
    this.root.tBodies[0].replaceChildren();
    this.root.tFoot.replaceChildren();
    this.count = 0;
  }

  // Adds the lines of steps that came since the last call.
  add(heard) {
    for (const {secs, probabilities} of heard.steps.slice(this.count)) {
      const button = made("button", "", clock(secs));
      button.addEventListener("click", () => this.seek(secs));
      this.root.tBodies[0].append(this.line(button, (head) => probabilities[head.name]));
    }
    this.count = heard.steps.length;
  }

  // Below several lines the whole: the mean of all.
  finish(heard) {
    if (heard.steps.length < 2) return;
    this.root.tFoot.append(this.line("all", (head) => heard.overall(head)));
  }

  line(first, probabilitiesOf) {
    const line = made("tr"), time = made("th", "number");
    time.scope = "row";
    time.append(first);
    line.append(time, ...NETWORK.heads.map((head) => (
      made("td", "", ranking(head, probabilitiesOf(head), MOST_PROBABLE)))));
    return line;
  }
}
