// Keeps one page for the moment when there is no connection. Nothing else is cached: times and appointments are always fresh.
const KEPT = "medcal-offline-1";
const FILES = ["/offline.html", "/tokens.css", "/medcal.css", "/favicon.svg", "/fonts/atkinson-latin.woff2", "/fonts/brygada-latin.woff2"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name !== KEPT).map((name) => caches.delete(name));
  event.waitUntil(caches.keys().then((names) => Promise.all(old(names))).then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const path = new URL(event.request.url).pathname;
  if (event.request.mode === "navigate") {
    event.respondWith(fetch(event.request).catch(() => caches.match("/offline.html")));
  } else if (FILES.includes(path)) {
    // The answers vary by Origin, which is sent for fonts only; what is kept is the same for all.
    event.respondWith(fetch(event.request).catch(() => caches.match(path, { ignoreVary: true })));
  }
});
