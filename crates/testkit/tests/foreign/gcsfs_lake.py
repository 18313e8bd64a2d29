"""gcsfs, the file system of pandas, Dask and friends, with a brokered token and nothing else."""

import os

# Else it probes the same port for gRPC over TLS, with long time limits.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"

import gcsfs
from google.oauth2.credentials import Credentials

import peer_broker
from peer_lake import refused, run


def file_system(lake, name, *operations):
    text, ends = peer_broker.token(lake, name, f"gs://{lake.bucket}/wh/sales/", *operations)
    credentials = Credentials(text, expiry=ends)
    return gcsfs.GCSFileSystem(token=credentials, endpoint_url=lake.cloud, cache_timeout=0, skip_instance_cache=True)


def reads(lake, fs):
    sales = f"{lake.bucket}/wh/sales"
    assert fs.cat(f"{sales}/part-0.csv") == b"order,amount\n1,10\n"
    assert fs.cat_file(f"{sales}/part-0.csv", start=6, end=12) == b"amount"
    with fs.open(f"{sales}/part-0.csv", "rb") as file:
        file.seek(13)
        assert file.read() == b"1,10\n"
    assert fs.info(f"{sales}/part-0.csv")["size"] == 18
    assert fs.exists(f"{sales}/part-0.csv") and not fs.exists(f"{sales}/absent")
    found = sorted(fs.ls(f"{sales}/", detail=False))
    assert found == [f"{sales}/dt=2026-11-01", f"{sales}/dt=2026-11-02", f"{sales}/part-0.csv"], found
    deep = fs.find(f"{sales}/")
    assert len(deep) == 3 and f"{sales}/dt=2026-11-01/hour=10%3A00/it's a+b.csv" in deep, deep
    assert fs.cat(f"{sales}/dt=2026-11-02/käse.csv") == b"3,30\n"
    assert fs.isdir(f"{sales}/dt=2026-11-01")


def is_refused_next_door(lake, fs):
    for path in ("wh/sales_private/margins.csv", "people/salaries.csv"):
        for call in (fs.cat_file, fs.rm_file, lambda path: fs.pipe_file(path, b"x")):
            with forbidden():
                call(f"{lake.bucket}/{path}")
    for path in ("wh/sales_private/", "people/", ""):
        with forbidden():
            fs.ls(f"{lake.bucket}/{path}")
    with forbidden():
        fs.cp_file(f"{lake.bucket}/people/salaries.csv", f"{lake.bucket}/wh/sales/stolen")


class forbidden:
    """gcsfs has several ways to say 403, and a class of its own for none of them."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        assert error is not None, "it was not refused"
        denied = str(error).startswith("Forbidden") or str(getattr(error, "code", "")) == "403"
        assert isinstance(error, OSError) and denied, repr(error)
        return True


def reader(lake):
    fs = file_system(lake, "bob", "read", "list")
    reads(lake, fs)
    is_refused_next_door(lake, fs)
    for call in (fs.rm_file, lambda path: fs.pipe_file(path, b"x"), lambda path: fs.touch(path)):
        with forbidden():
            call(f"{lake.bucket}/wh/sales/part-0.csv")
    assert fs.cat(f"{lake.bucket}/wh/sales/part-0.csv") == b"order,amount\n1,10\n"


def worker(lake):
    fs = file_system(lake, "alice", "read", "list", "write", "delete")
    job = f"{lake.bucket}/wh/sales/job"
    reads(lake, fs)
    fs.pipe(f"{job}/small.txt", b"alpha\r\n--==0=\n\n")
    assert fs.cat(f"{job}/small.txt") == b"alpha\r\n--==0=\n\n"
    large = bytes(range(256)) * 24_000
    with fs.open(f"{job}/large.bin", "wb", block_size=1 << 20) as file:
        for start in range(0, len(large), 500_000):
            file.write(large[start : start + 500_000])
    assert fs.cat(f"{job}/large.bin") == large
    fs.cp_file(f"{job}/small.txt", f"{job}/copied.txt")
    fs.mv(f"{job}/copied.txt", f"{job}/moved.txt")
    assert not fs.exists(f"{job}/copied.txt") and fs.size(f"{job}/moved.txt") == 15
    assert [path.rsplit("/", 1)[1] for path in fs.ls(job, detail=False)] == ["large.bin", "moved.txt", "small.txt"]
    fs.rm(job, recursive=True)
    assert not fs.exists(f"{job}/small.txt")
    with refused(FileNotFoundError):
        fs.cat_file(f"{job}/small.txt")
    is_refused_next_door(lake, fs)


if __name__ == "__main__":
    run(reader, worker)
