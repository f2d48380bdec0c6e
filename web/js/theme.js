// The dark or light theme: the system's until the user chooses one.

const CHOICE = "streamdiffusion.theme";
const light = matchMedia("(prefers-color-scheme: light)");

const current = () => localStorage.getItem(CHOICE) ?? (light.matches ? "light" : "dark");

function show() {
  document.documentElement.dataset.theme = current();
  const ground = getComputedStyle(document.documentElement).getPropertyValue("--ground");
  document.querySelector('meta[name="theme-color"]').content = ground;
}

export function toggleTheme() {
  localStorage.setItem(CHOICE, current() === "dark" ? "light" : "dark");
  show();
}

export function followTheme() {
  light.addEventListener("change", show);
  show();
}
