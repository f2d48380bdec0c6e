"""Tests of HTTP requests, access and TLS (docs/server.md), and of wrong requests."""

import ssl
import subprocess
import tempfile
import time
import unittest

from server_test import DRAWING, TOKEN, OneServer, exchange, get, main, metric  # First, because it reports missing packages.

import openai
from server_client import PATIENCE, Server, Session, format_of
from websockets.exceptions import InvalidStatus


class Http(OneServer):
    def test_paths(self):
        for path, status in (("/", 200), ("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/v1/models", 200), ("/none", 404),
                             ("/../../etc/passwd", 404), ("/%2e%2e/etc/passwd", 404), ("/v1/stream", 426), ("/stream.mjpg", 404)):
            with self.subTest(path=path):
                self.assertEqual(get(self.server, path)[0], status)
        for method, path in (("POST", "/"), ("DELETE", "/v1/models"), ("GET", "/v1/images/generations"), ("PUT", "/healthz"), ("POST", "/stream.mjpg")):
            with self.subTest(method=method, path=path):
                self.assertEqual(get(self.server, path, method)[0], 405)
        for method, path in (("POST", "/v1/image/generations"), ("POST", "/v1/chat/completions"), ("GET", "/v1/images"), ("DELETE", "/none")):
            with self.subTest(method=method, path=path):
                status, _, body = get(self.server, path, method)
                self.assertEqual(status, 404)
                self.assertIn(b"/v1/images/generations", body)

    def test_the_page_may_load_nothing_from_elsewhere(self):
        status, headers, body = get(self.server, "/")
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(get(self.server, "/", "HEAD")[1]["Content-Length"], str(len(body)))
        self.assertEqual(get(self.server, "/", headers={"If-None-Match": headers["ETag"]})[0], 304)

    def test_metrics_count(self):
        before = metric(self.server, "images_total")
        session = self.session()
        session.draw(DRAWING)
        self.assertEqual(metric(self.server, "images_total"), before + 1)
        self.assertEqual(metric(self.server, "sessions"), 1)
        self.assertGreaterEqual(metric(self.server, "frame_latency_seconds_count"), 1)

    def test_garbage_is_refused(self):
        host = b"Host: localhost\r\n"
        for request in (b"\0" * 1000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n" + host + b"\r\n",
                        b"GET / HTTP/1.1\r\n" + host + b"Bad Name: x\r\n\r\n", b"GET / HTTP/1.1\r\n" + host + b"X: " + b"x" * 20000 + b"\r\n\r\n",
                        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: -1\r\n\r\n", b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 1\r\nContent-Length: 9\r\n\r\nx",
                        b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 99999999999\r\n\r\n",
                        b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
            with self.subTest(request=request[:60]):
                answer = exchange(self.server, request)
                self.assertTrue(answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer[:100])

    def test_no_request_hides_in_another(self):
        inner = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for headers in (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n" % len(b"0\r\n\r\n" + inner),
                        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"Transfer-Encoding: identity, chunked\r\nContent-Length: 5\r\n"):
            answer = exchange(self.server, b"POST /v1/models HTTP/1.1\r\nHost: localhost\r\n" + headers + b"\r\n0\r\n\r\n" + inner)
            self.assertNotIn(b"200 OK", answer)

    def test_requests_follow_each_other_on_a_connection(self):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        self.assertEqual(exchange(self.server, 3 * request + last).count(b"200 OK"), 4)

    def test_slow_headers_hold_up_nobody(self):
        slow = [self.server.connect() for _ in range(50)]
        for connection in slow:
            self.addCleanup(connection.close)
            connection.sendall(b"GET / HTTP/1.1\r\nHo")
        session = self.session()
        self.assertEqual(format_of(session.draw(DRAWING)), "jpeg")

    def test_two_hundred_come_and_go(self):
        connections = [self.server.connect() for _ in range(200)]
        for index, connection in enumerate(connections):
            if index % 2:
                connection.sendall(b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        for connection in connections:
            connection.close()
        until = time.monotonic() + PATIENCE
        while metric(self.server, "connections") > 1 or metric(self.server, "sessions") > 0:
            self.assertLess(time.monotonic(), until, "connections stay open")
            time.sleep(0.1)
        self.assertEqual(metric(self.server, "queue"), 0)


class Access(OneServer):
    options = ("--token", TOKEN, "--allow-origin", "https://friend.example", "--allow-host", "studio.example")

    def status_of(self, **options):
        try:
            with Session(self.server, **options):
                return 101
        except InvalidStatus as refused:
            return refused.exception.response.status_code if hasattr(refused, "exception") else refused.response.status_code

    def test_the_token_is_asked_for(self):
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        for path in ("/v1/models", "/metrics", "/stream.mjpg?session=whatever"):
            with self.subTest(path=path):
                self.assertEqual(get(self.server, path)[0], 401)
                self.assertEqual(get(self.server, path, headers={"Authorization": "Bearer other"})[0], 401)
                self.assertNotEqual(get(self.server, path, headers=bearer)[0], 401)
        self.assertEqual(get(self.server, f"/v1/models?token={TOKEN}")[0], 200)
        self.assertEqual([get(self.server, path)[0] for path in ("/", "/healthz", "/readyz")], [200] * 3)
        self.assertEqual(self.status_of(), 401)
        self.assertEqual(self.status_of(query={"token": "other"}), 401)
        self.assertEqual(self.status_of(query={"token": TOKEN}), 101)
        self.assertEqual(self.status_of(headers=bearer), 101)
        with self.server.connect() as connection:  # The server answers before the body, which may be large.
            connection.sendall(b"POST /v1/images/edits HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
            self.assertIn(b" 401 ", connection.recv(1000))
        with self.assertRaises(openai.AuthenticationError), openai.OpenAI(base_url=self.server.url + "v1", api_key="other", max_retries=0) as client:
            client.models.list()

    def test_foreign_pages_are_refused(self):
        query = {"token": TOKEN}
        own = self.server.url.rstrip("/")
        for origin, status in (("https://evil.example", 403), ("null", 403), (own + ".evil.example", 403), (own, 101), ("https://friend.example", 101)):
            with self.subTest(origin=origin):
                self.assertEqual(self.status_of(query=query, origin=origin), status)

    def test_foreign_names_are_refused(self):
        for host, status in (("evil.example", 421), ("localhost.evil.example", 421), ("", 421), ("studio.example", 200), ("localhost:1", 200), ("[::1]", 200)):
            with self.subTest(host=host):
                self.assertEqual(get(self.server, "/", headers={"Host": host})[0], status)


class Tls(unittest.TestCase):
    def check(self, server, context):
        self.assertTrue(server.url.startswith("https://"))
        self.assertEqual(get(server, "/healthz", context=context)[0], 200)
        with Session(server, ssl=context) as session:
            self.assertEqual(format_of(session.draw(DRAWING)), "jpeg")
        self.assertNotIn(b"200 OK", exchange(server, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        self.assertEqual(get(server, "/healthz", context=context)[0], 200)

    def test_self_signed(self):
        with Server("--tls-self-signed") as server:
            certificate = ssl.get_server_certificate(("127.0.0.1", server.port))
            context = ssl.create_default_context(cadata=certificate)
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT if hasattr(ssl, "VERIFY_X509_STRICT") else -1
            self.check(server, context)  # Checks the host name, too.

    def test_own_certificate(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate, key = f"{folder}/certificate.pem", f"{folder}/key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
            with Server("--tls-cert", certificate, "--tls-key", key) as server:
                self.check(server, ssl.create_default_context(cafile=certificate))


if __name__ == "__main__":
    main()
