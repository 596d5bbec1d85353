// The ground: what the reader chose, else what the system prefers.
(() => {
  const root = document.documentElement;
  const asked = new URLSearchParams(location.search).get("ground");
  const kept = () => { try { return localStorage.getItem("vizkit-ground"); } catch { return null; } };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const settle = () => { root.dataset.ground = asked || kept() || (dark.matches ? "dark" : "light"); };
  settle();
  dark.addEventListener("change", settle);
  document.getElementById("ground")?.addEventListener("click", () => {
    root.dataset.ground = root.dataset.ground === "dark" ? "light" : "dark";
    try { localStorage.setItem("vizkit-ground", root.dataset.ground); } catch { /* a page from disk may not keep it */ }
  });
})();
