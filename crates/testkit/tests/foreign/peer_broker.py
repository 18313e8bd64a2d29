"""A gRPC client of the broker by people who know only the `.proto` files: grpcio, with stubs made on the spot."""

import importlib
import pathlib
import sys

import grpc
import grpc_tools
from grpc_tools import protoc

FILES = ("access", "policy")


def stubs(lake):
    """Compiles the schema as any user would; gives the modules (access_pb2, access_pb2_grpc, policy_pb2, ...)."""
    well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
    files = [f"lakegate/v1/{name}.proto" for name in FILES]
    arguments = [f"-I{lake.schema}", f"-I{well_known}"]
    outputs = [f"--python_out={lake.generated}", f"--grpc_python_out={lake.generated}"]
    assert protoc.main(["protoc", *arguments, *outputs, *files]) == 0, "protoc refuses the schema"
    sys.path.insert(0, lake.generated)
    names = [f"{name}_pb2{suffix}" for name in FILES for suffix in ("", "_grpc")]
    return [importlib.import_module(f"lakegate.v1.{name}") for name in names]


def channel(lake, name, authority=None, options=(), compression=None):
    """A channel with somebody's certificate, or with none when `name` is None."""

    def read(path):
        return pathlib.Path(path).read_bytes()

    mine = lake.certificates[name] if name else None
    credentials = grpc.ssl_channel_credentials(
        root_certificates=read(authority or lake.authority),
        private_key=read(mine["key"]) if mine else None,
        certificate_chain=read(mine["certificate"]) if mine else None,
    )
    return grpc.secure_channel(lake.broker, credentials, options=options, compression=compression)


def token(lake, name, path, *operations):
    """A brokered token for one part: the bearer text and its end, a naive UTC time as google-auth wants it."""
    access, access_grpc, *_ = stubs(lake)
    part = access.Part(path=path, operations=[access.Operation.Value(f"OPERATION_{o.upper()}") for o in operations])
    with channel(lake, name) as connected:
        service = access_grpc.AccessTokenServiceStub(connected)
        answer = service.GetAccessToken(access.GetAccessTokenRequest(parts=[part]), timeout=30)
    return answer.bearer.token, answer.expires_at.ToDatetime()
