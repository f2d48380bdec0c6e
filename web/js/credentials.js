// The server's token and this tab's session name. Both are kept in the tab's storage and not in the address bar, so
// that a shared link does not contain them.

const TOKEN = "streamdiffusion.token";
const SESSION = "streamdiffusion.session";

/** Moves a token from the address (#token= or ?token=) to the tab's storage. */
export function takeTokenFromAddress() {
  const query = new URLSearchParams(location.search);
  const hash = new URLSearchParams(location.hash.slice(1));
  const token = hash.get("token") ?? query.get("token");
  if (token === null) return;
  setToken(token);
  query.delete("token");
  hash.delete("token");
  const rest = (sign, parameters) => (parameters.size ? sign + parameters : "");
  history.replaceState(null, "", location.pathname + rest("?", query) + rest("#", hash));
}

export const token = () => sessionStorage.getItem(TOKEN) ?? "";

/** @param {string} value */
export const setToken = (value) => sessionStorage.setItem(TOKEN, value);

/** The session's name. It survives reloads, so that the address of its /stream.mjpg stays valid. */
export function sessionName() {
  return sessionStorage.getItem(SESSION) ?? renewSessionName();
}

/** Chooses another session name. Used if the old one is taken, as in a duplicated tab. */
export function renewSessionName() {
  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
  const name = Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => letters[n % letters.length]).join("");
  sessionStorage.setItem(SESSION, name);
  return name;
}

/**
 * @param {string} path
 * @param {Record<string, string>} [parameters]
 * @returns {URL} an address of this server, with the token if there is one
 */
export function serverAddress(path, parameters = {}) {
  const url = new URL(path, location.href);
  url.search = new URLSearchParams({ ...parameters, ...(token() && { token: token() }) }).toString();
  return url;
}
