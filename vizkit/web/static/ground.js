// The ground: what the address asks for, else what the reader chose, else what the system prefers.
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const grounds = ["light", "dark"];
  const known = (name) => (grounds.includes(name) ? name : null);
  const asked = known(new URLSearchParams(location.search).get("ground"));
  const kept = () => { try { return known(localStorage.getItem("vizkit-ground")); } catch { return null; } };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const settle = () => { root.dataset.ground = asked || kept() || (dark.matches ? "dark" : "light"); };
  settle();
  dark.addEventListener("change", settle);
  addEventListener("DOMContentLoaded", () => document.getElementById("ground")?.addEventListener("click", () => {
    root.dataset.ground = root.dataset.ground === "dark" ? "light" : "dark";
    try { localStorage.setItem("vizkit-ground", root.dataset.ground); } catch { /* a page from disk may not keep it */ }
  }));
  // A page that shows this one inside itself says which ground it has.
  addEventListener("message", (event) => {
    if (event.source === parent && known(event.data?.ground)) root.dataset.ground = event.data.ground;
  });
  // Paper is light, and what was chosen comes back afterwards.
  let before = null;
  addEventListener("beforeprint", () => { before = root.dataset.ground; root.dataset.ground = "light"; });
  addEventListener("afterprint", () => { if (before) root.dataset.ground = before; });
})();
