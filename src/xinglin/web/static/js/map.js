// The map of a day: places and routes in their own coordinates, no outside tiles, letters on every colour.

// Okabe and Ito's colours, told apart by colour-blind eyes; yellow darkened to be seen on a light ground.
const COLOURS = ["#0072b2", "#d55e00", "#007a5a", "#b0588f", "#7a5c00", "#3a7fb5", "#5b4a9e", "#8c2d04"];
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

const make = (tag, className, text) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  return element;
};

// Routes are told apart by a colour and a letter, in the order in which they come.
const dressRoutes = (features) => {
  const routes = new Map();
  for (const feature of features) {
    const id = feature.properties.route;
    if (id === undefined || id === null || id === "" || routes.has(String(id))) continue;
    const place = routes.size;
    routes.set(String(id), {
      colour: COLOURS[place % COLOURS.length],
      letter: place < 26 ? LETTERS[place] : String(place + 1),
      name: feature.properties.route_name ?? String(id),
      dashed: place >= COLOURS.length,
    });
  }
  return routes;
};

const eachPoint = function* (geometry) {
  if (!geometry) return;
  const flat = (coordinates) => (typeof coordinates[0] === "number" ? [coordinates] : coordinates.flatMap(flat));
  yield* flat(geometry.coordinates);
};

const boundsOf = (features) => {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const feature of features) {
    for (const [x, y] of eachPoint(feature.geometry)) {
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
  }
  return Number.isFinite(box[0]) ? box : null;
};

const popupOf = (properties, route) => {
  const body = make("div", "map-popup");
  body.append(make("strong", "", properties.name ?? ""));
  if (route) body.append(make("div", "map-popup-route", `${route.letter} · ${route.name}`));
  if (properties.text) body.append(make("div", "", properties.text));
  if (properties.href) {
    const link = make("a", "", properties.link_text ?? properties.href);
    link.href = properties.href;
    body.append(link);
  }
  return body;
};

const markerOf = (properties, route, words) => {
  const kind = properties.kind ?? "stop";
  const element = make("button", `map-marker map-marker-${kind}`);
  element.type = "button";
  const name = properties.name ?? "";
  element.setAttribute("aria-label", [route && `${words.route} ${route.letter} ${properties.number ?? ""}`, name].filter(Boolean).join(" "));
  if (kind === "township") element.append(make("span", "map-dot"), make("span", "map-label", name));
  else if (kind === "depot") element.append(make("span", "map-depot", "■"), make("span", "map-label", name));
  else if (kind === "left_out") element.append(make("span", "map-cross", "×"));
  else element.append(make("span", "map-number", `${route?.letter ?? ""}${properties.number ?? ""}`));
  if (route) element.style.setProperty("--route", route.colour);
  return element;
};

const drawLegend = (figure, routes, features, words) => {
  const list = figure.querySelector("[data-map-legend]");
  if (!list) return;
  list.replaceChildren();
  for (const route of routes.values()) {
    const item = make("li");
    const sign = make("span", "map-number", route.letter);
    sign.style.setProperty("--route", route.colour);
    item.append(sign, make("span", "", route.name));
    list.append(item);
  }
  const kinds = new Set(features.map((feature) => feature.properties.kind));
  if (kinds.has("depot")) list.append(legendItem("map-depot", "■", words.depot));
  if (kinds.has("left_out")) list.append(legendItem("map-cross", "×", words.leftOut));
};
const legendItem = (className, sign, text) => {
  const item = make("li");
  item.append(make("span", className, sign), make("span", "", text));
  return item;
};

// Without WebGL the same facts as text: nothing is known only to the picture.
const drawList = (figure, features, routes, words) => {
  const box = figure.querySelector("[data-map-list]");
  box.hidden = false;
  box.replaceChildren(make("p", "text-secondary", words.noWebgl));
  const list = make("ol", "map-stops");
  for (const { geometry, properties } of features) {
    if (geometry?.type !== "Point" || properties.kind === "township") continue;
    const route = routes.get(String(properties.route));
    const sign = route ? `${route.letter}${properties.number ?? ""} ` : "";
    list.append(make("li", "", `${sign}${properties.name ?? ""}${properties.text ? ` – ${properties.text}` : ""}`));
  }
  box.append(list);
  figure.querySelector(".map-canvas").hidden = true;
};

const hasWebgl = () => {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2"));
};

const paper = (dark) => (dark ? "#211d19" : "#f6f2ea");
const isDark = () => document.documentElement.dataset.bsTheme === "dark";

const layersOf = () => [
  { id: "ground", type: "background", paint: { "background-color": paper(isDark()) } },
  { id: "areas", type: "fill", source: "data", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": "#8a7a5c", "fill-opacity": 0.1 } },
  { id: "borders", type: "line", source: "data", filter: ["==", ["geometry-type"], "Polygon"], paint: { "line-color": "#8a7a5c", "line-opacity": 0.5, "line-width": 1 } },
  { id: "casing", type: "line", source: "data", filter: ["==", ["geometry-type"], "LineString"], layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": paper(isDark()), "line-width": 6 } },
  { id: "routes", type: "line", source: "data", filter: ["all", ["==", ["geometry-type"], "LineString"], ["!=", ["get", "dashed"], true]], layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": ["coalesce", ["get", "colour"], "#6b6259"], "line-width": 3 } },
  { id: "routes-dashed", type: "line", source: "data", filter: ["all", ["==", ["geometry-type"], "LineString"], ["==", ["get", "dashed"], true]], layout: { "line-join": "round" }, paint: { "line-color": ["get", "colour"], "line-width": 3, "line-dasharray": [2, 1.5] } },
];

const show = async (figure) => {
  const words = {
    route: figure.dataset.mapRoute,
    depot: figure.dataset.mapDepot,
    leftOut: figure.dataset.mapLeftOut,
    noWebgl: figure.dataset.mapNoWebgl,
  };
  const data = await read(figure);
  const routes = dressRoutes(data.features);
  for (const feature of data.features) {
    const route = routes.get(String(feature.properties.route));
    if (route) Object.assign(feature.properties, { colour: route.colour, dashed: route.dashed });
  }
  drawLegend(figure, routes, data.features, words);
  const bounds = boundsOf(data.features);
  if (!bounds || !hasWebgl()) return drawList(figure, data.features, routes, words);
  const library = await import(figure.dataset.mapLibrary);
  library.setWorkerUrl(figure.dataset.mapWorker);
  const map = new library.Map({
    container: figure.querySelector(".map-canvas"),
    style: { version: 8, sources: { data: { type: "geojson", data } }, layers: layersOf() },
    bounds,
    fitBoundsOptions: { padding: 48, maxZoom: 13 },
    attributionControl: false,
    cooperativeGestures: false,
    dragRotate: false,
    pitchWithRotate: false,
    maxPitch: 0,
    locale: {
      "NavigationControl.ZoomIn": figure.dataset.mapZoomIn,
      "NavigationControl.ZoomOut": figure.dataset.mapZoomOut,
    },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new library.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new library.ScaleControl({ unit: "metric" }), "bottom-left");
  for (const feature of data.features) {
    if (feature.geometry?.type === "Point") mark(library, map, feature, routes, words);
  }
  speakOfRoutes(library, map, routes);
  declutter(map, figure);
  new MutationObserver(() => {
    map.setPaintProperty("ground", "background-color", paper(isDark()));
    map.setPaintProperty("casing", "line-color", paper(isDark()));
  }).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  map.once("idle", () => figure.toggleAttribute("data-map-ready", true));
  figure.xinglinMap = map;
};

const read = async (figure) => {
  const inline = figure.querySelector("[data-map-data]");
  if (inline) return JSON.parse(inline.textContent);
  const answer = await fetch(figure.dataset.mapUrl, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`map data: ${answer.status}`);
  return answer.json();
};

const mark = (library, map, { geometry, properties }, routes, words) => {
  const route = routes.get(String(properties.route));
  const element = markerOf(properties, route, words);
  const marker = new library.Marker({ element, anchor: "center" }).setLngLat(geometry.coordinates);
  if (properties.name || properties.text) {
    const popup = new library.Popup({ offset: 14, maxWidth: "280px" }).setDOMContent(popupOf(properties, route));
    marker.setPopup(popup);
    element.addEventListener("mouseenter", () => popup.isOpen() || marker.togglePopup());
    element.addEventListener("mouseleave", () => popup.isOpen() && !popup.getElement().matches(":hover") && marker.togglePopup());
  }
  marker.addTo(map);
};

const speakOfRoutes = (library, map, routes) => {
  const popup = new library.Popup({ closeButton: false, offset: 8 });
  for (const layer of ["routes", "routes-dashed"]) {
    map.on("click", layer, (event) => {
      const { properties } = event.features[0];
      popup.setLngLat(event.lngLat).setDOMContent(popupOf(properties, routes.get(String(properties.route)))).addTo(map);
    });
    map.on("mouseenter", layer, () => (map.getCanvas().style.cursor = "pointer"));
    map.on("mouseleave", layer, () => (map.getCanvas().style.cursor = ""));
  }
};

// Labels that would lie on one another are hidden until there is room; marks are always there.
const declutter = (map, figure) => {
  const tidy = () => {
    const marks = figure.querySelectorAll(".map-number, .map-depot, .map-cross");
    const taken = [...marks].map((sign) => sign.getBoundingClientRect());
    figure.classList.toggle("map-far", map.getZoom() < 9);
    const labels = [...figure.querySelectorAll(".map-marker-depot .map-label"), ...figure.querySelectorAll(".map-marker-township .map-label")];
    for (const label of labels) {
      label.hidden = false;
      const box = label.getBoundingClientRect();
      const collides = taken.some((b) => box.left < b.right && box.right > b.left && box.top < b.bottom && box.bottom > b.top);
      label.hidden = collides;
      if (!collides) taken.push(box);
    }
  };
  map.on("load", tidy);
  map.on("moveend", tidy);
};

const showAll = (within) => {
  within.querySelectorAll("[data-map]:not([data-map-started])").forEach((figure) => {
    figure.toggleAttribute("data-map-started", true);
    show(figure).catch((error) => {
      console.error(error);
      const box = figure.querySelector("[data-map-list]");
      box.hidden = false;
      box.textContent = figure.dataset.mapNoWebgl;
    });
  });
};
document.addEventListener("htmx:load", (event) => showAll(event.detail.elt.parentElement ?? document));
showAll(document);
