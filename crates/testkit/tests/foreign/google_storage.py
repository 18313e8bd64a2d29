"""Google's own storage client, with credentials cut down by google-auth or handed out by the broker.

Nothing of the libraries is patched: the STS has no setting for its address, so the HTTP session that google-auth is
given sends what is meant for it to the emulator.
"""

import json
import re

import requests
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import Forbidden, NotFound, PreconditionFailed, Unauthorized
from google.auth import downscoped
from google.auth.exceptions import OAuthError
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import storage
from google.oauth2 import credentials as plain_credentials
from google.oauth2 import service_account

import peer_broker
from peer_lake import refused, run

SALES = "wh/sales/"
SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
MEBIBYTE = 1 << 20


class ToEmulator(requests.adapters.HTTPAdapter):
    """Sends what is meant for Google's STS to the emulator's."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, **options):
        request.url = request.url.replace("https://sts.googleapis.com", self.url)
        return super().send(request, **options)


class Held(plain_credentials.Credentials):
    """A token that somebody holds and cannot renew."""

    def refresh(self, request):
        pass


def session(lake):
    made = requests.Session()
    made.trust_env = False
    made.mount("https://sts.googleapis.com/", ToEmulator(lake.cloud))
    return made


def bucket(lake, credentials):
    """The bucket as these credentials see it, through google-cloud-storage."""
    http = AuthorizedSession(credentials, auth_request=Request(session(lake)))
    http.trust_env = False
    options = ClientOptions(api_endpoint=lake.cloud)
    client = storage.Client(project="emulated", credentials=credentials, _http=http, client_options=options)
    return client.bucket(lake.bucket)


def owner(lake):
    return service_account.Credentials.from_service_account_file(lake.key_file, scopes=SCOPES)


def rule(lake, roles, expression):
    return downscoped.AccessBoundaryRule(
        available_resource=f"//storage.googleapis.com/projects/_/buckets/{lake.bucket}",
        available_permissions=[f"inRole:roles/storage.{role}" for role in roles],
        availability_condition=downscoped.AvailabilityCondition(expression),
    )


def sales_boundary(lake, *roles):
    """What Google's documents advise for one prefix: objects by name, listings by the prefix they ask for."""
    objects = f"resource.name.startsWith('projects/_/buckets/{lake.bucket}/objects/{SALES}')"
    listings = f"api.getAttribute('storage.googleapis.com/objectListPrefix', '').startsWith('{SALES}')"
    rules = [rule(lake, roles, objects), rule(lake, ["objectViewer"], listings)]
    return downscoped.CredentialAccessBoundary(rules=rules)


def cut_down(lake, boundary):
    return downscoped.Credentials(source_credentials=owner(lake), credential_access_boundary=boundary)


def reads_and_lists(lake, sales):
    """Everything that reading is, on the objects that the lake begins with."""
    part = sales.blob("wh/sales/part-0.csv")
    assert part.exists() and part.download_as_bytes() == b"order,amount\n1,10\n"
    assert part.download_as_bytes(start=1, end=3) == b"rde"
    assert part.download_as_bytes(start=13) == b"1,10\n"
    found = sales.get_blob(part.name)
    assert (found.size, found.metageneration, found.name) == (18, 1, part.name)
    with part.open("rb") as file:
        file.seek(6)
        assert file.read(6) == b"amount"
    for name in ("wh/sales/dt=2026-11-01/hour=10%3A00/it's a+b.csv", "wh/sales/dt=2026-11-02/käse.csv"):
        assert sales.blob(name).exists() and len(sales.blob(name).download_as_bytes()) == 5, name
    names = [blob.name for blob in sales.list_blobs(prefix=SALES)]
    assert names == sorted(names, key=str.encode) and len(names) == 3, names
    folders = sales.list_blobs(prefix=SALES, delimiter="/")
    assert [blob.name for blob in folders] == [part.name]
    assert folders.prefixes == {"wh/sales/dt=2026-11-01/", "wh/sales/dt=2026-11-02/"}
    pages = [[blob.name for blob in page] for page in sales.list_blobs(prefix=SALES, page_size=1).pages]
    assert pages == [[name] for name in names], pages
    with refused(NotFound, code=404):
        sales.blob("wh/sales/absent").download_as_bytes()
    assert not sales.blob("wh/sales/absent").exists() and sales.get_blob("wh/sales/absent") is None


def works(lake, sales):
    """Everything that a job does below its prefix."""
    made = sales.blob("wh/sales/job/a.txt")
    made.upload_from_string(b"alpha", content_type="text/plain")
    assert made.size == 5 and made.md5_hash and made.download_as_bytes() == b"alpha"
    with refused(PreconditionFailed, code=412):
        made.upload_from_string(b"again", if_generation_match=0)
    first = made.generation
    made.upload_from_string(b"again", if_generation_match=first)
    assert made.generation > first
    copied = sales.copy_blob(made, sales, "wh/sales/job/copied.txt")
    assert copied.download_as_bytes() == b"again"
    rewritten = sales.blob("wh/sales/job/rewritten.txt")
    assert rewritten.rewrite(made) == (None, 5, 5)
    whole = sales.blob("wh/sales/job/whole.txt")
    whole.compose([copied, rewritten])
    assert whole.download_as_bytes() == b"againagain" and whole.component_count in (None, 2)
    for blob in (made, copied, rewritten, whole):
        blob.delete()
    with refused(NotFound, code=404):
        whole.delete()
    assert not list(sales.list_blobs(prefix="wh/sales/job/"))


def writes_large_objects(lake, sales):
    """Resumable uploads, in chunks and at once: the data comes back byte for byte."""
    content = bytes(range(256)) * (9 * MEBIBYTE // 256) + b"the end"
    at_once = sales.blob("wh/sales/large/at-once")
    at_once.upload_from_string(content)
    in_chunks = sales.blob("wh/sales/large/in-chunks", chunk_size=MEBIBYTE)
    with in_chunks.open("wb") as file:
        for start in range(0, len(content), 700_000):
            file.write(content[start : start + 700_000])
    for blob in (at_once, in_chunks):
        blob.reload()
        assert blob.size == len(content)
        assert blob.download_as_bytes() == content
        blob.delete()


def is_refused_next_door(lake, sales):
    """What lies outside is refused, whether it is there or not, and nothing of it is told."""
    outside = ("wh/sales_private/margins.csv", "people/salaries.csv", "wh/sales_private/absent", "wh")
    for name in outside:
        blob = sales.blob(name)
        for call in (blob.download_as_bytes, blob.reload, blob.delete, lambda blob=blob: blob.upload_from_string(b"x")):
            with refused(Forbidden, code=403):
                call()
        with refused(Forbidden, code=403):
            sales.copy_blob(blob, sales, "wh/sales/stolen")
    with refused(Forbidden, code=403):
        sales.copy_blob(sales.blob("wh/sales/part-0.csv"), sales, "wh/sales_private/planted")
    with refused(Forbidden, code=403):
        sales.blob("wh/sales/stolen").compose([sales.blob("people/salaries.csv")])
    for prefix in ("wh/", "wh/sales", "wh/sales_private/", "people/", "", None):
        with refused(Forbidden, code=403):
            list(sales.list_blobs(prefix=prefix))
    assert not sales.blob("wh/sales/stolen").exists()


def may_not_write(lake, sales):
    """A reader's credentials change nothing."""
    part = sales.blob("wh/sales/part-0.csv")
    changes = (
        part.delete,
        part.patch,
        lambda: part.upload_from_string(b"x"),
        lambda: sales.blob("wh/sales/new").upload_from_string(b"x"),
        lambda: sales.blob("wh/sales/new").upload_from_string(bytes(9 * MEBIBYTE)),
        lambda: sales.copy_blob(part, sales, "wh/sales/copy"),
    )
    for change in changes:
        with refused(Forbidden, code=403):
            change()
    assert part.download_as_bytes() == b"order,amount\n1,10\n"


def may_not_update(lake, sales):
    """Metadata is changed by a permission of its own, which no operation of Lakegate's gives."""
    part = sales.blob("wh/sales/part-0.csv")
    part.metadata = {"owner": "nobody"}
    with refused(Forbidden, code=403):
        part.patch()


def downscoped_by_google_auth(lake):
    """Google's own downscoping: key file, token endpoint, STS, storage."""
    sales = bucket(lake, cut_down(lake, sales_boundary(lake, "legacyObjectReader", "legacyBucketWriter")))
    reads_and_lists(lake, sales)
    works(lake, sales)
    writes_large_objects(lake, sales)
    may_not_update(lake, sales)
    is_refused_next_door(lake, sales)
    updating = bucket(lake, cut_down(lake, sales_boundary(lake, "objectUser")))
    part = updating.blob("wh/sales/part-0.csv")
    part.metadata, part.content_type = {"owner": "growth", "gone": "soon"}, "text/csv"
    part.patch()
    part.metadata = {"owner": "growth", "gone": None}
    part.patch()
    found = updating.get_blob(part.name)
    assert (found.metadata, found.content_type, found.metageneration) == ({"owner": "growth"}, "text/csv", 3)
    may_not_write(lake, bucket(lake, cut_down(lake, sales_boundary(lake, "legacyObjectReader"))))


def downscoped_by_our_document(lake):
    """A boundary as Lakegate writes it, put into google-auth's own classes and exchanged by google-auth."""
    rules = []
    for sent in json.loads(lake.more["boundary"])["accessBoundary"]["accessBoundaryRules"]:
        condition = downscoped.AvailabilityCondition(sent["availabilityCondition"]["expression"])
        rules.append(downscoped.AccessBoundaryRule(sent["availableResource"], sent["availablePermissions"], condition))
    sales = bucket(lake, cut_down(lake, downscoped.CredentialAccessBoundary(rules)))
    as_a_token_for_sales(lake, sales)


def as_a_token_for_sales(lake, sales):
    reads_and_lists(lake, sales)
    works(lake, sales)
    writes_large_objects(lake, sales)
    may_not_update(lake, sales)
    is_refused_next_door(lake, sales)
    # A folder is also asked for by its name without the slash; Google's advice for a prefix leaves that out.
    assert sales.blob("wh/sales").download_as_bytes() == b"the folder's own name"


def refuses_what_google_refuses(lake):
    """The emulated STS answers google-auth as Google's does."""
    sales = sales_boundary(lake, "legacyObjectReader")
    once = cut_down(lake, sales)
    once.refresh(Request(session(lake)))
    assert re.fullmatch(r"[\x21-\x7e]+", once.token) and once.expiry is not None
    for token in (once.token, "ya29.unknown"):
        with refused(OAuthError):
            downscoped.Credentials(Held(token), sales).refresh(Request(session(lake)))
    for condition in ("true", "resource.name.matches('.*')", "resource.name.startsWith(", "x" * 3000):
        wrong = downscoped.CredentialAccessBoundary([rule(lake, ["objectViewer"], condition)])
        with refused(OAuthError):
            cut_down(lake, wrong).refresh(Request(session(lake)))
    with refused(Unauthorized, code=401):
        bucket(lake, Held("ya29.unknown")).blob("wh/sales/part-0.csv").download_as_bytes()


def brokered(lake, name, *operations):
    text, ends = peer_broker.token(lake, name, f"gs://{lake.bucket}/{SALES}", *operations)
    return bucket(lake, plain_credentials.Credentials(text, expiry=ends))


def brokered_for_a_worker(lake):
    """The same work with a token from the broker."""
    as_a_token_for_sales(lake, brokered(lake, "alice", "read", "list", "write", "delete"))


def brokered_for_a_reader(lake):
    """A reader's token reads and lists, and no more."""
    sales = brokered(lake, "bob", "read", "list")
    reads_and_lists(lake, sales)
    may_not_write(lake, sales)
    is_refused_next_door(lake, sales)


def brokered_without_listing(lake):
    """Who may read but not list gets objects and no names."""
    sales = brokered(lake, "walter", "read")
    assert sales.blob("wh/sales/part-0.csv").download_as_bytes() == b"order,amount\n1,10\n"
    with refused(Forbidden, code=403):
        list(sales.list_blobs(prefix=SALES))
    may_not_write(lake, sales)


if __name__ == "__main__":
    run(
        downscoped_by_google_auth,
        downscoped_by_our_document,
        refuses_what_google_refuses,
        brokered_for_a_worker,
        brokered_for_a_reader,
        brokered_without_listing,
    )
