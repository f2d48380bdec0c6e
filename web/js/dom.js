/**
 * Finds the first element that matches.
 * @param {string} selector
 * @returns {HTMLElement}
 */
export const find = (selector) => document.querySelector(selector);

/**
 * Makes an element with properties and children. Names with a dash, "for" and "role" are set as attributes.
 * @param {string} name
 * @param {Record<string, any>} [properties]
 * @param {...(Node|string)} children
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "for" || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

/** Makes an icon. @param {string} name name of a symbol in index.html, without "i-" */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}
