// The interactive description of the routes: everything comes from openapi.json, beside this page.

const $ = (id) => document.getElementById(id);
const METHODS = ["get", "post", "patch", "put", "delete"];
// `…/docs` describes what lies beside it, wherever a host has put it.
const BASE = new URL(".", location.href);
const MOST_SHOWN = 200_000;

/** An element with attributes and children; text is never taken for markup. */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** Text in which `code` stands between backquotes. */
function prose(text = "") {
  return text.split("`").map((part, at) => (at % 2 ? el("code", {}, part) : part));
}

let api;
const resolve = (schema) =>
  schema?.$ref ? schema.$ref.slice(2).split("/").reduce((at, key) => at?.[key], api) : schema;

/** What a schema allows, in a few words. */
function kind(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").pop();
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map(kind).join(" or ");
  if (schema.allOf) return schema.allOf.map(kind).join(" and ");
  if (schema.enum) return schema.enum.map((word) => JSON.stringify(word)).join(", ");
  if (schema.type === "array") return `array of ${kind(schema.items)}`;
  return [schema.type ?? "any"].flat().filter((type) => type !== "null").join(" or ");
}

function bounds(schema) {
  const said = [];
  for (const [key, word] of [["minimum", "at least"], ["maximum", "at most"],
    ["minLength", "characters from"], ["maxLength", "characters to"], ["maxItems", "items to"]]) {
    if (schema?.[key] !== undefined) said.push(`${word} ${schema[key]}`);
  }
  return said.join(", ");
}

/** A schema as tables, with the schemas it names inside. */
function shape(schema, seen = []) {
  const name = schema?.$ref;
  const whole = resolve(schema);
  if (!whole || seen.includes(name)) return el("p", { class: "dim" }, kind(schema));
  const inside = name ? [...seen, name] : seen;
  const parts = whole.oneOf ?? whole.anyOf ?? whole.allOf;
  const box = el("div", {});
  if (whole.description) box.append(el("p", {}, ...prose(whole.description)));
  if (parts) {
    parts.forEach((part, at) => box.append(el("details", {},
      el("summary", {}, `${at + 1}. ${kind(part)}`), el("div", {}, shape(part, inside)))));
  } else if (whole.properties) {
    box.append(fields(whole, inside));
  } else if (whole.items) {
    box.append(el("p", {}, kind(whole)), shape(whole.items, inside));
  } else {
    box.append(el("p", { class: "dim" }, [kind(whole), bounds(whole)].filter(Boolean).join(", ")));
  }
  return box;
}

function fields(schema, seen) {
  const rows = Object.entries(schema.properties).map(([name, field]) => {
    const whole = resolve(field);
    const nested = whole?.properties || whole?.oneOf || whole?.items;
    const about = el("td", {}, ...prose(field.description ?? whole?.description ?? ""),
      el("div", { class: "dim" }, [kind(field), bounds(whole)].filter(Boolean).join(", ")));
    if (nested) about.append(el("details", {}, el("summary", {}, kind(field)), el("div", {}, shape(field, seen))));
    const star = schema.required?.includes(name) ? " (required)" : "";
    return el("tr", {}, el("td", {}, el("code", {}, name), star), about);
  });
  return el("table", {}, el("tbody", {}, ...rows));
}

/** An example that a body can start from. */
function example(schema, depth = 0) {
  const whole = resolve(schema);
  if (!whole || depth > 4) return null;
  if (whole.example !== undefined) return whole.example;
  if (whole.default !== undefined) return whole.default;
  if (whole.enum) return whole.enum[0];
  const part = whole.oneOf?.[0] ?? whole.anyOf?.[0] ?? whole.allOf?.[0];
  if (part) return example(part, depth);
  switch ([whole.type].flat()[0]) {
    case "object": {
      const wanted = Object.entries(whole.properties ?? {}).filter(([name]) => whole.required?.includes(name));
      return Object.fromEntries(wanted.map(([name, field]) => [name, example(field, depth + 1)]));
    }
    case "array": return whole.items ? [example(whole.items, depth + 1)] : [];
    case "integer": case "number": return whole.minimum ?? 0;
    case "boolean": return false;
    case "string": return "";
    default: return null;
  }
}

function parameter(parameter, id) {
  const input = parameter.schema?.type === "boolean"
    ? el("select", { id }, el("option", { value: "" }, ""), el("option", {}, "true"), el("option", {}, "false"))
    : el("input", { id, autocomplete: "off" });
  const row = el("tr", {},
    el("td", {}, el("label", { for: id }, el("code", {}, parameter.name)),
      el("div", { class: "dim" }, `${parameter.in}${parameter.required ? ", required" : ""}`)),
    el("td", {}, input, el("div", { class: "dim" }, ...prose(parameter.description))));
  return { parameter, input, row };
}

/** The address and the headers that the inputs of an operation stand for. */
function request(path, inputs) {
  const headers = new Headers();
  const query = new URLSearchParams();
  for (const { parameter: { name, in: place }, input: { value } } of inputs) {
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "" && place === "query") query.append(name, value);
    else if (value !== "" && place === "header") headers.set(name, value);
  }
  if ($("token").value) headers.set("authorization", `Bearer ${$("token").value}`);
  if ($("service-key").value) headers.set("x-taskcast-service-key", $("service-key").value);
  const url = new URL(path.slice(1), BASE);
  url.search = query;
  return { url, headers };
}

/** Shows an answer as it arrives, so that event streams are live. */
async function show(response, output) {
  const good = response.ok ? "good" : "bad";
  const head = el("div", { class: good }, `${response.status} ${response.statusText}`);
  const shown = ["content-type", "retry-after", "x-request-id", "taskcast-earliest-index"]
    .filter((name) => response.headers.has(name))
    .map((name) => `${name}: ${response.headers.get(name)}`).join("\n");
  const body = el("pre", { tabindex: 0, "aria-label": "The answer" });
  output.replaceChildren(head, el("pre", {}, shown), body);
  const stream = response.headers.get("content-type")?.startsWith("text/event-stream");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader.read()) {
    // Of an endless stream the newest part is shown.
    text = (text + piece.value).slice(-MOST_SHOWN);
    const atEnd = body.scrollTop + body.clientHeight >= body.scrollHeight - 8;
    body.textContent = text;
    if (stream && atEnd) body.scrollTop = body.scrollHeight;
  }
  try {
    if (!stream) body.textContent = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* It is no JSON: it stays as it came. */ }
  if (stream) output.append(el("p", { class: "dim" }, "The stream has ended."));
}

function tryOut(method, path, operation, id) {
  const inputs = (operation.parameters ?? []).map((one, at) => parameter(resolve(one), `${id}-${at}`));
  const content = operation.requestBody?.content?.["application/json"];
  const body = content && el("textarea", { id: `${id}-body`, spellcheck: "false" });
  if (body) body.value = JSON.stringify(example(content.schema), null, 2);
  const output = el("div", { role: "region", "aria-live": "off" });
  const send = el("button", { type: "submit" }, "Send");
  const stop = el("button", { type: "button", disabled: "" }, "Stop");
  let abort = new AbortController();
  stop.addEventListener("click", () => abort.abort());
  const submit = async (event) => {
    event.preventDefault();
    abort = new AbortController();
    [send.disabled, stop.disabled] = [true, false];
    try {
      const { url, headers } = request(path, inputs);
      if (body) headers.set("content-type", "application/json");
      const options = { method: method.toUpperCase(), headers, body: body?.value, signal: abort.signal };
      await show(await fetch(url, options), output);
    } catch (error) {
      const stopped = error.name === "AbortError";
      output.append(el("p", { class: stopped ? "dim" : "bad" }, stopped ? "Stopped." : String(error)));
    }
    [send.disabled, stop.disabled] = [false, true];
  };
  return el("form", { onsubmit: submit },
    inputs.length ? el("table", {}, el("tbody", {}, ...inputs.map((one) => one.row))) : undefined,
    body && el("label", { for: `${id}-body` }, "Body"), body,
    el("div", { class: "buttons" }, send, stop), output);
}

function answers(operation) {
  return Object.entries(operation.responses ?? {}).map(([status, answer]) => {
    const [type, content] = Object.entries(resolve(answer).content ?? {})[0] ?? [];
    return el("details", {},
      el("summary", {}, `${status} `, el("span", { class: "dim" }, resolve(answer).description || kind(content?.schema))),
      el("div", {}, type ? el("p", { class: "dim" }, type) : "No body.", content ? shape(content.schema) : undefined));
  });
}

function operationOf(method, path, operation, id) {
  const inside = el("div", {});
  const details = el("details", { id, "data-words": `${method} ${path} ${operation.summary} ${operation.description}`.toLowerCase() },
    el("summary", {}, el("span", { class: "method" }, method.toUpperCase()), el("span", { class: "path" }, path), " ",
      el("span", { class: "dim" }, operation.summary ?? "")), inside);
  // Filled when it is opened first: most are never looked at.
  details.addEventListener("toggle", () => {
    if (inside.childNodes.length) return;
    const schema = operation.requestBody?.content?.["application/json"]?.schema;
    inside.append(el("p", {}, ...prose(operation.description)), tryOut(method, path, operation, id),
      ...(schema ? [el("h3", {}, "Body"), shape(schema)] : []), el("h3", {}, "Answers"), ...answers(operation));
  });
  return details;
}

function list() {
  const tags = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((one) => item[one])) {
      const tag = item[method].tags?.[0] ?? "other";
      const id = item[method].operationId ?? `${method}-${path}`;
      tags.set(tag, [...(tags.get(tag) ?? []), operationOf(method, path, item[method], id)]);
    }
  }
  const sections = [...tags].map(([tag, operations]) =>
    el("section", { "aria-label": tag }, el("h2", {}, tag), ...operations));
  $("operations").replaceChildren(...sections);
}

function find() {
  const words = $("find").value.toLowerCase().split(" ");
  for (const details of document.querySelectorAll("main > section > details")) {
    details.hidden = !words.every((word) => details.dataset.words.includes(word));
  }
}

try {
  const answer = await fetch(new URL("openapi.json", BASE));
  if (!answer.ok) throw new Error(`openapi.json: ${answer.status}`);
  api = await answer.json();
  $("version").textContent = api.info.version;
  $("about").prepend(`${api.info.description ?? ""} `);
  list();
  $("find").addEventListener("input", find);
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.setAttribute("open", "");
} catch (error) {
  $("operations").replaceChildren(el("p", { class: "bad" }, `The description could not be read: ${error}`));
}
