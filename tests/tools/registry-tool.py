#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""For tests of the registry client: a proxy that spoils what passes, and a way to put documents.

registry-tool.py proxy --port-file FILE --log FILE [--upstream PORT] [--cert FILE --key FILE]
                       [--tokens N [--user USER:PASSWORD] [--realm URL] [--evil-token]] [RULE...]
    Passes requests on to a registry at 127.0.0.1:PORT. A RULE is "TIMES REGEX ACTION [ARGUMENT...]", of words
    without blanks in them:
    the first one whose REGEX is found in "METHOD PATH" and that has not been applied TIMES times yet
    (0: always) is applied. Actions:
      status CODE [HEADER:VALUE...]  answers so
      body FILE [TYPE]               answers with the file
      redirect BASE                  leads to BASE and the path
      loop                           leads to the same path
      delay SECONDS                  waits, then passes it on
      cut N, stall N                 passes N bytes of the body and hangs up, or says no more
      flip N                         spoils byte N of the body
      short N, long N                N bytes less or more, with a Content-Length that fits
      norange                        answers as if no range had been asked for
      wrongrange                     says that the range begins elsewhere
      header NAME VALUE              replaces a header of the answer
      drop                           hangs up instead of an answer
      take N                         has the registry take N bytes of a PATCH, and hangs up
    With --tokens every request needs a bearer token, of which each is good for N requests.
    Each request is a line of JSON in the log.
registry-tool.py put URL FILE TYPE   puts a document, prints the status
registry-tool.py layer URL           prints the digest of the first layer of the manifest there
registry-tool.py port                prints a free port
"""
import argparse
import base64
import http.client
import http.server
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse


class Rule:
    def __init__(self, text):
        words = text.split()
        self.times = int(words[0])
        self.regex = re.compile(words[1])
        self.action, self.args = words[2], words[3:]
        self.used = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def choose(self):
        text = f"{self.command} {self.path}"
        with self.server.lock:
            for rule in self.server.rules:
                if rule.regex.search(text) and not 0 < rule.times <= rule.used:
                    rule.used += 1
                    return rule
        return None

    def record(self, status):
        line = {"method": self.command, "path": self.path, "status": status,
                "headers": {k.lower(): v for k, v in self.headers.items()}}
        with self.server.lock:
            self.server.log.write(json.dumps(line) + "\n")
            self.server.log.flush()

    def request_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            data = self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return b"".join(parts)
            parts.append(data)

    def answer(self, status, headers, body=b""):
        self.record(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # --- tokens ---

    def give_token(self):
        user = self.server.options.user
        if user:
            wanted = "Basic " + base64.b64encode(user.encode()).decode()
            if self.headers.get("Authorization") != wanted:
                return self.answer(401, [])
        with self.server.lock:
            self.server.next_token += 1
            token = f"tok-{self.server.next_token}"
            if self.server.options.evil_token:
                token += "\r\nX-Evil: 1"
            self.server.good[token] = self.server.options.tokens
        body = json.dumps({"token": token, "expires_in": 300}).encode()
        return self.answer(200, [("Content-Type", "application/json")], body)

    def has_token(self):
        if not self.server.options.tokens:
            return True
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.server.lock:
            left = self.server.good.get(token, 0)
            self.server.good[token] = left - 1
        return left > 0

    def ask_for_token(self):
        scheme = "https" if self.server.options.cert else "http"
        own = f"{scheme}://127.0.0.1:{self.server.server_port}/token"
        realm = self.server.options.realm or own
        self.answer(401, [("WWW-Authenticate", f'Bearer realm="{realm}",service="tests"')])

    # --- passing on ---

    def take(self, body):
        """The registry gets a part as if it were all; where it goes on is kept for the next request."""
        _, headers, _ = self.upstream(body, None)
        headers = dict(headers)
        where = urllib.parse.urlparse(headers["Location"])
        with self.server.lock:
            self.server.moved[where.path] = where.query, int(headers["Range"].split("-")[1]) + 1
        self.record(0)
        self.close_connection = True

    def moved(self):
        parts = urllib.parse.urlparse(self.path)
        with self.server.lock:
            query, _ = self.server.moved.get(parts.path, (None, 0))
            if query and self.command != "GET":
                del self.server.moved[parts.path]
        return f"{parts.path}?{query}" if query else self.path

    def is_misplaced(self):
        """A piece that does not begin where what was taken ends: docker's registry does not look."""
        place = self.headers.get("Content-Range")
        with self.server.lock:
            _, end = self.server.moved.get(urllib.parse.urlparse(self.path).path, (None, None))
        return self.command == "PATCH" and place and end and int(place.split("-")[0]) != end

    def upstream(self, body, rule):
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("transfer-encoding", "content-length", "connection")}
        if self.server.options.tokens:
            headers.pop("Authorization", None)
        if rule and rule.action == "norange":
            headers.pop("Range", None)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.options.upstream)
        connection.request(self.command, self.moved(), body=body or None, headers=headers)
        response = connection.getresponse()
        data = response.read()
        headers = [(k, v) for k, v in response.getheaders()
                   if k.lower() not in ("transfer-encoding", "connection", "content-length")]
        length = response.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        return response.status, headers + [("Content-Length", length or "0")], data

    def hang(self):
        while True:
            time.sleep(1)
            try:
                if not self.connection.recv(1, socket.MSG_DONTWAIT):
                    return
            except BlockingIOError:
                pass
            except OSError:
                return

    def spoil(self, rule, status, headers, data):
        argument = int(rule.args[0]) if rule.args and rule.args[0].isdigit() else 0
        if rule.action == "flip":
            data = data[:argument] + bytes([data[argument] ^ 1]) + data[argument + 1:]
        elif rule.action in ("short", "long"):
            data = data[:-argument] if rule.action == "short" else data + b"x" * argument
            headers = [h for h in headers if h[0].lower() != "content-length"]
        elif rule.action == "wrongrange":
            headers = [h for h in headers if h[0].lower() != "content-range"]
            headers.append(("Content-Range", "bytes 7-8/9"))
        elif rule.action == "header":
            headers = [h for h in headers if h[0].lower() != rule.args[0].lower()]
            headers.append((rule.args[0], " ".join(rule.args[1:])))
        elif rule.action == "drop":
            self.record(0)
            self.close_connection = True
            return
        elif rule.action in ("cut", "stall"):
            self.answer(status, headers, data[:argument])
            self.wfile.flush()
            if rule.action == "stall":
                self.hang()
            self.close_connection = True
            return
        self.answer(status, headers, data)

    def handle_one(self):
        body = self.request_body()
        if urllib.parse.urlparse(self.path).path == "/token":
            return self.give_token()
        if not self.has_token():
            return self.ask_for_token()
        rule = self.choose()
        if rule and rule.action == "status":
            headers = [tuple(h.split(":", 1)) for h in rule.args[1:]]
            return self.answer(int(rule.args[0]), headers)
        if rule and rule.action == "body":
            kind = rule.args[1] if len(rule.args) > 1 else "application/octet-stream"
            with open(rule.args[0], "rb") as file:
                return self.answer(200, [("Content-Type", kind)], file.read())
        if rule and rule.action in ("redirect", "loop"):
            base = rule.args[0] if rule.args else ""
            return self.answer(307, [("Location", base + self.path)])
        if rule and rule.action == "delay":
            time.sleep(float(rule.args[0]))
        if self.is_misplaced():
            return self.answer(416, [])
        if rule and rule.action == "take":
            return self.take(body[:int(rule.args[0])])
        status, headers, data = self.upstream(body, rule)
        if rule:
            return self.spoil(rule, status, headers, data)
        return self.answer(status, headers, data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is part of the tests


def proxy(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--upstream", type=int)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--tokens", type=int, default=0)
    parser.add_argument("--user")
    parser.add_argument("--realm")
    parser.add_argument("--evil-token", action="store_true")
    parser.add_argument("rules", nargs="*")
    server = Server(("127.0.0.1", 0), Handler)
    server.options = parser.parse_args(argv)
    server.rules = [Rule(text) for text in server.options.rules]
    server.lock, server.good, server.next_token = threading.Lock(), {}, 0
    server.moved = {}
    server.log = open(server.options.log, "a", encoding="ascii")
    if server.options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(server.options.cert, server.options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    temporary = server.options.port_file + ".new"
    with open(temporary, "w", encoding="ascii") as file:
        file.write(f"{server.server_port}\n")
    os.rename(temporary, server.options.port_file)
    server.serve_forever()


def put(argv):
    url, path, kind = argv
    parts = urllib.parse.urlparse(url)
    with open(path, "rb") as file:
        body = file.read()
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    connection.request("PUT", parts.path, body=body, headers={"Content-Type": kind})
    response = connection.getresponse()
    response.read()
    print(response.status)


def layer(argv):
    parts = urllib.parse.urlparse(argv[0])
    connection = http.client.HTTPConnection(parts.hostname, parts.port)
    connection.request("GET", parts.path, headers={"Accept": ", ".join((
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json"))})
    print(json.load(connection.getresponse())["layers"][0]["digest"])


def port(argv):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        print(s.getsockname()[1])


{"proxy": proxy, "put": put, "layer": layer, "port": port}[sys.argv[1]](sys.argv[2:])
