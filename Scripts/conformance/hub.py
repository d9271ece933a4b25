#!/usr/bin/env python3
"""Check that Prism and huggingface_hub find in a cache what the other has fetched.

    hub.py .build/release/prism

A hub on this machine holds one model: small files, and weights behind a redirect, as the real one does. Each tool fetches
it into an empty cache; the other must then transfer nothing and name the same folder. The two caches must be equal, link
by link, but for what huggingface_hub keeps for itself. Prints a line for each check.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

REPOSITORY, COMMIT = "org/name", "0123456789abcdef0123456789abcdef01234567"
LARGE = "model.safetensors"
FILES = {"config.json": b"{}", "tokenizer.json": bytes(range(256)) * 40, LARGE: os.urandom(3_000_000)}
transfers = []


def digest(name):
    if name == LARGE:
        return hashlib.sha256(FILES[name]).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(FILES[name]) + FILES[name]).hexdigest()


def entry(name, name_key, digest_key, lfs_key):
    result = {name_key: name, "size": len(FILES[name]), digest_key: "a" * 40 if name == LARGE else digest(name)}
    if name == LARGE:
        result["lfs"] = {lfs_key: digest(name), "size": len(FILES[name]), "pointerSize": 130}
    return result


class Hub(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith(f"/api/models/{REPOSITORY}/revision/"):
            siblings = [entry(name, "rfilename", "blobId", "sha256") for name in FILES]
            return self.reply(200, json.dumps({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings}).encode())
        if path == f"/api/models/{REPOSITORY}/tree/{COMMIT}":
            files = [{"type": "file"} | entry(name, "path", "oid", "oid") for name in FILES]
            return self.reply(200, json.dumps(files).encode())
        name = path.rsplit("/", 1)[-1]
        if name not in FILES:
            return self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
        headers = {"ETag": f'"{digest(name)}"', "X-Repo-Commit": COMMIT}
        if name == LARGE and not path.startswith("/storage/"):
            headers |= {"X-Linked-ETag": headers.pop("ETag"), "X-Linked-Size": str(len(FILES[name]))}
            return self.reply(302, b"", headers | {"Location": f"http://localhost:{server.server_port}/storage/{name}"})
        if self.command == "GET":
            transfers.append(name)
        self.reply(200, FILES[name], headers)

    do_HEAD = do_GET

    def reply(self, status, body, headers={}):
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", "Content-Length": len(body), **headers}.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def check(what, is_so):
    if not is_so:
        sys.exit(f"hub: {what}: NO")
    print(f"hub: {what}")


def layout(cache):
    """Each link with its target, each other file with its content, of what both tools write."""
    model = cache / "models--org--name"
    files = [path for part in ("blobs", "refs", "snapshots") for path in (model / part).rglob("*") if not path.is_dir()]
    return {str(path.relative_to(model)): os.readlink(path) if path.is_symlink() else path.read_bytes() for path in files}


server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"http://127.0.0.1:{server.server_port}"
prism = Path(sys.argv[1]).resolve()

with tempfile.TemporaryDirectory() as scratch:
    # Read when the library is imported: no token, no cache of the user's.
    os.environ |= {"HF_HOME": scratch, "HF_ENDPOINT": endpoint, "HF_TOKEN": "", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    import huggingface_hub as library

    def pull(cache, reference=REPOSITORY):
        environment = os.environ | {"HF_HUB_CACHE": str(cache)}
        return subprocess.run(
            [prism, "model", "pull", reference], env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.removesuffix("\n")

    ours, theirs = Path(scratch, "ours").resolve(), Path(scratch, "theirs").resolve()
    folder = pull(ours)
    check("each file came once", sorted(transfers) == sorted(FILES))
    transfers.clear()
    check(
        f"huggingface_hub {library.__version__} finds Prism's snapshot without asking the hub",
        library.snapshot_download(REPOSITORY, cache_dir=ours, local_files_only=True) == folder,
    )
    check(
        "and each file in it",
        all(
            Path(library.try_to_load_from_cache(REPOSITORY, name, cache_dir=ours)).read_bytes() == content
            for name, content in FILES.items()
        ),
    )
    scan = library.scan_cache_dir(ours)
    check(
        "and its sizes, references and nothing strange",
        not scan.warnings and [repo.size_on_disk for repo in scan.repos] == [sum(map(len, FILES.values()))]
        and [set(repo.refs) for repo in scan.repos] == [{"main"}],
    )
    check(
        "and transfers nothing when it asks the hub",
        library.snapshot_download(REPOSITORY, cache_dir=ours) == folder and not transfers,
    )

    snapshot = library.snapshot_download(REPOSITORY, cache_dir=theirs)
    transfers.clear()
    check("Prism finds huggingface_hub's snapshot and transfers nothing", pull(theirs) == snapshot and not transfers)
    check("both caches are equal, link by link", layout(ours) == layout(theirs))
    server.shutdown()
    server.server_close()
    check("Prism finds a commit without a hub", pull(theirs, f"{REPOSITORY}@{COMMIT}") == snapshot)
