"""A fake Hugging Face hub on this machine, with the faults of real hubs and networks.

Files that are kept in LFS are redirected to a second server, as the real hub does to its storage. Run as a program
it serves folders: python3 hub_server.py OWNER/NAME=FOLDER ... [--rate BYTES_PER_SECOND]
"""

import argparse
import hashlib
import http.server
import json
import os
import pathlib
import re
import threading
import time
import urllib.parse

PIECE = 1 << 16


class Repository:
    """A repository. `files` maps paths to bytes or to paths of files on the disk. Those in `lfs` are stored in LFS."""

    def __init__(self, files, lfs=None):
        self.files = dict(files)
        self.lfs = set(path for path in files if path.endswith(".safetensors")) if lfs is None else set(lfs)
        self.gated = False
        self.private = False
        self.listing = None  # A wrong answer of the tree in place of the true one.
        self._hashes = {}
        names = "".join(f"{path} {self.hash(path)}\n" for path in sorted(self.files))
        self.commit = hashlib.sha1(names.encode()).hexdigest()

    def size(self, path):
        file = self.files[path]
        return len(file) if isinstance(file, bytes) else os.path.getsize(file)

    def read(self, path, start=0):
        """Yields the file's bytes from `start` on in pieces."""
        file = self.files[path]
        if isinstance(file, bytes):
            for at in range(start, len(file), PIECE):
                yield file[at : at + PIECE]
        else:
            with open(file, "rb") as opened:
                opened.seek(start)
                while piece := opened.read(PIECE):
                    yield piece

    def hash(self, path):
        if path not in self._hashes:
            if path in self.lfs:
                digest = hashlib.sha256()
            else:
                digest = hashlib.sha1(f"blob {self.size(path)}\0".encode())
            for piece in self.read(path):
                digest.update(piece)
            self._hashes[path] = digest.hexdigest()
        return self._hashes[path]

    def tree(self):
        if self.listing is not None:
            return self.listing
        folders = sorted({str(parent) for path in self.files for parent in pathlib.PurePath(path).parents} - {"."})
        entries = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": folder} for folder in folders]
        for path in sorted(self.files):
            entry = {"type": "file", "oid": self.hash(path), "size": self.size(path), "path": path}
            if path in self.lfs:
                entry["oid"] = hashlib.sha1(path.encode()).hexdigest()  # The hash of the pointer.
                entry["lfs"] = {"oid": self.hash(path), "size": self.size(path), "pointerSize": 134}
            entries.append(entry)
        return entries


def from_folder(folder):
    folder = pathlib.Path(folder)
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file() and "openvino" not in path.parts
    }
    return Repository(files)


class Fault:
    """A fault of the first `times` requests whose path contains `where`."""

    def __init__(self, where, times=1 << 30, status=None, headers=(), cut=None, alter=None, drop=False, body=b""):
        self.where, self.times = where, times
        self.status, self.headers, self.body = status, dict(headers), body
        self.cut = cut  # The connection ends after this many bytes of the body.
        self.alter = alter  # A function that changes the bytes sent; their length is sent too.
        self.drop = drop  # The connection ends without an answer.


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # The client has gone.


class Hub:
    """The hub and its storage, each on a port of its own, for the time of a `with` statement."""

    def __init__(self, repositories, token=None, rate=None, page=1000, hold=None):
        self.repositories, self.token, self.rate, self.page = repositories, token, rate, page
        self.hold = hold  # Most bytes of each file that are sent; the rest follows when this changes.
        self.faults, self.requests = [], []
        self.ranges = True
        self.lock = threading.Lock()
        self.servers = [self._serve(HubHandler), self._serve(StorageHandler)]
        self.url, self.storage_url = (f"http://127.0.0.1:{server.server_address[1]}" for server in self.servers)

    def _serve(self, handler):
        server = Server(("127.0.0.1", 0), type("Handler", (handler,), {"hub": self}))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return server

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def take_fault(self, path):
        with self.lock:
            for fault in self.faults:
                if fault.where in path and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def paths(self, method="GET"):
        return [path for made, path, _ in self.requests if made == method]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub = None

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        with self.hub.lock:
            self.hub.requests.append((self.command, self.path, dict(self.headers)))
        fault = self.hub.take_fault(self.path)
        try:
            if fault is not None and fault.drop:
                self.close_connection = True
            elif fault is not None and fault.status is not None:
                self.send(fault.status, fault.body, fault.headers)
            else:
                self.answer(fault)
        except ConnectionError:
            self.close_connection = True

    def answer(self, fault):
        raise NotImplementedError

    def send(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def send_json(self, value, headers=()):
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **dict(headers)})

    def refuse(self, status, code):
        self.send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": "refused here"})

    def send_file(self, repository, path, fault, headers):
        start, size = 0, repository.size(path)
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if fault is not None and fault.alter is not None:
            body = fault.alter(b"".join(repository.read(path)))
            return self.send(200, body, headers)
        if asked and self.hub.ranges:
            start = int(asked[1])
            if start >= size:
                return self.send(416, headers={"Content-Range": f"bytes */{size}"})
            headers = {**headers, "Content-Range": f"bytes {start}-{size - 1}/{size}"}
        self.send_response(206 if start else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(size - start))
        self.end_headers()
        if self.command == "HEAD":
            return None
        sent = 0
        for piece in repository.read(path, start):
            if fault is not None and fault.cut is not None and sent + len(piece) > fault.cut:
                self.wfile.write(piece[: fault.cut - sent])
                self.close_connection = True
                return None
            self.wfile.write(piece)
            sent += len(piece)
            while self.hub.hold is not None and start + sent >= self.hub.hold:
                time.sleep(0.01)
            if self.hub.rate:
                time.sleep(len(piece) / self.hub.rate)
        return None


class HubHandler(Handler):
    def answer(self, fault):
        parts = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(parts.path)
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            found = self.find(match[1], match[2] or "main")
            if found:
                siblings = [{"rfilename": name} for name in sorted(found.files)]
                self.send_json({"id": match[1], "sha": found.commit, "siblings": siblings, "tags": []})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/([^/]+)", path):
            found = self.find(match[1], match[2])
            if found:
                self.send_page(found, urllib.parse.parse_qs(parts.query), parts.path)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            found = self.find(match[1], match[2])
            if found and match[3] not in found.files:
                self.refuse(404, "EntryNotFound")
            elif found:
                self.resolve(found, match[1], match[3], fault)
        else:
            self.refuse(404, "RepoNotFound")

    def find(self, name, revision):
        repository = self.hub.repositories.get(name)
        allowed = self.hub.token is not None and self.headers.get("Authorization") == f"Bearer {self.hub.token}"
        if repository is None or (repository.private and not allowed):
            self.refuse(404 if allowed else 401, "RepoNotFound")
        elif repository.gated and not allowed:
            self.refuse(403 if "Authorization" in self.headers else 401, "GatedRepo")
        elif revision not in ("main", "refs/pr/1", repository.commit):
            self.refuse(404, "RevisionNotFound")
        else:
            return repository
        return None

    def send_page(self, repository, query, path):
        entries, start = repository.tree(), int(query.get("cursor", ["0"])[0])
        end = start + self.hub.page
        links = {"Link": f'<{self.hub.url}{path}?recursive=true&cursor={end}>; rel="next"'}
        self.send_json(entries[start:end], links if end < len(entries) else {})

    def resolve(self, repository, name, path, fault):
        headers = {"X-Repo-Commit": repository.commit}
        if path in repository.lfs:
            address = f"{self.hub.storage_url}/{name}/{urllib.parse.quote(path)}?signature=1"
            headers |= {"Location": address, "X-Linked-Etag": f'"{repository.hash(path)}"'}
            self.send(302, b"", {**headers, "X-Linked-Size": str(repository.size(path))})
        else:
            self.send_file(repository, path, fault, {**headers, "ETag": f'"{repository.hash(path)}"'})


class StorageHandler(Handler):
    """The storage server. It needs no token, because its addresses are signed."""

    def answer(self, fault):
        parts = urllib.parse.urlsplit(self.path)
        owner, name, path = urllib.parse.unquote(parts.path)[1:].split("/", 2)
        repository = self.hub.repositories[f"{owner}/{name}"]
        self.send_file(repository, path, fault, {"ETag": '"of-the-storage"'})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repositories", nargs="+", metavar="OWNER/NAME=FOLDER")
    parser.add_argument("--rate", type=float, help="bytes a second and connection")
    arguments = parser.parse_args()
    repositories = {name: from_folder(folder) for name, folder in (text.split("=") for text in arguments.repositories)}
    with Hub(repositories, rate=arguments.rate) as hub:
        print(f"HF_ENDPOINT={hub.url}", flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
