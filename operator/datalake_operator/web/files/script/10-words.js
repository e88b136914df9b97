"use strict";
// Nothing here ever makes HTML from text: elements are made one by one, and text stays text.

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const setting = read("setting");
const STATES = setting.states; // worst first: {word, symbol, meaning}
const ORDER = Object.keys(STATES);
let model = read("overview");

function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const worst = (states) => ORDER.find((state) => states.includes(state)) || "notrun";
const phrase = (reason) => (reason && model.reasons[reason]) || "";
const plural = (number, one, many) => `${number} ${number === 1 ? one : many || one + "s"}`;

const HOUR = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECOND = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

// The server's clock decides how old things are; the reader's own may be wrong.
let skew = Date.parse(setting.now) - Date.now();
const now = () => Date.now() + skew;

function clock(time) {
  const then = new Date(time);
  if (Number.isNaN(then.getTime())) return String(time);
  return (then.toDateString() === new Date(now()).toDateString() ? HOUR : DAY).format(then);
}

function ago(time) {
  const minutes = Math.round((now() - Date.parse(time)) / 60000);
  if (Number.isNaN(minutes) || minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 48) return `${Math.floor(minutes / 60)} h ${minutes % 60} min ago`;
  return `${Math.floor(minutes / 1440)} days ago`;
}

function stamp(time) {
  const then = new Date(time);
  if (Number.isNaN(then.getTime())) return el("time", {}, String(time));
  return el("time", { datetime: time, title: FULL.format(then) }, clock(time));
}

function chip(state, text) {
  return el("span", { class: "chip", "data-state": state },
    el("span", { "aria-hidden": "true" }, STATES[state].symbol), text === undefined ? STATES[state].word : text);
}

// What is said of one part of a cell, in one line.
function sentence(part) {
  const why = phrase(part.reason);
  const told = [part.protocol, STATES[part.state].word].filter(Boolean).join(" ");
  const since = part.state !== "ok" && part.since ? ` since ${clock(part.since)}` : "";
  return `${told}${why ? `, ${why}` : ""}${since}${part.figure ? `, ${part.figure}` : ""}`;
}
