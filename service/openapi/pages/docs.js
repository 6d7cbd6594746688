"use strict";
const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children);
  return node;
};
let api;
let current;

const kindOf = (schema) => [].concat(schema.type).find((type) => type !== "null");
const nullable = (schema) => [].concat(schema.type).includes("null");
const operation = (model) => api.paths[`/v1/models/${model}/predict`].post;
const example = (model) => operation(model).requestBody.content["application/json"].examples.rows.value;
const rowSchema = (model) => api.components.schemas[`Row.${model}`];

function hint(schema) {
  const parts = [];
  const near = (bound) => Math.abs(bound) < 1e30;
  if (schema.minimum !== undefined && near(schema.minimum) && near(schema.maximum)) parts.push(`${schema.minimum} to ${schema.maximum}`);
  if (kindOf(schema) === "integer") parts.push("whole");
  if (schema.format) parts.push("date or time");
  if (nullable(schema)) parts.push("may be empty");
  if (schema.description) parts.push(schema.description);
  return parts.join(" · ");
}

function input(name, schema, value) {
  const kind = kindOf(schema);
  const choices = schema.enum ? schema.enum.filter((one) => one !== null) : kind === "boolean" ? ["true", "false"] : null;
  if (!choices) {
    const box = make("input", { name, value: value ?? "", autocomplete: "off" });
    if (kind === "number" || kind === "integer") box.inputMode = "decimal";
    return box;
  }
  const box = make("select", { name });
  if (nullable(schema)) box.append(make("option", { value: "", textContent: "—" }));
  for (const choice of choices) box.append(make("option", { value: choice, textContent: choice }));
  box.value = value === null || value === undefined ? "" : String(value);
  return box;
}

function fill() {
  const row = example(current).rows[0];
  $("fields").replaceChildren(...Object.entries(rowSchema(current).properties).map(([name, schema]) =>
    make("label", { className: "field" }, make("b", { textContent: name }), input(name, schema, row[name]), make("i", { textContent: hint(schema) }))));
  $("body").value = JSON.stringify(example(current), null, 2);
  $("answer").hidden = true;
  $("timing").textContent = "";
  curl();
}

function valueOf(box, schema) {
  const text = box.value.trim();
  const kind = kindOf(schema);
  if (text === "") return null;
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if ((kind === "number" || kind === "integer") && Number.isFinite(Number(text))) return Number(text);
  return text;
}

function body() {
  if (!$("body").hidden) return $("body").value;
  const row = {};
  for (const [name, schema] of Object.entries(rowSchema(current).properties)) row[name] = valueOf($("form").elements[name], schema);
  return JSON.stringify({ rows: [row] });
}

function curl() {
  const key = api.security ? " \\\n  -H 'Authorization: Bearer YOUR-KEY'" : "";
  const quoted = body().replaceAll("'", "'\\''");
  $("curl").textContent = `curl -sS ${location.origin}/v1/models/${current}/predict \\\n  -H 'Content-Type: application/json'${key} \\\n  -d '${quoted}'`;
}

const round = (number) => Number(number.toPrecision(6));

function bars(found) {
  const parts = [];
  if (found.probabilities) {
    const odds = found.probabilities[0];
    parts.push(make("p", { className: "big", textContent: found.predictions[0] }));
    found.classes.forEach((name, place) => {
      const bar = make("div", { className: name === found.predictions[0] ? "bar top" : "bar" });
      bar.append(make("span", { textContent: name }), make("progress", { max: 1, value: odds[place] }), make("span", { textContent: `${(odds[place] * 100).toFixed(1)} %` }));
      parts.push(bar);
    });
  } else if (found.predictions) {
    const numbers = [].concat(found.predictions[0]);
    found.outputs.forEach((name, place) => parts.push(make("p", { className: "big" }, String(round(numbers[place])), make("small", { textContent: name }))));
  }
  return parts;
}

function complain(found) {
  for (const label of document.querySelectorAll(".field")) label.classList.remove("bad");
  for (const why of document.querySelectorAll(".why")) why.remove();
  for (const error of found.errors || []) {
    const box = $("form").elements[error.column];
    if (!box) continue;
    box.parentElement.classList.add("bad");
    box.parentElement.append(make("i", { className: "why", textContent: error.allowed }));
  }
}

async function send() {
  const headers = { "Content-Type": "application/json" };
  if ($("key").value) headers.Authorization = `Bearer ${$("key").value}`;
  const started = performance.now();
  $("send").disabled = true;
  try {
    const answer = await fetch(`/v1/models/${current}/predict`, { method: "POST", headers, body: body() });
    const found = await answer.json();
    $("timing").textContent = `${(performance.now() - started).toFixed(1)} ms`;
    $("status").textContent = answer.ok ? `${answer.status} · version ${found.version} · ${found.arm}` : `${answer.status} ${found.title}`;
    $("status").classList.toggle("bad", !answer.ok);
    $("bars").replaceChildren(...bars(found));
    $("output").textContent = JSON.stringify(found, null, 2);
    complain(found);
  } catch (error) {
    $("status").textContent = "no answer";
    $("status").classList.add("bad");
    $("bars").replaceChildren();
    $("output").textContent = String(error);
  }
  $("answer").hidden = false;
  $("send").disabled = false;
  curl();
}

function show(asJson) {
  if (asJson && $("body").hidden) $("body").value = JSON.stringify(JSON.parse(body()), null, 2);
  $("form").hidden = asJson;
  $("body").hidden = !asJson;
  $("tab-form").setAttribute("aria-selected", String(!asJson));
  $("tab-body").setAttribute("aria-selected", String(asJson));
  curl();
}

function choose(model) {
  current = model;
  $("name").textContent = model;
  $("task").textContent = (api.tags.find((tag) => tag.name === model) || {}).description || "";
  for (const button of document.querySelectorAll("aside button")) button.setAttribute("aria-current", String(button.textContent === model));
  fill();
  show(false);
  routes();
}

function route(path, verb, described) {
  const codes = Object.entries(described.responses).map(([code, answer]) => make("tr", {}, make("td", { textContent: code }), make("td", { textContent: answer.description })));
  const summary = make("summary", {}, make("span", { className: `verb ${verb}`, textContent: verb.toUpperCase() }), make("code", { textContent: path }), make("span", { className: "what", textContent: described.summary }));
  const details = make("details", { className: "route" }, summary, make("table", {}, ...codes));
  const examples = described.requestBody?.content["application/json"].examples;
  if (examples) details.append(...Object.values(examples).map((one) => make("pre", { textContent: JSON.stringify(one.value, null, 2) })));
  return details;
}

function routes() {
  const found = [];
  for (const [path, verbs] of Object.entries(api.paths)) {
    for (const [verb, described] of Object.entries(verbs)) {
      if (described.tags[0] === current || described.tags[0] === "service") found.push(route(path, verb, described));
    }
  }
  $("routes").replaceChildren(...found);
}

async function start() {
  api = await (await fetch("/openapi.json")).json();
  $("release").textContent = `release ${api.info.version}`;
  $("key-box").hidden = !api.security;
  const models = api.tags.map((tag) => tag.name).filter((name) => name !== "service");
  $("models").replaceChildren(...models.map((name) => make("li", {}, make("button", { textContent: name, onclick: () => choose(name) }))));
  $("send").onclick = send;
  $("reset").onclick = fill;
  $("tab-form").onclick = () => show(false);
  $("tab-body").onclick = () => show(true);
  $("form").onsubmit = (event) => { event.preventDefault(); send(); };
  $("form").oninput = curl;
  $("body").oninput = curl;
  choose(models[0]);
}
start();
