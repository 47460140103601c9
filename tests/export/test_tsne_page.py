import json
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

from rnn_tasks import export

NASTY = ["</script><b>", "<!--", "&amp;", '"', "\\", "{{DATA}}", "\u2028", "l'été", "日本", "\U0001f642", "$x$", "a b"]


class Page(HTMLParser):
    """Collects the text of each element, and every attribute that could load something."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.texts, self.loads = [], {}, []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        key = (tag, dict(attrs).get("id"))
        self.loads += [value for name, value in attrs if name in ("src", "href", "action", "data")]
        if tag not in ("meta", "link", "input"):
            self.stack.append(key)
            self.texts.setdefault(key, "")

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        if self.stack:
            self.texts[self.stack[-1]] += data


def write(path, words=NASTY, title="Words", **parts):
    size = len(words)
    points = np.arange(2.0 * size).reshape(size, 2)
    return export.write_tsne_page(path / "page.html", points, words, list(range(size, 0, -1)), title=title, **parts)


def read(path):
    page = Page(path.read_text(encoding="utf-8"))
    assert page.stack == []
    return page, json.loads(page.texts["script", "data"])


def test_page_holds_every_word_exactly_and_nothing_breaks_out(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(len(NASTY), 4))
    neighbours = export.cosine_neighbours(vectors, 3)
    groups = ["source", "target"] * (len(NASTY) // 2)
    page, data = read(write(tmp_path, groups=groups, neighbours=neighbours))
    assert data["words"] == NASTY
    assert data["counts"] == list(range(len(NASTY), 0, -1))
    assert [data["groups"][g] for g in data["group"]] == groups
    assert data["neighbours"] == neighbours.indices.tolist()
    np.testing.assert_allclose(data["cosines"], neighbours.similarities, atol=6e-4)
    np.testing.assert_array_equal(np.column_stack([data["x"], data["y"]]).ravel(), np.arange(2.0 * len(NASTY)))
    assert ("b", None) not in page.texts  # the word </script><b> made no element


def test_title_is_text(tmp_path):
    title = "<i>{{DATA}}</i> & “words”"
    page, data = read(write(tmp_path, ["a"], title=title))
    assert page.texts["title", None] == page.texts["h1", None] == title
    assert data["words"] == ["a"]


def test_page_is_self_contained(tmp_path):
    path = write(tmp_path)
    page, _ = read(path)
    assert page.loads == ["data:,"]
    text = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    for address in ("http:", "https:", "url(", "@import", "fetch(", "import("):
        assert address not in text


def test_page_refuses_unequal_parts(tmp_path):
    with pytest.raises(ValueError, match="unequally many: 2 points, 2 words, 2 counts, 1 groups"):
        write(tmp_path, ["a", "b"], groups=["x"])
    assert not list(tmp_path.iterdir())


def test_the_map_is_reached_and_moved_by_keys(tmp_path):
    text = write(tmp_path).read_text(encoding="utf-8")
    canvas = text.partition("<canvas")[2].partition(">")[0]
    assert 'tabindex="0"' in canvas
    assert "arrow keys move" in canvas
    for key in ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", '"+"', '"-"', '"0"', '"/"', '"Escape"', '"Enter"'):
        assert key in text


def test_every_group_has_its_colour(tmp_path):
    words = [f"w{number}" for number in range(20)]
    _, data = read(write(tmp_path, words, groups=words))
    assert len(set(data["colours"])) == len(data["groups"]) == 20


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")
def test_browser_shows_a_word_and_its_neighbours(tmp_path):
    words = ["cat", "</script><b>", "été￭"]
    neighbours = export.Neighbours(np.array([[2, 1], [0, 2], [0, 1]]), np.array([[0.9, 0.1], [0.5, 0.4], [0.3, 0.2]]))
    path = write(tmp_path, words, neighbours=neighbours)
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = [BROWSER, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000"]
    result = subprocess.run(
        [*command, "--dump-dom", f"{path.as_uri()}#cat"], capture_output=True, text=True, check=True
    )
    panel = result.stdout.partition('id="panel"')[2].partition("</aside>")[0]
    assert "<h2>cat</h2>" in panel
    assert "3 occurrences" in panel
    assert panel.index("été·</span><span>0.90") < panel.index("&lt;/script&gt;&lt;b&gt;</span><span>0.10")
