"""A token service made of google-auth alone: it takes an exchange only when google-auth would have sent the same.

What arrives is put into google-auth's own classes; these refuse what is no boundary. Then google-auth makes its own
exchange of that boundary, which is caught before it leaves, and both forms are compared.
"""

import http.server
import json
import sys
import urllib.parse

from google.auth import downscoped
from google.oauth2.credentials import Credentials

GRANTED = {
    "access_token": "ya29.downscoped-by-nobody",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 3600,
}


def form(text):
    """A form whose fields each come once."""
    pairs = urllib.parse.parse_qsl(text, strict_parsing=True, keep_blank_values=True)
    fields = dict(pairs)
    assert len(fields) == len(pairs), "a field comes twice"
    return fields


def boundary(document):
    """The boundary in google-auth's classes, which check resources, permissions and the number of rules."""
    rules = []
    for rule in document["accessBoundary"]["accessBoundaryRules"]:
        condition = downscoped.AvailabilityCondition(**rule["availabilityCondition"])
        rules.append(downscoped.AccessBoundaryRule(rule["availableResource"], rule["availablePermissions"], condition))
    read = downscoped.CredentialAccessBoundary(rules)
    assert read.to_json() == document, f"google-auth reads something else: {read.to_json()}"
    return read


class Held(Credentials):
    """A source token that needs no renewal."""

    def refresh(self, request):
        pass


def sent_by_google(source, read):
    """The form that google-auth sends for the boundary, and where it sends it."""
    caught = {}

    class Answer:
        status, headers, data = 200, {}, json.dumps(GRANTED).encode()

    def catch(url, method, headers, body):
        caught.update(url=url, method=method, type=headers["Content-Type"], body=body.decode())
        return Answer

    downscoped.Credentials(Held(source), read).refresh(catch)
    return caught


class TokenService(http.server.BaseHTTPRequestHandler):
    """POST takes an exchange; GET gives the last boundary that was taken."""

    last = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode("ascii")
        try:
            self.take(body)
        except Exception as error:
            self.answer(400, {"error": "invalid_request", "error_description": repr(error)})
        else:
            self.answer(200, GRANTED)

    def take(self, body):
        ours = form(body)
        document = json.loads(ours["options"])
        google = sent_by_google(ours["subject_token"], boundary(document))
        theirs = form(google["body"])
        # google-auth percent-encodes the document before the form is encoded; both ways are taken in the cloud.
        theirs["options"] = json.loads(urllib.parse.unquote(theirs["options"]))
        assert theirs == ours | {"options": document}, f"google-auth sends {theirs}"
        path = urllib.parse.urlsplit(google["url"]).path
        assert (google["method"], path) == ("POST", self.path), google
        assert self.headers["content-type"] == google["type"] and "authorization" not in self.headers
        TokenService.last = document

    def do_GET(self):
        self.answer(200, TokenService.last)

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenService)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdout.close()
    server.serve_forever()
