"use strict";

// The theme button: what the system asks for, until it is pressed.
const themeButton = document.getElementById("theme");
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : systemDark.matches;
}
function nameTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`);
}
themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameTheme();
});
systemDark.addEventListener("change", nameTheme);
nameTheme();

// The item browser: without this script it is a plain list.
for (const browser of document.querySelectorAll("figure.items")) {
  const items = [...browser.querySelectorAll(":scope > ol > li")];
  if (items.length < 2) continue;
  const bar = browser.querySelector(".browser-bar");
  const position = bar.querySelector(".position");
  const search = bar.querySelector("input");
  const back = bar.querySelector(".previous");
  const on = bar.querySelector(".next");
  let found = items;
  let at = 0;

  const show = () => {
    for (const item of items) item.classList.toggle("current", item === found[at]);
    const of = found.length === items.length ? "" : ` found of ${items.length}`;
    position.textContent = found.length ? `${at + 1} / ${found.length}${of}` : "nothing found";
    back.disabled = at <= 0;
    on.disabled = at >= found.length - 1;
  };
  const step = (by) => {
    const next = at + by;
    if (next < 0 || next >= found.length) return;
    at = next;
    show();
  };

  back.addEventListener("click", () => step(-1));
  on.addEventListener("click", () => step(1));
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    found = items.filter((item) => item.textContent.toLowerCase().includes(wanted));
    at = 0;
    show();
  });
  browser.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target === search && search.value) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else return;
    event.preventDefault();
  });
  browser.tabIndex = 0;
  browser.setAttribute("role", "group");
  browser.setAttribute("aria-label", "Items; left and right arrow keys turn the page");
  browser.classList.add("ready");
  bar.hidden = false;
  show();
}
