"""Code shared by the tests of the program over the network. They are run as

    test_NAME.py [--program FILE] [unittest's options]

and exit with 77 if Python's websockets or openai are missing.
"""

import argparse
import os
import pathlib
import sys
import unittest
import urllib.error
import urllib.request

try:
    import openai  # noqa: F401
    from websockets.exceptions import ConnectionClosed
except ImportError as missing:
    print(f"skipped: Python's {missing.name} is missing (pip install websockets openai)")
    sys.exit(77)

from server_client import PATIENCE, Server, Session, png

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_MODEL = PROJECT / "models" / "default"
TOKEN = "only-for-this-test"
DRAWING = png(64, 64)


def get(server, path, method="GET", headers=None, body=None, context=None):
    """Returns status, headers and body of an answer, whatever the status."""
    request = urllib.request.Request(server.url.rstrip("/") + path, body, headers or {}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=PATIENCE) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def metric(server, name):
    lines = get(server, "/metrics")[2].decode().splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"streamdiffusion_{name} "))


def exchange(server, request):
    """Sends raw bytes and returns the answer, until the server closes the connection or is silent."""
    with server.connect() as connection:
        connection.settimeout(5)
        received = b""
        try:
            connection.sendall(request)
            while data := connection.recv(65536):
                received += data
        except (TimeoutError, ConnectionError):
            pass
        return received


class OneServer(unittest.TestCase):
    """Base class of tests that share a server, which must still work after each of them."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def tearDown(self):
        self.assertEqual(get(self.server, "/healthz")[0], 200, self.server.errors())

    def session(self, *arguments, **options):
        session = Session(self.server, *arguments, **options)
        self.addCleanup(session.socket.close)
        return session

    def assert_closes(self, session, code):
        with self.assertRaises(ConnectionClosed) as closed:
            while True:
                session.receive()
        self.assertEqual(closed.exception.rcvd.code, code)


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--program", default=os.environ.get("STREAMDIFFUSION", PROJECT / "build" / "streamdiffusion"))
    arguments, rest = parser.parse_known_args()
    Server.program = str(arguments.program)
    unittest.main(argv=[sys.argv[0], *rest])
