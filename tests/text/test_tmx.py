"""Pairs out of translation memories."""

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text.lines import TextFile
from rnn_tasks.text.tmx import tmx_pairs

LANGUAGES = "data.source_language, data.target_language"
MEMORY = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header srclang="en-US" datatype="plaintext"/><body>
  <tu tuid="1">
    <prop type="x">note</prop>
    <tuv xml:lang="en-US"><seg>The <bpt i="1">&lt;b&gt;</bpt>old<ept i="1">&lt;/b&gt;</ept> house &amp;
      the <hi>cat</hi>.</seg></tuv>
    <tuv xml:lang="fr-FR"><seg>La vieille maison\u202f!</seg></tuv>
    <tuv xml:lang="pt-BR"><seg>A casa, o gato.</seg></tuv>
  </tu>
  <tu><tuv lang="EN"><seg>Alone.</seg></tuv></tu>
  <tu><tuv lang="FRA"><seg>Trois.</seg></tuv><tuv lang="EN"><seg>Three.</seg></tuv></tu>
</body></tmx>
"""


def memory(tmp_path, content=MEMORY, encoding="utf-8"):
    path = tmp_path / "m.tmx"
    path.write_bytes(content.replace("{encoding}", encoding).encode(encoding))
    return TextFile(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_pairs_of_two_languages_without_their_markup(tmp_path, encoding):
    assert list(tmx_pairs(memory(tmp_path, encoding=encoding), "en", "fr")) == [
        ("The old house & the cat.", "La vieille maison\u202f!"),
        ("Three.", "Trois."),
    ]


def test_a_region_is_wanted_or_of_no_matter(tmp_path):
    file = memory(tmp_path)
    assert list(tmx_pairs(file, "fr", "pt")) == list(tmx_pairs(file, "fr", "pt_BR"))
    assert list(tmx_pairs(file, "fr", "pt")) == [("La vieille maison\u202f!", "A casa, o gato.")]


@pytest.mark.parametrize(
    ("languages", "content", "wrong"),
    [
        (("en", "de"), MEMORY, f"{LANGUAGES}: found en-de; FILE has EN, FRA, en-US, fr-FR, pt-BR"),
        (("fr", "pt_PT"), MEMORY, f"{LANGUAGES}: found fr-pt_PT; FILE has EN, FRA, en-US, fr-FR, pt-BR"),
        (("en", "fr"), "<tmx><body></body></tmx>", f"{LANGUAGES}: found en-fr; FILE has no language"),
        (
            ("en", "fr"),
            "<tmx>\n<body>",
            "FILE: no TMX (no element found: line 2, column 6); accepted is well-formed XML",
        ),
    ],
)
def test_what_is_not_there_is_named(tmp_path, languages, content, wrong):
    file = memory(tmp_path, content)
    with pytest.raises(UserError) as caught:
        list(tmx_pairs(file, *languages))
    assert str(caught.value) == wrong.replace("FILE", str(file))


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Of what was read nothing is kept: 10 times the units, no more memory."""
    import tracemalloc

    unit = '<tu><tuv lang="en"><seg>%d</seg></tuv><tuv lang="fr"><seg>x</seg></tuv></tu>'
    peaks = []
    for count in (500, 5_000):
        body = "".join(unit % i for i in range(count))
        file = memory(tmp_path, f"<tmx><body>{body}</body></tmx>")
        tracemalloc.start()
        assert sum(1 for _ in tmx_pairs(file, "en", "fr")) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0] + 500_000
