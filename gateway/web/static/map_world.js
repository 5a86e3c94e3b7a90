// The ground of the map: outlines of the countries from this gateway, and tiles where the settings
// name any. Colours follow light and dark.
/* global L, topojson */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const NAMED = 70; // pixels that a country must be wide for its name

export async function addWorld(map, element) {
  const { outlines, tiles, host } = element.dataset;
  if (tiles) L.tileLayer(tiles, { maxZoom: 19, attribution: host }).addTo(map);
  else map.attributionControl.addAttribution("Outlines: Natural Earth");
  const answer = await fetch(outlines);
  if (!answer.ok) throw new Error("the outlines of the countries are not there");
  const world = await answer.json();
  const shapes = topojson.feature(world, world.objects.countries);
  for (const one of shapes.features) unfold(one.geometry);
  map.createPane("world").style.zIndex = 150;
  const style = () => ({
    pane: "world",
    renderer,
    interactive: false,
    color: colour("faint"),
    weight: 1,
    opacity: 0.7,
    fillColor: colour("card"),
    fillOpacity: 1,
  });
  const renderer = L.canvas({ pane: "world", padding: 0.5 });
  const land = L.geoJSON(shapes, { ...style(), style });
  if (!tiles) {
    land.addTo(map);
    addNames(map, shapes);
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => land.setStyle(style));
}

// Rings that cross the 180th meridian go on beyond it, and are there a second time on the other
// side: otherwise their line would run back around the whole world.
function unfold(geometry) {
  const parts = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const whole = [];
  for (const rings of parts) {
    const far = rings.map(beyond);
    whole.push(far);
    const edge = Math.max(...far[0].map(([x]) => Math.abs(x)));
    if (edge <= 180.01) continue;
    const back = far[0].some(([x]) => x > 180.01) ? -360 : 360;
    whole.push(far.map((ring) => ring.map(([x, y]) => [x + back, y])));
  }
  geometry.type = "MultiPolygon";
  geometry.coordinates = whole;
}

function beyond(ring) {
  let turn = 0;
  const far = ring.map(([x, y], at) => {
    const step = at ? x - ring[at - 1][0] : 0;
    if (step > 180) turn -= 360;
    else if (step < -180) turn += 360;
    return [x + turn, y];
  });
  // Around a pole it never comes back: that one stays as it is.
  return turn ? ring : far;
}

// The largest part of each country bears its name.
function addNames(map, shapes) {
  map.createPane("names").style.zIndex = 350;
  const places = shapes.features.map((one) => {
    const parts = one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates;
    const boxes = parts.map(([ring]) => {
      const xs = ring.map(([x]) => x);
      const ys = ring.map(([, y]) => y);
      return { west: Math.min(...xs), east: Math.max(...xs), south: Math.min(...ys), north: Math.max(...ys) };
    });
    const size = (box) => (box.east - box.west) * (box.north - box.south);
    return { name: one.properties.name, box: boxes.reduce((a, b) => (size(a) >= size(b) ? a : b)) };
  });
  const group = L.layerGroup().addTo(map);
  function draw() {
    group.clearLayers();
    const seen = map.getBounds();
    for (const { name, box } of places) {
      const middle = L.latLng((box.south + box.north) / 2, (box.west + box.east) / 2);
      const width = map.latLngToContainerPoint([middle.lat, box.east]).x - map.latLngToContainerPoint([middle.lat, box.west]).x;
      if (width < Math.max(NAMED, name.length * 8) || !seen.contains(middle)) continue;
      const label = document.createElement("span");
      label.textContent = name;
      const icon = L.divIcon({ html: label, className: "country", iconSize: [0, 0] });
      L.marker(middle, { icon, pane: "names", interactive: false, keyboard: false }).addTo(group);
    }
  }
  map.on("moveend", draw);
  draw();
}

export { colour };
