// What every page does by itself: send the token, ask before it acts, never send twice, listen to the keyboard.

const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const sentence = (name) => one("#sentences")?.dataset[name] ?? "";

// ---- requests ----

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["x-csrftoken"] = one("meta[name=csrf-token]")?.content ?? "";
});
document.addEventListener("htmx:sendError", () => tell("danger", sentence("noConnection")));
document.addEventListener("htmx:responseError", (event) => {
  const type = event.detail.xhr.getResponseHeader("content-type") ?? "";
  let said = "";
  if (type.includes("json")) {
    try {
      said = JSON.parse(event.detail.xhr.responseText).detail;
    } catch {
      said = ""; // not the problem document it says it is
    }
  }
  tell("danger", said || sentence("failed"));
});

// A form on its way is closed to a second click; the idempotency key in it stays the last word.
const rest = (form) => {
  form.toggleAttribute("data-sending", true);
  all("button:not([type=button])", form).forEach((button) => {
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-sending");
  });
};
const wake = (form) => {
  form.toggleAttribute("data-sending", false);
  all(".is-sending", form).forEach((button) => {
    button.removeAttribute("aria-disabled");
    button.classList.remove("is-sending");
  });
};
// Only the form itself: a field that looks something up by the way does not hold its form up.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches("form[data-form]")) rest(event.target);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target.matches?.("form[data-form]")) wake(event.target);
});
window.addEventListener("pageshow", () => all("form[data-sending]").forEach(wake));

// ---- asking before acting ----

let agreed = null;
const ask = (text) =>
  new Promise((answer) => {
    const dialog = one("#confirm-dialog");
    one("#confirm-text").textContent = text;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    if (form.hasAttribute("data-sending")) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.hasAttribute("data-form") && !form.checkValidity()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      form.reportValidity();
      return;
    }
    const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
    if (question && agreed !== form) {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (await ask(question)) {
        agreed = form;
        form.requestSubmit(event.submitter ?? undefined);
        agreed = null;
      }
      return;
    }
    if (form.hasAttribute("data-form") && form.method !== "dialog" && !form.matches("[hx-post], [hx-get]")) rest(form);
  },
  true,
);
document.addEventListener("htmx:confirm", (event) => {
  const question = event.target.tagName === "FORM" ? null : event.target.dataset?.confirm;
  if (!question) return;
  event.preventDefault();
  ask(question).then((yes) => yes && event.detail.issueRequest(true));
});

// ---- toasts ----

const tell = (level, text) => {
  const toast = document.createElement("div");
  toast.className = `toast show tone-${level}`;
  toast.setAttribute("role", level === "danger" ? "alert" : "status");
  toast.dataset.toast = "";
  const body = document.createElement("div");
  body.className = "toast-body";
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  Object.assign(close, { type: "button", className: "btn-close" });
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", sentence("dismiss"));
  body.append(words, close);
  toast.append(body);
  one("#toasts").append(toast);
  fade(toast);
};
// What went wrong stays until it is dismissed.
const fade = (toast) => {
  if (!toast.classList.contains("tone-danger")) setTimeout(() => toast.remove(), 8000);
};

// ---- look ----

const keep = (key, value) => {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage may be forbidden: the choice then lasts for this page
  }
  document.dispatchEvent(new Event("xinglin:look"));
};
const showChoices = () => {
  const current = (key, otherwise) => {
    try {
      return localStorage.getItem(key) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  for (const [name, otherwise] of [["theme", "auto"], ["density", "roomy"]]) {
    all(`[data-${name}-choice]`).forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset[`${name}Choice`] === current(name, otherwise)));
    });
  }
};
const languageLinks = () =>
  all("[data-language]").forEach((link) => {
    const address = new URL(location.href);
    address.searchParams.set("lang", link.dataset.language);
    link.href = address.pathname + address.search;
  });

// ---- clicks ----

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  const theme = at("[data-theme-choice]");
  const density = at("[data-density-choice]");
  if (theme) keep("theme", theme.dataset.themeChoice), showChoices();
  if (density) keep("density", density.dataset.densityChoice), showChoices();
  if (at("[data-print]")) window.print();
  if (at("[data-help]")) one("#help-dialog").showModal();
  if (at("[data-dismiss]")) at("[data-toast], .alert")?.remove();
  if (at("[data-open]")) one(`#${at("[data-open]").dataset.open}`)?.showModal();
  if (at("[data-close]")) at("dialog")?.close();
  if (event.target.matches("dialog.dialog")) event.target.close();
  if (at("[data-step]")) step(at("[data-step]"));
  if (at("a[data-confirm]")) {
    event.preventDefault();
    const link = at("a[data-confirm]");
    ask(link.dataset.confirm).then((yes) => yes && location.assign(link.href));
  }
  all("details.menu[open]").forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
});

const step = (button) => {
  const input = one("input", button.closest("[data-counter]"));
  if (Number(button.dataset.step) > 0) input.stepUp();
  else input.stepDown();
  input.dispatchEvent(new Event("input", { bubbles: true }));
  input.dispatchEvent(new Event("change", { bubbles: true }));
};

// ---- keyboard ----

let waitsForPlace = false;
const isWriting = (element) => element.matches("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") all("details.menu[open]").forEach((menu) => menu.removeAttribute("open"));
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || one("dialog[open]")) return;
  if (waitsForPlace) {
    waitsForPlace = false;
    one(`[data-place="${CSS.escape(event.key)}"]`)?.click();
    return;
  }
  const act = {
    "/": () => one("[data-search-input]")?.focus(),
    "?": () => one("#help-dialog").showModal(),
    p: () => window.print(),
    g: () => (waitsForPlace = true),
  }[event.key];
  if (act) {
    event.preventDefault();
    act();
    return;
  }
  const keyed = all("[data-key]").find((button) => button.dataset.key === event.key);
  if (keyed) keyed.click();
});

// ---- search with arrows ----

document.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("[data-search]");
  if (!box) return;
  const results = all("[role=option]", box);
  const current = results.findIndex((result) => result.getAttribute("aria-selected") === "true");
  const choose = (index) => {
    results.forEach((result, i) => result.setAttribute("aria-selected", String(i === index)));
    const chosen = results[index];
    if (!chosen) return;
    chosen.id ||= `result-${index}`;
    one("[data-search-input]", box).setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  };
  if (event.key === "ArrowDown" && results.length) choose((current + 1) % results.length);
  else if (event.key === "ArrowUp" && results.length) choose((current - 1 + results.length) % results.length);
  else if (event.key === "Enter" && current >= 0) results[current].click();
  else if (event.key === "Escape") closeResults(box);
  else return;
  event.preventDefault();
});
const closeResults = (box) => {
  const list = one(".search-results", box);
  if (list) list.replaceChildren();
  one("[data-search-input]", box).setAttribute("aria-expanded", "false");
};
document.addEventListener("focusout", (event) => {
  const box = event.target.closest?.("[data-search]");
  if (box && event.relatedTarget && !box.contains(event.relatedTarget)) closeResults(box);
});

// ---- tables on phones: each cell is told the name of its column ----

const nameCells = (table) => {
  const names = all("thead th", table).map((head) => head.textContent.trim());
  all("tbody tr", table).forEach((row) => {
    [...row.cells].forEach((cell, index) => {
      if (!cell.dataset.label && cell.colSpan === 1 && names[index]) cell.dataset.label = names[index];
    });
  });
};

// ---- signature ----

const signature = (pad) => {
  const canvas = one("canvas", pad);
  const field = one("input[type=hidden]", pad);
  const pen = canvas.getContext("2d");
  let last = null;
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
  };
  const clear = () => {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    field.value = "";
  };
  const draw = (event) => {
    if (!last) return;
    const next = place(event);
    Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#1a1a2e" });
    pen.beginPath();
    pen.moveTo(...last);
    pen.lineTo(...next);
    pen.stroke();
    last = next;
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = place(event);
    draw(event);
  });
  canvas.addEventListener("pointermove", draw);
  const lift = () => {
    if (last) field.value = canvas.toDataURL("image/png");
    last = null;
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  one("[data-clear]", pad).addEventListener("click", clear);
};

// ---- each page, and each piece that htmx brings ----

const furnish = (within) => {
  const found = (selector) => [...(within.matches?.(selector) ? [within] : []), ...all(selector, within)];
  found(".table-cards table").forEach(nameCells);
  if (within.closest?.(".table-cards table")) nameCells(within.closest("table"));
  found("[data-signature]:not([data-ready])").forEach((pad) => {
    pad.dataset.ready = "";
    signature(pad);
  });
  found("[data-toast]:not([data-ready])").forEach((toast) => {
    toast.dataset.ready = "";
    fade(toast);
  });
  const results = within.closest?.(".search-results");
  if (results) one("[data-search-input]", results.closest("[data-search]")).setAttribute("aria-expanded", "true");
};
document.addEventListener("htmx:load", (event) => furnish(event.detail.elt));
furnish(document.body);
showChoices();
languageLinks();
