// Series over one time axis, with one cursor through all of them.

const CHART = { width: 600, height: 120, left: 44, right: 8, top: 8, bottom: 18 };

class TimeChart {
  /**
   * `lines` are {name, colour, values}; null values are bridged. With `isStacked` they are areas
   * on top of each other. `unit` follows the numbers; `most` is the top of the axis, if it is known.
   */
  constructor(data, title, lines, { unit = "", most = 0, isStacked = false } = {}) {
    Object.assign(this, { data, title, unit, isStacked });
    this.lines = lines.map((line) => ({ ...line, values: bridged(line.values) }));
    this.most = most || roundUp(Math.max(0, ...this.lines.flatMap((line) => line.values)));
    this.head = element("div", { class: "chart-head" }, element("h3", {}, title));
    this.svg = shape("svg", {
      viewBox: `0 0 ${CHART.width} ${CHART.height}`,
      role: "img",
      "aria-label": `${title}: ${lines.map((line) => line.name).join(", ")}`,
    });
    this.node = element("div", {}, this.head, this.svg);
    this.labels = this.lines.map((line) => {
      const label = element("span", { class: "key", of: `var(--${line.colour})` }, line.name);
      this.head.append(label);
      return label;
    });
    this.drawFrame();
    this.drawLines();
    this.now = shape("line", { class: "now", y1: CHART.top, y2: CHART.height - CHART.bottom });
    this.svg.append(this.now);
  }

  y(value) {
    const room = CHART.height - CHART.top - CHART.bottom;
    return CHART.height - CHART.bottom - (room * value) / this.most;
  }

  drawFrame() {
    for (const share of [0, 0.5, 1]) {
      const y = this.y(share * this.most);
      this.svg.append(
        shape("line", { class: "grid", x1: CHART.left, x2: CHART.width - CHART.right, y1: y, y2: y }),
        shape("text", { x: CHART.left - 6, y: y + 4, "text-anchor": "end" }, `${number(share * this.most)}${share === 1 ? this.unit : ""}` || "0"),
      );
    }
    for (const span of faultSpans(this.data)) {
      const [from, to] = span.map((ms) => timeX(this.data, ms));
      const height = CHART.height - CHART.top - CHART.bottom;
      this.svg.append(shape("rect", { class: "shade", x: from, y: CHART.top, width: Math.max(1, to - from), height }));
    }
    drawTimes(this.svg, this.data, CHART.height);
  }

  drawLines() {
    const under = new Array(this.data.sent.length).fill(0);
    for (const line of this.lines) {
      const of = `var(--${line.colour})`;
      const points = line.values.map((value, bin) => [binX(this.data, bin), this.y(this.isStacked ? under[bin] + value : value)]);
      if (!this.isStacked) {
        this.svg.append(shape("path", { class: "line", of, d: path(points) }));
        continue;
      }
      const base = under.map((value, bin) => [binX(this.data, bin), this.y(value)]).reverse();
      this.svg.append(shape("path", { class: "area", of, d: `${path(points)}${path(base).replace("M", "L")}Z` }));
      line.values.forEach((value, bin) => (under[bin] += value));
    }
  }

  /** Shows the values at an instant. */
  point(bin) {
    const x = binX(this.data, bin);
    this.now.setAttribute("x1", x);
    this.now.setAttribute("x2", x);
    this.lines.forEach((line, i) => {
      this.labels[i].textContent = `${line.name} ${number(line.values[bin] ?? 0)}${this.unit}`;
    });
  }
}

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

function timeX(data, ms, width = CHART.width) {
  return CHART.left + ((width - CHART.left - CHART.right) * Math.min(ms, data.end_ms)) / Math.max(1, data.end_ms);
}

function binX(data, bin, width = CHART.width) {
  return timeX(data, (bin + 0.5) * data.bin_ms, width);
}

/** Returns the bin under a pointer. */
function binAt(data, svg, event, width = CHART.width) {
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * width;
  const share = (x - CHART.left) / (width - CHART.left - CHART.right);
  return Math.min(data.sent.length - 1, Math.max(0, Math.floor((share * data.end_ms) / data.bin_ms)));
}

/** Returns the values with each gap filled by the value before it. */
function bridged(values) {
  let last = values.find((value) => value !== null) ?? 0;
  return values.map((value) => (last = value ?? last));
}

function drawTimes(svg, data, height, width = CHART.width) {
  const steps = 4;
  for (let step = 0; step <= steps; step++) {
    const ms = (data.end_ms * step) / steps;
    const anchor = step === 0 ? "start" : step === steps ? "end" : "middle";
    svg.append(shape("text", { x: timeX(data, ms, width), y: height - 4, "text-anchor": anchor }, clock(ms)));
  }
}

/** Returns the spans in which any fault is on. */
function faultSpans(data) {
  const spans = [];
  const sorted = data.faults.map((fault) => [fault[2], fault[3] ?? data.end_ms]).sort((a, b) => a[0] - b[0]);
  for (const [from, to] of sorted) {
    const last = spans[spans.length - 1];
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  }
  return spans;
}

/** Returns the rows of the timeline: the faults of one name, in as many rows as overlap. */
function faultRows(data) {
  const rows = [];
  for (const fault of data.faults) {
    const row = rows.find((other) => other.name === fault[0] && other.end <= fault[2]);
    const end = fault[3] ?? data.end_ms;
    if (row) {
      row.faults.push(fault);
      row.end = end;
    } else rows.push({ name: fault[0], end, faults: [fault] });
  }
  return rows.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

class FaultChart {
  constructor(data) {
    this.data = data;
    this.width = 2 * CHART.width + 24;
    const rows = faultRows(data);
    const height = rows.length * 18 + 22;
    this.svg = shape("svg", { viewBox: `0 0 ${this.width} ${height}`, role: "img", "aria-label": "Faults over time" });
    this.note = element("span", {}, rows.length ? `${data.faults.length} in all; point at one. Charts are shaded while any is on.` : "");
    this.node = element(
      "div",
      { class: "wide", id: "faults" },
      element("div", { class: "chart-head" }, element("h3", {}, "Faults"), this.note),
      rows.length ? element("div", { class: "faults" }, this.svg) : element("p", { class: "nothing" }, "This run had no faults."),
    );
    rows.forEach((row, place) => this.drawRow(row, place * 18));
    drawTimes(this.svg, data, height, this.width);
    this.now = shape("line", { class: "now", y1: 0, y2: height - 20 });
    this.svg.append(this.now);
  }

  drawRow(row, y) {
    for (const [name, text, from, to] of row.faults) {
      const x = timeX(this.data, from, this.width);
      const width = Math.max(3, timeX(this.data, to ?? this.data.end_ms, this.width) - x);
      const bar = shape("rect", { class: "fault", x, y: y + 2, width, height: 13 });
      const said = `${name}${text ? `: ${text}` : ""}, ${clock(from)} to ${to === null ? "the end" : clock(to)}`;
      bar.append(shape("title", {}, said));
      bar.addEventListener("pointerenter", () => (this.note.textContent = said));
      this.svg.append(bar);
    }
    const first = timeX(this.data, row.faults[0][2], this.width);
    const isRoomy = first > CHART.left + 130;
    const last = row.faults[row.faults.length - 1];
    const after = timeX(this.data, last[3] ?? this.data.end_ms, this.width) + 8;
    const isInside = !isRoomy && after > this.width - 130;
    const x = isRoomy ? first - 6 : isInside ? first + 6 : after;
    const label = shape("text", { x, y: y + 13, "text-anchor": isRoomy ? "end" : "start" }, row.name);
    if (isInside) label.style.fill = "var(--card)";
    this.svg.append(label);
  }

  point(bin) {
    const x = binX(this.data, bin, this.width);
    this.now.setAttribute("x1", x);
    this.now.setAttribute("x2", x);
  }
}
