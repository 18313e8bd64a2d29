"""grpcio, the C core with its own HTTP/2 and TLS, against the broker's port."""

import datetime
import json

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

import peer_broker
from peer_lake import run

LIMIT = 30
METHOD = "/lakegate.v1.AccessTokenService/GetAccessToken"


class Client:
    """Somebody with a channel and the compiled schema."""

    def __init__(self, lake, name, **channel):
        self.lake = lake
        self.access, access_grpc, self.policy, policy_grpc = peer_broker.stubs(lake)
        self.channel = peer_broker.channel(lake, name, **channel)
        self.tokens = access_grpc.AccessTokenServiceStub(self.channel)
        self.policies = policy_grpc.PolicyServiceStub(self.channel)

    def part(self, path, *operations):
        numbers = [self.access.Operation.Value(f"OPERATION_{name.upper()}") for name in operations]
        return self.access.Part(path=f"gs://{self.lake.bucket}/{path}", operations=numbers)

    def request(self, path="wh/sales/", *operations):
        parts = [self.part(path, *(operations or ("read",)))]
        return self.access.GetAccessTokenRequest(parts=parts)

    def get(self, *part, **options):
        return self.tokens.GetAccessToken(self.request(*part), timeout=LIMIT, **options)


def fails(call, code, reason=None, retry=False):
    """The call fails with this code and, when the broker said it, the details that are promised; gives the text."""
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{code} expected: {error}"
        status = rpc_status.from_call(error)
        if reason is None:
            assert status is None, f"details of {error} that nobody promised"
            return error.details()
        assert status is not None, f"no details: {error}"
        assert status.code == code.value[0] and status.message == error.details()
        info, again = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        details = sorted(status.details, key=lambda detail: detail.type_url)
        assert details[0].Unpack(info), status
        assert (info.domain, info.reason) == ("lakegate", reason), info
        assert list(info.metadata) == ["audit_id"] and info.metadata["audit_id"]
        assert len(details) == 1 + retry, status
        if retry:
            assert details[1].Unpack(again) and again.retry_delay.ToTimedelta() > datetime.timedelta(0)
        return error.details()
    raise AssertionError(f"it did not fail with {code}")


def answers(lake):
    """Every method, as documented in the schema."""
    alice = Client(lake, "alice")
    answer = alice.get("wh/sales/part-0.csv", "read")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert answer.WhichOneof("credential") == "bearer" and answer.bearer.token
    assert now < answer.refresh_after.ToDatetime() < answer.expires_at.ToDatetime()
    assert [part.path for part in answer.covered] == [f"gs://{lake.bucket}/wh/sales/"]
    assert alice.access.OPERATION_READ in answer.closure and answer.storage == "lake" and answer.audit_id
    again = alice.get("wh/sales/dt=2026-11-02/käse.csv", "read", "list")
    assert again.bearer.token == answer.bearer.token and again.audit_id != answer.audit_id
    batch = alice.access.BatchGetAccessTokensRequest(
        requests=[alice.request("wh/sales/x"), alice.request("wh/sales/y"), alice.request("people/")]
    )
    several = alice.tokens.BatchGetAccessTokens(batch, timeout=LIMIT)
    assert [result.WhichOneof("outcome") for result in several.results] == ["token", "token", "error"]
    assert len(several.tokens) == 1 and several.tokens[0].bearer.token == answer.bearer.token
    error = several.results[2].error
    assert (error.code, error.reason, error.retry_after_millis) == (7, "PERMISSION_DENIED", 0), error
    mine = alice.policies.Explain(alice.policy.ExplainRequest(part=alice.part("wh/sales/", "read")), timeout=LIMIT)
    assert mine.allowed and isinstance(json.loads(mine.document), dict)
    other = alice.policy.ExplainRequest(part=alice.part("people/", "read"), principal="bob")
    fails(lambda: alice.policies.Explain(other, timeout=LIMIT), grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    boss = Client(lake, "administrator")
    assert not boss.policies.Explain(other, timeout=LIMIT).allowed
    page = alice.policies.ListDatasets(alice.policy.ListDatasetsRequest(page_size=1), timeout=LIMIT)
    assert [dataset.name for dataset in page.datasets] == ["sales"] and not page.next_page_token
    print("decisions:", 9)


def refuses(lake):
    """Everything a caller can do wrong has its code, its reason and its audit id."""
    alice = Client(lake, "alice")
    code, asked = grpc.StatusCode, 0

    def refused(call, *wanted):
        nonlocal asked
        asked += 1
        fails(call, *wanted)

    refused(lambda: alice.get("people/salaries.csv"), code.PERMISSION_DENIED, "PERMISSION_DENIED")
    refused(lambda: alice.get("wh/sales_private/"), code.PERMISSION_DENIED, "PERMISSION_DENIED")
    for path in ("wh/../people/", "wh//sales/", "wh/sales/\x01", "wh/./x", "x" * 1100):
        refused(lambda path=path: alice.get(path), code.INVALID_ARGUMENT, "INVALID_PATH")
    message = alice.access
    part = alice.part("wh/sales/", "read")

    def sends(*parts, **fields):
        request = message.GetAccessTokenRequest(parts=parts, **fields)
        return lambda: alice.tokens.GetAccessToken(request, timeout=LIMIT)

    refused(sends(), code.INVALID_ARGUMENT, "INVALID_PARTS")
    refused(sends(*[part] * 5), code.INVALID_ARGUMENT, "INVALID_PARTS")
    refused(sends(message.Part(path=part.path)), code.INVALID_ARGUMENT, "INVALID_OPERATIONS")
    refused(sends(message.Part(path=part.path, operations=[99])), code.INVALID_ARGUMENT, "INVALID_OPERATIONS")
    refused(sends(part, rejected_token_sha256=b"short"), code.INVALID_ARGUMENT, "INVALID_FIELD")
    raw = alice.channel.unary_unary(METHOD, request_serializer=bytes, response_deserializer=bytes)
    for bytes_sent in (b"\xff\xff\xff", b"\x0a\x05ab"):
        refused(lambda sent=bytes_sent: raw(sent, timeout=LIMIT), code.INVALID_ARGUMENT, "MALFORMED_REQUEST")
    large = b"\x0a" + b"\xff\xff\x3f" + bytes(0xFFFFF)
    refused(lambda: raw(large, timeout=LIMIT), code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    for value in ("Bearer ya29.somebody", "Basic YTpi", ""):
        metadata = [("authorization", value)]
        refused(lambda m=metadata: alice.get(metadata=m), code.UNAUTHENTICATED, "UNAUTHENTICATED")
    for name in ("/lakegate.v1.AccessTokenService/Nothing", "/lakegate.v1.Nothing/GetAccessToken"):
        absent = alice.channel.unary_unary(name, request_serializer=bytes, response_deserializer=bytes)
        refused(lambda call=absent: call(b"", timeout=LIMIT), code.UNIMPLEMENTED, "UNIMPLEMENTED")
    # A field that this schema does not have is passed over: it changes nothing.
    newer = alice.request().SerializeToString() + b"\xa2\x06\x02hi"
    answer = message.GetAccessTokenResponse.FromString(raw(newer, timeout=LIMIT))
    assert answer.bearer.token == alice.get().bearer.token, "after all this the channel still serves"
    print("decisions:", asked + 2)


def handshakes(lake):
    """TLS as the C core does it: only a certificate of the right authority gets an answer, only ours is trusted."""
    strangers = {
        "a certificate of another authority": Client(lake, "stranger"),
        "a broker that this client does not trust": Client(lake, "alice", authority=lake.wrong_authority),
    }
    for what, client in strangers.items():
        text = fails(client.get, grpc.StatusCode.UNAVAILABLE)
        assert text, what
        client.channel.close()
    # Where delegation tokens are believed a handshake may do without a certificate, and then there is no caller.
    nobody = Client(lake, None)
    assert fails(nobody.get, grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    nobody.channel.close()
    assert Client(lake, "alice").get().bearer.token
    print("decisions:", 2)


def many_at_once(lake):
    """Hundreds of calls in flight on one channel, and a second one beside it."""
    clients = [Client(lake, "alice"), Client(lake, "bob", options=[("grpc.use_local_subchannel_pool", 1)])]
    calls = [
        client.tokens.GetAccessToken.future(client.request("wh/sales/", "read", "list"), timeout=LIMIT)
        for _ in range(300)
        for client in clients
    ]
    seen = {call.result().bearer.token for call in calls}
    assert 1 <= len(seen) <= 2, "a scope has one token"
    print("decisions:", len(calls))


def compressed(lake):
    """The broker takes no compressed messages, and says so in the way gRPC has for it."""
    alice = Client(lake, "alice", compression=grpc.Compression.Gzip)
    long = alice.request("wh/sales/" + "x" * 500)
    try:
        alice.tokens.GetAccessToken(long, timeout=LIMIT)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
    else:
        raise AssertionError("a compressed message was taken")


def unavailable(lake):
    """The token service is away: UNAVAILABLE, and when to come again."""
    alice = Client(lake, "alice")
    fails(alice.get, grpc.StatusCode.UNAVAILABLE, "TOKEN_SERVICE_UNAVAILABLE", retry=True)
    print("decisions:", 1)


def impatient(lake):
    """The token service hangs: a deadline and a cancelled call end at the client at once, and nothing is stuck."""
    alice = Client(lake, "alice")
    waiting = alice.tokens.GetAccessToken.future(alice.request("wh/sales/", "read"), timeout=LIMIT)
    try:
        alice.tokens.GetAccessToken(alice.request("wh/sales/part-0.csv"), timeout=0.3)
    except grpc.RpcError as error:
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error
    else:
        raise AssertionError("it did not wait for the token service")
    waiting.cancel()
    assert waiting.cancelled()
    page = alice.policies.ListDatasets(alice.policy.ListDatasetsRequest(), timeout=LIMIT)
    assert len(page.datasets) == 1, "what needs no token is answered meanwhile"


if __name__ == "__main__":
    run(answers, refuses, handshakes, many_at_once, compressed, unavailable, impatient)
