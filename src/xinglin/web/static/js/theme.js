// Colours and density before the first paint; this file is the only one that holds up the page.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const kept = (key, otherwise) => {
    try {
      return localStorage.getItem(key) ?? otherwise;
    } catch {
      return otherwise; // storage may be forbidden
    }
  };
  const apply = () => {
    const theme = kept("theme", "auto");
    root.dataset.bsTheme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
    root.dataset.density = kept("density", "roomy");
  };
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  document.addEventListener("xinglin:look", apply);
  apply();
})();
