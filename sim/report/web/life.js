// What one agent went through: numbers, how its time was spent, and line by line.

const ABOUT = { power: "c3", error: "bad", app: "c2", kernel: "c4", sleep: "link", radio: "radio", sent: "c0" };
const SHARES = [["dark", "no power"], ["asleep", "asleep"], ["radio", "radio on"], ["awake", "awake, radio off"]];

/** Returns how an agent spent a bin, in percent that add up to 100. */
function spent(agent, bin) {
  const dark = agent.dark[bin];
  const asleep = Math.min(100 - dark, agent.asleep[bin]);
  const radio = Math.min(100 - dark - asleep, agent.radio[bin]);
  return { dark, asleep, radio, awake: 100 - dark - asleep - radio };
}

/** Returns how a battery ended, and what went in and out of it. */
function supplied(supply) {
  return [
    ["battery", `${number(supply.charge_permille / 10)} %`],
    ["its voltage", `${whole.format(supply.millivolts)} mV`],
    ["taken from it", `${whole.format(supply.used_uah)} µAh`],
    ["from the sun", `${whole.format(supply.won_uah)} µAh`],
    ["brown-outs", whole.format(supply.brown_outs)],
  ];
}

class LifePanel {
  constructor(data) {
    this.data = data;
    this.node = byId("life");
    this.hidden = new Set();
    this.bin = 0;
    this.show(-1);
  }

  show(index) {
    this.index = index;
    if (index < 0) {
      this.node.replaceChildren(
        element("h2", { id: "life-title" }, "An agent's life"),
        element("p", { class: "nothing" }, "Choose an agent on the map or in the table."),
      );
      this.charts = [];
      return;
    }
    const agent = this.data.agents[index];
    this.node.classList.toggle("supplied", Boolean(agent.supply));
    const lines = SHARES.map(([key, name]) => ({ name, colour: key, values: this.data.sent.map((_, bin) => spent(agent, bin)[key]) }));
    this.charts = [new TimeChart(this.data, "Its time", lines, { unit: " %", most: 100, isStacked: true })];
    if (agent.supply) this.charts.push(new TimeChart(this.data, "Its battery", [{ name: "charge", colour: "c2", values: agent.charge }], { unit: " %", most: 100 }));
    this.lines = element("ol", { id: "lines" });
    this.node.replaceChildren(
      element("h2", { id: "life-title" }, agent.name),
      this.numbers(agent),
      this.state(agent),
      ...this.charts.map((chart) => chart.node),
      this.filters(agent),
      this.lines,
    );
    this.fill();
    this.point(this.bin);
  }

  numbers(agent) {
    const end = Math.max(1, this.data.end_ms);
    const rows = [
      ["asleep", `${number((100 * agent.asleep_ms) / end)} %`],
      ["radio on", `${number((100 * agent.radio_ms) / end)} %`],
      ["on the air", `${number(agent.air.air_us / 1000)} ms`],
      ["frames sent", `${whole.format(agent.air.frames)}${agent.air.retries ? ` + ${agent.air.retries} again` : ""}`],
      ["frames heard", whole.format(agent.heard)],
      ["neighbours", `${agent.neighbours} of ${agent.in_reach}`],
      ["wakes", whole.format(agent.wakes)],
      ["not heard", `${whole.format(agent.unheard)} asleep`],
      ["errors", whole.format(agent.errors)],
    ];
    if (this.data.has_energy) rows.unshift(["energy", `${whole.format(agent.used_uah)} µAh`]);
    if (agent.supply) rows.push(...supplied(agent.supply));
    return element("dl", { class: "numbers" }, ...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
  }

  state(agent) {
    const text = Object.entries(agent.state).map(([key, value]) => `${key} = ${value}`).join("   ");
    return element("div", { class: "state" }, text || "It keeps no state.");
  }

  filters(agent) {
    const kinds = Object.keys(ABOUT).filter((about) => agent.lines.some((line) => line[1] === about));
    return element("div", { id: "filters" }, ...kinds.map((about) =>
      element("button", { type: "button", "aria-pressed": String(!this.hidden.has(about)), onclick: (event) => this.toggle(about, event.target) }, about)));
  }

  toggle(about, button) {
    if (!this.hidden.delete(about)) this.hidden.add(about);
    button.setAttribute("aria-pressed", String(!this.hidden.has(about)));
    this.fill();
    this.point(this.bin);
  }

  fill() {
    const agent = this.data.agents[this.index];
    const left = agent.lines_total - agent.lines.length;
    const rows = agent.lines
      .filter((line) => !this.hidden.has(line[1]))
      .map(([ms, about, text]) => {
        const row = element("li", {}, element("time", {}, clock(ms, true)), element("i", { of: `var(--${ABOUT[about]})`, title: about }), element("span", {}, text));
        row.at_ms = ms;
        return row;
      });
    if (left > 0) rows.unshift(element("li", {}, element("time", {}, ""), element("i", { of: "transparent" }), element("span", {}, `${whole.format(left)} lines from before were not kept`)));
    this.lines.replaceChildren(...rows);
  }

  /** Follows the cursor: what comes later is pale. */
  point(bin) {
    this.bin = bin;
    if (this.index < 0) return;
    for (const chart of this.charts) chart.point(bin);
    const until = (bin + 1) * this.data.bin_ms;
    let last = null;
    for (const row of this.lines.children) {
      const isLater = row.at_ms >= until;
      row.classList.toggle("later", isLater);
      if (!isLater) last = row;
    }
    if (last) this.lines.scrollTop = last.offsetTop - this.lines.offsetTop - this.lines.clientHeight + last.offsetHeight;
  }
}
