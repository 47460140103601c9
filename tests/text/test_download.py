"""Downloads against a server of our own on 127.0.0.1, the ways in which they break included."""

import gzip
import hashlib
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from rnn_tasks.download import default_cache_dir
from rnn_tasks.errors import UserError
from rnn_tasks.text import download
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus import open_corpus
from rnn_tasks.text.download import NamedSource, fetch_source, known_sources

GOOD = gzip.compress(b"bonjour\n" * 50_000 + bytes(range(256)) * 300, mtime=0)
OTHER = GOOD + b"changed"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server():
    """Serves `answers[path]`: a list of (status, body, bytes really sent), the last one again and again."""
    state = SimpleNamespace(answers={}, requests=[])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.requests.append(self.path)
            answers = state.answers.get(self.path, [(404, b"nothing here", None)])
            status, body, sent = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:sent])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.mirror = f"http://127.0.0.1:{running.server_port}"
        yield state
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("RNN_TASKS_MIRROR", raising=False)


@pytest.fixture
def sources(monkeypatch):
    """One source of a single file and one of two, in place of the real ones."""
    described = {
        "one": NamedSource("one", ("en", "fr"), "https://official.invalid/", "ADVICE", {"a.gz": sha256(GOOD)}),
        "two": NamedSource(
            "two", ("en", "fr"), "https://official.invalid/", "ADVICE", {"a.gz": sha256(GOOD), "b.gz": sha256(OTHER)}
        ),
    }
    monkeypatch.setattr(download, "known_sources", lambda: described)


@pytest.fixture
def waits(monkeypatch):
    """How long it waits between attempts, in seconds; nobody does."""
    seconds = []
    monkeypatch.setattr("pooch.core.time.sleep", seconds.append)
    return seconds


def failure(fetch) -> str:
    with pytest.raises(UserError) as caught:
        fetch()
    text = str(caught.value)
    assert "\n" not in text
    return text


def files_below(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_good_file_is_kept_and_not_fetched_twice(tmp_path, server, sources, waits, capfd):
    server.answers["/one/a.gz"] = [(200, GOOD, None)]
    for _ in range(2):
        paths = fetch_source("one", tmp_path, mirror=server.mirror)
        assert paths == (tmp_path / "one" / "a.gz",)
        assert paths[0].read_bytes() == GOOD
    assert server.requests == ["/one/a.gz"]
    assert waits == []
    assert files_below(tmp_path) == ["one/a.gz"]
    assert capfd.readouterr() == ("", "")


def test_a_server_error_is_tried_again_after_growing_pauses(tmp_path, server, sources, waits):
    server.answers["/one/a.gz"] = [(500, b"", None), (503, b"", None), (200, GOOD, None)]
    (path,) = fetch_source("one", tmp_path, mirror=server.mirror)
    assert path.read_bytes() == GOOD
    assert waits == [1, 2]


def test_downloads_and_waits_are_named(tmp_path, server, sources, waits, all_activities):
    server.answers["/one/a.gz"] = [(503, b"", None), (200, GOOD, None)]
    with all_activities() as begun:
        fetch_source("one", tmp_path, mirror=server.mirror)
    assert [(one.what, one.done, one.total, one.unit) for one in begun[:2]] == [
        ("downloading a.gz", 0, None, "bytes"),
        ("downloading a.gz", len(GOOD), len(GOOD), "bytes"),
    ]


def test_a_cut_download_is_tried_again(tmp_path, server, sources, waits):
    server.answers["/one/a.gz"] = [(200, GOOD, 1_000), (200, GOOD, None)]
    (path,) = fetch_source("one", tmp_path, mirror=server.mirror)
    assert path.read_bytes() == GOOD
    assert waits == [1]


FETCHES = """
import sys
from pathlib import Path
from rnn_tasks.text import download
directory, mirror, sha256, _ = sys.argv[1:]
source = download.NamedSource("one", ("en", "fr"), "https://official.invalid/", "ADVICE", {"a.gz": sha256})
download.known_sources = lambda: {"one": source}
print(*download.fetch_source("one", Path(directory), mirror=mirror))
"""


def test_of_three_processes_one_downloads(tmp_path, server, at_once):
    server.answers["/one/a.gz"] = [(200, GOOD, None)]
    assert at_once(FETCHES, tmp_path, server.mirror, sha256(GOOD)) == [f"{tmp_path / 'one' / 'a.gz'}\n"] * 3
    assert server.requests == ["/one/a.gz"]
    assert files_below(tmp_path) == ["one/a.gz"]


BY_HAND = "fetch by hand https://official.invalid/a.gz and put into {}; ADVICE"


@pytest.mark.parametrize(
    ("answer", "reason", "waited"),
    [
        ((200, GOOD, 1_000), f"IncompleteRead(1000 bytes read, {len(GOOD) - 1000} more expected)", [1, 2, 3]),
        ((500, b"", None), "HTTP 500 Internal Server Error", [1, 2, 3]),
        ((429, b"", None), "HTTP 429 Too Many Requests", [1, 2, 3]),
        ((404, b"", None), "HTTP 404 Not Found", []),
        ((403, b"", None), "HTTP 403 Forbidden", []),
    ],
)
def test_what_cannot_be_downloaded_is_to_be_fetched_by_hand(tmp_path, server, sources, waits, answer, reason, waited):
    server.answers["/one/a.gz"] = [answer]
    text = failure(lambda: fetch_source("one", tmp_path, mirror=server.mirror))
    by_hand = BY_HAND.format(tmp_path / "one")
    assert text == f"{server.mirror}/one/a.gz: cannot be downloaded ({reason}); {by_hand}"
    assert waits == waited
    assert len(server.requests) == 1 + len(waited)
    assert files_below(tmp_path) == []


def test_another_content_than_the_pinned_one_names_both_sums(tmp_path, server, sources, waits):
    server.answers["/one/a.gz"] = [(200, OTHER, None)]
    text = failure(lambda: fetch_source("one", tmp_path, mirror=server.mirror))
    assert text == (
        f"{server.mirror}/one/a.gz: cannot be downloaded (sha256 is {sha256(OTHER)}, expected {sha256(GOOD)}); "
        f"{BY_HAND.format(tmp_path / 'one')}"
    )
    assert waits == [1, 2, 3]
    assert files_below(tmp_path) == []


def test_no_network_names_every_file_still_missing(tmp_path, sources, waits):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as gone:
        port = gone.server_port
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "a.gz").write_bytes(GOOD)
    for name, missing in {"one": ["a.gz"], "two": ["b.gz"]}.items():
        text = failure(lambda name=name: fetch_source(name, tmp_path, f"http://127.0.0.1:{port}/"))
        addresses = " ".join(f"https://official.invalid/{file}" for file in missing)
        assert text == (
            f"http://127.0.0.1:{port}/{name}/{missing[0]}: cannot be downloaded (Connection refused); "
            f"fetch by hand {addresses} and put into {tmp_path / name}; ADVICE"
        )
    assert waits == [1, 2, 3] * 2
    assert files_below(tmp_path) == ["two/a.gz"]


def test_all_missing_addresses_are_named_at_once(tmp_path, server, sources, waits):
    text = failure(lambda: fetch_source("two", tmp_path, mirror=server.mirror))
    assert f"fetch by hand https://official.invalid/a.gz https://official.invalid/b.gz and put into {tmp_path}" in text


def test_what_came_before_a_failure_is_kept_for_the_next_call(tmp_path, server, sources, waits):
    server.answers["/two/a.gz"] = [(200, GOOD, None)]
    failure(lambda: fetch_source("two", tmp_path, mirror=server.mirror))
    server.answers["/two/b.gz"] = [(200, OTHER, None)]
    fetch_source("two", tmp_path, mirror=server.mirror)
    assert server.requests == ["/two/a.gz", "/two/b.gz", "/two/b.gz"]


def test_a_damaged_file_in_the_cache_is_an_error_and_stays(tmp_path, sources, waits):
    (tmp_path / "one").mkdir()
    path = tmp_path / "one" / "a.gz"
    path.write_bytes(OTHER)
    assert failure(lambda: fetch_source("one", tmp_path)) == (
        f"{path}: sha256 is {sha256(OTHER)}, expected {sha256(GOOD)}; "
        "delete the file to have it downloaded again; ADVICE"
    )
    assert path.read_bytes() == OTHER


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path, server, sources, waits):
    server.answers["/one/a.gz"] = [(200, GOOD, None)]
    (tmp_path / "file").touch()
    text = failure(lambda: fetch_source("one", tmp_path / "file", mirror=server.mirror))
    assert text == f"{tmp_path / 'file' / 'one' / 'a.gz'}: cannot be written (Not a directory)"
    assert waits == []


def test_an_address_that_is_none_is_an_error(tmp_path, sources, waits):
    text = failure(lambda: fetch_source("one", tmp_path, mirror="mirror"))
    assert text.startswith("mirror/one/a.gz: cannot be downloaded (Invalid URL 'mirror/one/a.gz'); fetch by hand")
    assert waits == []


def test_mirror_and_cache_come_from_the_environment(tmp_path, server, sources, monkeypatch):
    server.answers["/one/a.gz"] = [(200, GOOD, None)]
    monkeypatch.setenv("RNN_TASKS_MIRROR", server.mirror + "/")
    monkeypatch.setenv("RNN_TASKS_CACHE", str(tmp_path / "elsewhere"))
    assert fetch_source("one") == (tmp_path / "elsewhere" / "one" / "a.gz",)
    monkeypatch.delenv("RNN_TASKS_CACHE")
    assert str(default_cache_dir()) == "data/cache"


def test_every_known_source_is_pinned():
    assert set(known_sources()) == {"multi30k", "tatoeba", "mnist"}
    for source in known_sources().values():
        assert source.base.startswith("https://")
        assert source.base.endswith("/")
        assert source.files
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in source.files.values())


def test_open_corpus_fetches_named_sources_and_reads_them(tmp_path, server, monkeypatch):
    """The whole way, with contents of our own under the real names."""
    with zipfile.ZipFile(tmp_path / "anki.zip", "w") as archive:
        archive.writestr("_about.txt", "notes")
        archive.writestr("fra.txt", "".join(f"Go {i}.\tVa {i} !\n" for i in range(500)))
    served = {"tatoeba": {"fra-eng.zip": (tmp_path / "anki.zip").read_bytes()}, "multi30k": {}}
    for name in known_sources()["multi30k"].files:
        served["multi30k"][name] = gzip.compress(f"{name}\n".encode())
    described = {}
    for name, contents in served.items():
        real = known_sources()[name]
        pins = {file: sha256(content) for file, content in contents.items()}
        described[name] = NamedSource(name, real.languages, real.base, real.advice, pins)
        server.answers.update({f"/{name}/{file}": [(200, content, None)] for file, content in contents.items()})
    monkeypatch.setattr(download, "known_sources", lambda: described)
    monkeypatch.setenv("RNN_TASKS_MIRROR", server.mirror)

    backward = {"source_language": "fr", "target_language": "en"}
    captions = open_corpus(ParallelDataConfig(source="multi30k", **backward), tmp_path / "cache")
    captions.check()
    assert captions.name == "multi30k"
    assert {split: list(pairs) for split, pairs in captions.splits.items()} == {
        split: [(f"{split}.fr.gz", f"{split}.en.gz")] for split in ("train", "val", "test_2016_flickr")
    }
    sentences = open_corpus(ParallelDataConfig(source="tatoeba", **backward), tmp_path / "cache")
    sentences.check()
    assert sentences.inputs == (tmp_path / "cache" / "tatoeba" / "fra-eng.zip",)
    assert all(source.startswith("Va") and target.startswith("Go") for source, target in sentences.splits["train"])
