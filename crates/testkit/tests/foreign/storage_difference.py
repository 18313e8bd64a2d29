"""The same storage calls against our emulator and against fake-gcs-server, answers compared.

Random sequences keep to ground where both know what to do: every status, every name, every byte of content and every
member of a resource must be equal, and versions must move alike. What fake-gcs-server says differently everywhere
stands in `SPELLINGS`; single calls where the two differ stand in `DIFFERENCES`. Each entry says why we are right by
Google's documentation and must still be seen, so that none outlives what it is about.
"""

import collections
import functools
import http

from peer_lake import run
from storage_calls import (
    BUCKET,
    NAMES,
    OBJECTS,
    Dice,
    LostConnection,
    Server,
    Theirs,
    compose,
    copy,
    delete,
    download,
    fake_gcs_server,
    get,
    listing,
    media,
    patch,
    upload,
)

SEQUENCES, LENGTH = 60, 60
#: How often the other emulator may leave a call without an answer in one run.
LOST = 3
REASONS = {404: "notFound", 412: "conditionNotMet", 416: "requestedRangeNotSatisfiable"}


def reason_is_the_phrase(step, ours, theirs):
    """`errors[].reason` is a word of the JSON API's list; theirs is the phrase of the HTTP status."""
    status = theirs["status"]
    if theirs.get("error") == (status, http.HTTPStatus(status).phrase):
        return {"error": (status, REASONS[status])}


def download_without_error_document(step, ours, theirs):
    """The JSON API answers an error with an error document; theirs answers a failed download with plain text."""
    if step.kind == "download" and theirs["status"] >= 400 and theirs["error"] is None:
        return {"error": (theirs["status"], REASONS[theirs["status"]])}


def delete_answers_200(step, ours, theirs):
    """An empty response is 204; theirs is 200 with the word null."""
    if step.kind == "delete" and theirs["status"] == 200:
        return {"status": 204}


def patch_answers_half_a_resource(step, ours, theirs):
    """`patch` answers a resource, which has a kind; theirs leaves it out."""
    if step.kind == "patch" and theirs["status"] == 200 and theirs["kind"] is None:
        return {"kind": "storage#object"}


SPELLINGS = (
    reason_is_the_phrase,
    download_without_error_document,
    delete_answers_200,
    patch_answers_half_a_resource,
)


def compared(step, ours, theirs, seen):
    """Fails unless both say the same, spellings aside."""
    for spelling in SPELLINGS:
        changed = spelling(step, ours, theirs)
        if changed is not None:
            seen[spelling.__name__] += 1
            theirs = theirs | changed
    both_say = {name: (ours.get(name), theirs.get(name)) for name in ours | theirs}
    different = {name: pair for name, pair in both_say.items() if pair[0] != pair[1]}
    assert not different, f"{step}\n(ours, theirs): {different}"


def both(lake, fake):
    servers = Server(lake.cloud, lake.more["token"]), Theirs(fake, "anybody")
    made = servers[1].call("POST", "/storage/v1/b", {}, json={"name": BUCKET})
    assert made.status_code == 200, made.text
    return servers


def on_both(lake, *cases):
    """Each case on ours and theirs. Where theirs breaks off, a fresh one takes its place and the case begins again."""
    waiting, lost = collections.deque(cases), []
    while waiting:
        with fake_gcs_server() as fake:
            servers = both(lake, fake)
            try:
                while waiting:
                    waiting[0](*servers)
                    waiting.popleft()
            except LostConnection as error:
                lost.append(error)
                assert len(lost) <= LOST, lost
    if lost:
        print("theirs broke off, and the case began again:", lost)


def sequences(lake):
    """Random sequences of calls, each from a bucket that has half of the names."""
    seen, kinds = collections.Counter(), collections.Counter()
    on_both(lake, *(functools.partial(sequence, seed, seen, kinds) for seed in range(SEQUENCES)))
    print(sum(kinds.values()), "calls:", dict(kinds))
    assert set(seen) == {spelling.__name__ for spelling in SPELLINGS}, f"only {seen} are still needed"
    wanted = {("upload", 412), ("get", 404), ("download", 206), ("download", 416), ("rewrite", 404), ("delete", 404)}
    assert wanted <= set(kinds), f"never tried: {wanted - set(kinds)}"


def sequence(seed, seen, kinds, ours, theirs):
    ours.empty(), theirs.empty()
    dice, done = Dice(seed), [upload(name) for name in NAMES[seed % 2 :: 2]]
    for step in done:
        compared(step, step.on(ours), step.on(theirs), seen)
    for _ in range(LENGTH):
        step = dice.step()
        done.append(step)
        one, other = step.on(ours), step.on(theirs)
        kinds[step.kind, one["status"]] += 1
        try:
            compared(step, one, other, seen)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, after {done[:-1]}\n{error}") from None


def pages(lake):
    """Listings page by page: the same names and groups on the same pages."""
    on_both(lake, same_pages)


def same_pages(*servers):
    for server in servers:
        for name in NAMES:
            upload(name).on(server)
    for size in (1, 2, 3, 5, len(NAMES), 1000):
        for prefix in ("", "a", "a/", "b/c=1/", "nothing"):
            params = {"maxResults": size, "prefix": prefix}
            ours, theirs = (all_pages(server, params) for server in servers)
            assert ours == theirs, f"{params}: {ours}, {theirs}"
        # In groups, a page counts objects and groups together; theirs repeats the groups on every page.
        grouped = {"maxResults": size, "delimiter": "/"}
        ours, theirs = (all_pages(server, grouped) for server in servers)
        assert all(len(names) + len(groups) <= size for names, groups in ours), ours
        names, groups = ([entry for page in ours for entry in page[kind]] for kind in (0, 1))
        assert names == [entry for page in theirs for entry in page[0]], theirs
        assert groups == theirs[0][1], theirs


def all_pages(server, params):
    found, token = [], {}
    while True:
        document = server.call("GET", OBJECTS, params | token).json()
        found.append(([item["name"] for item in document.get("items", [])], document.get("prefixes", [])))
        if "nextPageToken" not in document:
            return found
        token = {"pageToken": document["nextPageToken"]}


#: Why, the calls that prepare, the call, and what of its answer is different: ours, then theirs.
Difference = collections.namedtuple("Difference", "why before call ours theirs")


def ignored(why, before, call, status=412):
    """A call that we refuse and that theirs does, because it does not look at what it is told."""
    return Difference(why, before, call, {"status": status}, {"status": 200})


ONE = [upload("a", b"alpha")]
TWO = [upload("a", b"alpha"), upload("z", b"omega", metadata={"a": "1", "b": "2"})]
DEEP = [upload("a/b/c")]
OTHER = ("another than of", "a")
DIFFERENCES = (
    ignored("a precondition holds for every kind of upload", ONE, media("a", ifGenerationMatch=0)),
    ignored("the version guards a deletion", ONE, delete("a", ifGenerationMatch=OTHER)),
    ignored("the version guards a read", ONE, get("a", ifGenerationMatch=OTHER)),
    ignored("who has this version is told so", ONE, get("a", ifGenerationNotMatch=("version of", "a")), 304),
    ignored("the metadata's version guards a change", ONE, patch("a", {}, ifMetagenerationMatch=7)),
    ignored("and one that it must not have", ONE, patch("a", {}, ifMetagenerationNotMatch=1)),
    ignored("a precondition guards the target of a rewrite", TWO, copy("a", "z", ifGenerationMatch=0)),
    ignored("and its source", TWO, copy("a", "z", ifSourceGenerationMatch=OTHER)),
    ignored("a precondition guards composing", TWO, compose("z", "a", ifGenerationMatch=0)),
    ignored("a version that is not there cannot be deleted", ONE, delete("a", generation=OTHER), 404),
    ignored("nor changed", ONE, patch("a", {}, generation=OTHER), 404),
    Difference(
        "null takes an entry of the metadata away",
        TWO,
        patch("z", {"metadata": {"b": None}}),
        {"metadata": {"a": "1"}},
        {"metadata": {"a": "1", "b": ""}},
    ),
    Difference(
        "a group ends with the whole delimiter",
        DEEP,
        listing(delimiter="b/"),
        {"prefixes": ["a/b/"]},
        {"prefixes": ["a/b"]},
    ),
    Difference(
        "startOffset is compared with names of objects, not with groups",
        DEEP,
        listing(delimiter="/", startOffset="a/b"),
        {"prefixes": ["a/"]},
        {"prefixes": []},
    ),
    Difference(
        "so is endOffset", DEEP, listing(delimiter="/", endOffset="a/b"), {"prefixes": []}, {"prefixes": ["a/"]}
    ),
    Difference(
        "an empty object has no range",
        [upload("a", b"")],
        download("a", "-2"),
        {"status": 416},
        {"status": 206, "content-range": "bytes 0--1/0"},
    ),
    Difference(
        "a composed object has no MD5",
        TWO,
        compose("a/b", "a", "z"),
        {"md5Hash": None, "size": "10", "crc32c": "sbfqkA=="},
        {"md5Hash": "561s4WjtqatvkLz0S926dA==", "size": "10", "crc32c": "sbfqkA=="},
    ),
    Difference(
        "composing over an object makes a new version",
        TWO,
        compose("z", "a"),
        {"version": "newer"},
        {"version": "as before"},
    ),
    Difference(
        "a source that is not there is not found", ONE, compose("z", "a", "b"), {"status": 404}, {"status": 500}
    ),
    Difference(
        "what has no type is served without a guess at it",
        [media("a", b"text", None)],
        download("a"),
        {"content-type": "application/octet-stream"},
        {"content-type": "text/plain; charset=utf-8"},
    ),
)


def differences(lake):
    """Each difference is there, on both sides as written."""
    wrong = []
    on_both(lake, functools.partial(as_written, wrong))
    assert not wrong, "\n".join(wrong)


def as_written(wrong, *servers):
    wrong.clear()
    for difference in DIFFERENCES:
        for who, server, wanted in zip(("ours", "theirs"), servers, (difference.ours, difference.theirs)):
            server.empty()
            for step in difference.before:
                assert step.on(server)["status"] == 200, step
            answer = difference.call.on(server)
            if any(answer.get(name) != value for name, value in wanted.items()):
                wrong.append(f"{difference.why}, {who}: {wanted} expected of {difference.call}, not {answer}")


if __name__ == "__main__":
    run(sequences, pages, differences)
