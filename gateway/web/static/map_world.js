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

// Longitudes of a country that lies on both sides of the 180th meridian, as one piece.
function unbroken(xs) {
  const across = Math.max(...xs) - Math.min(...xs) > 300;
  return across ? xs.map((x) => (x < 0 ? x + 360 : x)) : xs;
}

// The largest part of each country bears its name.
function addNames(map, shapes) {
  map.createPane("names").style.zIndex = 350;
  const places = shapes.features.map((one) => {
    const parts = one.geometry.type === "Polygon" ? [one.geometry.coordinates] : one.geometry.coordinates;
    const boxes = parts.map(([ring]) => {
      const xs = unbroken(ring.map(([x]) => x));
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
