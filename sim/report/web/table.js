// All agents as a table, and one figure of theirs in order of size.

const ROWS_MAX = 100;

function columns(data) {
  const end = Math.max(1, data.end_ms);
  const all = [
    ["air time, ms", (agent) => agent.air.air_us / 1000],
    ["asleep, %", (agent) => (100 * agent.asleep_ms) / end],
    ["radio on, %", (agent) => (100 * agent.radio_ms) / end],
    ["frames sent", (agent) => agent.air.frames],
    ["frames heard", (agent) => agent.heard],
    ["not heard", (agent) => agent.unheard],
    ["neighbours", (agent) => agent.neighbours],
    ["errors", (agent) => agent.errors],
  ];
  if (data.has_supply) all.unshift(["battery, %", (agent) => agent.supply.charge_permille / 10]);
  if (data.has_energy) all.unshift(["energy, µAh", (agent) => agent.used_uah]);
  return all.map(([name, value]) => ({ name, value }));
}

class AgentTable {
  constructor(data, choose) {
    this.data = data;
    this.choose = choose;
    this.columns = columns(data);
    this.sorted = this.columns[0];
    this.isRising = false;
    this.chosen = -1;
    byId("find").addEventListener("input", () => this.draw());
    this.draw();
  }

  sortBy(column) {
    this.isRising = this.sorted === column ? !this.isRising : false;
    this.sorted = column;
    this.draw();
  }

  draw() {
    const wanted = byId("find").value.trim().toLowerCase();
    const value = (index) => (this.sorted ? this.sorted.value(this.data.agents[index]) : index);
    const found = this.data.agents.map((_, index) => index).filter((index) => this.data.agents[index].name.includes(wanted));
    found.sort((a, b) => (value(a) - value(b)) * (this.isRising ? 1 : -1) || a - b);
    const all = [{ name: "agent" }, ...this.columns];
    byId("table").tHead.replaceChildren(element("tr", {}, ...all.map((column) => this.heading(column))));
    byId("table").tBodies[0].replaceChildren(...found.slice(0, ROWS_MAX).map((index) => this.row(index)));
    byId("shown").textContent = found.length > ROWS_MAX ? `${ROWS_MAX} of ${whole.format(found.length)} shown` : `${found.length} shown`;
  }

  heading(column) {
    const isSorted = column === this.sorted;
    const button = element("button", { type: "button", onclick: () => column.value && this.sortBy(column) }, column.name);
    return element("th", { scope: "col", "aria-sort": isSorted && (this.isRising ? "ascending" : "descending") }, button);
  }

  row(index) {
    const agent = this.data.agents[index];
    const cells = this.columns.map((column) => element("td", {}, number(column.value(agent))));
    return element("tr", { "data-agent": index, class: index === this.chosen && "chosen", onclick: () => this.choose(index) }, element("td", {}, agent.name), ...cells);
  }

  show(index) {
    this.chosen = index;
    for (const row of byId("table").tBodies[0].rows) {
      row.classList.toggle("chosen", Number(row.dataset.agent) === index);
    }
  }
}

/** One figure of all agents from the least to the most, with percentiles. */
class SpreadChart {
  constructor(data, choose) {
    Object.assign(this, { data, choose, chosen: -1 });
    this.width = 2 * CHART.width + 24;
  }

  show(column) {
    this.column = column;
    const values = this.data.agents.map((agent, index) => [column.value(agent), index]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const most = roundUp(values[values.length - 1][0]);
    const step = (this.width - CHART.left - CHART.right) / values.length;
    const room = CHART.height - CHART.top - CHART.bottom;
    const svg = shape("svg", { viewBox: `0 0 ${this.width} ${CHART.height}`, role: "img", "aria-label": `${column.name} of each agent` });
    for (const share of [0, 0.5, 1]) {
      const y = CHART.height - CHART.bottom - share * room;
      svg.append(shape("line", { class: "grid", x1: CHART.left, x2: this.width - CHART.right, y1: y, y2: y }), shape("text", { x: CHART.left - 6, y: y + 4, "text-anchor": "end" }, number(share * most)));
    }
    this.bars = new Map();
    values.forEach(([value, index], place) => {
      const height = Math.max(1, (room * value) / most);
      const bar = shape("rect", { x: CHART.left + place * step, y: CHART.height - CHART.bottom - height, width: Math.max(0.6, step - (step > 4 ? 1 : 0)), height });
      bar.append(shape("title", {}, `${this.data.agents[index].name}: ${number(value)}`));
      bar.addEventListener("click", () => this.choose(index));
      this.bars.set(index, bar);
      svg.append(bar);
    });
    const at = (percent) => number(values[Math.min(values.length - 1, Math.floor((values.length * percent) / 100))][0]);
    const text = `1 % ${at(1)} · half ${at(50)} · 99 % ${at(99)} · most ${number(values[values.length - 1][0])}`;
    const head = element("div", { class: "chart-head" }, element("h3", {}, `Per agent: ${column.name}`), element("span", {}, text));
    byId("spread").replaceChildren(head, svg);
    this.mark(this.chosen);
  }

  mark(index) {
    this.chosen = index;
    for (const [agent, bar] of this.bars) bar.style.fill = `var(--${agent === index ? "c1" : "middle"})`;
  }
}
