// Colours, as the theme of the moment has them.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Returns a function from 0…1 to a colour between the theme's low, middle and high. */
function ramp() {
  const stops = ["low", "middle", "high"].map((name) => channels(colour(name)));
  return (share) => {
    const place = Math.min(1, Math.max(0, share)) * 2;
    const [from, to] = place < 1 ? [stops[0], stops[1]] : [stops[1], stops[2]];
    const mixed = from.map((value, i) => Math.round(value + (to[i] - value) * (place % 1 || (place === 2 ? 1 : 0))));
    return `rgb(${mixed.join(" ")})`;
  };
}

function switchTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
}
