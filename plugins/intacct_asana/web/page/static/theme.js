// Airflow keeps its theme in this browser; the page stands beside it and looks the same.
(function () {
  function take() {
    var said = null;
    try { said = localStorage.getItem("theme"); } catch (_) { /* no storage: the system's theme stays */ }
    if (said === "light" || said === "dark") document.documentElement.dataset.theme = said;
    else delete document.documentElement.dataset.theme;
  }
  take();
  addEventListener("storage", function (event) { if (event.key === "theme") { take(); dispatchEvent(new Event("themed")); } });
})();
