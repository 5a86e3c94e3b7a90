// What a vendor's codec runs in. Evaluated in an empty context; gives a function that compiles the
// codec, which gives the function that is called for each message.
//
// sealed: the context serves many messages, so nothing may outlast a call. Everything that the
// language brings is frozen, and stands behind the global object instead of on it: what is found
// on the global object after a call was put there by the codec, and is taken away.
// Not sealed: the context is thrown away after one message.
(sealed) => {
  "use strict";
  const root = globalThis;
  const { ownKeys, defineProperty, deleteProperty, getOwnPropertyDescriptor } = Reflect;
  const { getPrototypeOf, setPrototypeOf, isExtensible, apply } = Reflect;
  const { create, freeze } = Object;
  const { isArray } = Array;
  const { join } = Array.prototype;
  const { toWellFormed } = String.prototype;
  const stringify = JSON.stringify;
  const Time = Date;
  const MOST_CHARACTERS = 65536;

  // Code out of text, what runs later, what watches the collection of garbage, and the hooks of
  // Error, which would outlast a call.
  for (const name of [
    ...["eval", "queueMicrotask", "WeakRef", "FinalizationRegistry", "SharedArrayBuffer"],
    ...["Atomics", "performance"],
  ]) {
    delete root[name];
  }
  for (const name of ["prepareStackTrace", "stackTraceLimit", "captureStackTrace"]) {
    delete Error[name];
  }
  const quiet = () => {};
  const console = {};
  for (const name of ["log", "info", "warn", "error", "debug", "trace", "table", "assert"]) {
    console[name] = quiet;
  }
  defineProperty(root, "console", { value: console, writable: true, configurable: true });

  // Names that objects and classes give themselves although their prototypes have them. Frozen,
  // these would make such an assignment fail: it is let through to the object that it is for.
  const own = new Set(["constructor", "toString", "valueOf", "name", "message", "toJSON"]);
  const letThrough = (holder, key, value) => {
    // Methods, unlike functions, have no `prototype` of their own that could be written to.
    const through = {
      get() {
        return value;
      },
      set(given) {
        if (this === holder) throw new TypeError(`${String(key)} belongs to the language`);
        defineProperty(this, key, {
          value: given,
          writable: true,
          enumerable: true,
          configurable: true,
        });
      },
    };
    freeze(through.get);
    freeze(through.set);
    defineProperty(holder, key, { get: through.get, set: through.set, configurable: false });
  };

  const seal = () => {
    const base = create(getPrototypeOf(root));
    for (const key of ownKeys(root)) {
      const found = getOwnPropertyDescriptor(root, key);
      if (found.configurable) {
        defineProperty(base, key, found);
        delete root[key];
      }
    }
    setPrototypeOf(root, base);
    const seen = new Set([root]);
    const waiting = [
      base,
      // What no name leads to.
      function* () {}.constructor,
      async function () {}.constructor,
      async function* () {}.constructor,
      [].values(),
      "".matchAll(/./g),
      ""[Symbol.iterator](),
      new Map().entries(),
      new Set().entries(),
      [].values().map(quiet),
      Iterator.from({ next: quiet }),
      getOwnPropertyDescriptor((function () { return arguments; })(), "callee").get,
    ];
    const take = (value) => {
      const kind = typeof value;
      if ((kind === "object" && value !== null) || kind === "function") {
        if (!seen.has(value)) {
          seen.add(value);
          waiting.push(value);
        }
      }
    };
    seen.add(base);
    while (waiting.length) {
      const one = waiting.pop();
      take(getPrototypeOf(one));
      const isPrototype = getOwnPropertyDescriptor(one, "constructor") !== undefined;
      for (const key of ownKeys(one)) {
        const found = getOwnPropertyDescriptor(one, key);
        take(found.value);
        take(found.get);
        take(found.set);
        if (isPrototype && own.has(key) && found.configurable && "value" in found) {
          letThrough(one, key, found.value);
        }
      }
      freeze(one);
    }
  };
  if (sealed) seal();
  const base = getPrototypeOf(root);
  const fixed = ownKeys(root).length;

  // Whether the global object is as it was, now at the latest.
  const clean = () => {
    const keys = ownKeys(root);
    if (keys.length > fixed) {
      for (let i = 0; i < keys.length; i++) deleteProperty(root, keys[i]);
      if (ownKeys(root).length > fixed) return false;
    }
    return getPrototypeOf(root) === base && isExtensible(root);
  };

  const words = (thrown) => {
    try {
      const place = /at (\S*).*?:(\d+):\d+\)?\s*$/m.exec(String(thrown && thrown.stack));
      const line = place && place[1] !== "askCodec" ? ` (line ${place[2]})` : "";
      return `${thrown}`.slice(0, 500) + line;
    } catch {
      return "it threw something that cannot be shown";
    }
  };

  const askCodec = (load, text, port, time) => {
    const found = load();
    const decodeUplink = found[0], normalizeUplink = found[1], decode = found[2], decoder = found[3];
    const bytes = [];
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    let result;
    if (decodeUplink) {
      result = decodeUplink({ bytes, fPort: port, recvTime: new Time(time), variables: {} });
    } else if (decode) {
      result = { data: decode(port, bytes, {}) };
    } else if (decoder) {
      result = { data: decoder(bytes, port) };
    } else {
      return ["?"];
    }
    if (result === null || typeof result !== "object") {
      return ["!", `it returned ${result === null ? "null" : typeof result}, not an object`];
    }
    if (typeof result.then === "function") {
      return ["!", "it returned a promise: it must not be async"];
    }
    const { data, warnings, errors } = result;
    const failed = isArray(errors) ? errors.length > 0 : Boolean(errors);
    const out = { data, warnings, errors };
    if (normalizeUplink && !failed) {
      try {
        const further = normalizeUplink({ data, warnings, errors });
        if (further) out.normalized = { data: further.data, errors: further.errors };
      } catch (thrown) {
        out.normalized = { errors: [words(thrown)] };
      }
    }
    const json = stringify(out);
    return json.length > MOST_CHARACTERS ? ["#"] : ["=", json];
  };

  // compile(load): load runs the vendor's file from its top, and gives its functions.
  return (load) => {
    freeze(load);
    return (text, port, time) => {
      let told;
      try {
        told = askCodec(load, text, port, time);
      } catch (thrown) {
        told = ["!", words(thrown)];
      }
      // Added together, long texts would stay in pieces, which Python cannot take; nor can it take
      // half of a pair of UTF-16.
      return apply(toWellFormed, apply(join, [clean() ? "c" : "d", told[0], told[1]], [""]), []);
    };
  };
};
