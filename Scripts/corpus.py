#!/usr/bin/env python3
"""Lay out data/corpus: a mixed real text in which every document knows its source.

    data/corpus/<source>/<document>.txt        the text, UTF-8; the folder's name is the source's label
    data/corpus.tsv                            source, document, bytes, Debian package

The text comes from Debian packages that are downloaded and unpacked under data/packages but never installed. Nothing
of it is committed. Three rules keep it honest:

- A block (lines between blank lines, 40 characters or more) that has occurred before is dropped wherever it returns.
  English comes first, so a paragraph that a translation left in English, a licence header or a page footer counts once.
- Every source has a cap in bytes. Documents are taken in the order of a hash of their name, and the name of a
  translated page is the same in every language, so the languages hold the same pages wherever they were translated.
- A page that is still English in a translation is left out, and so is a source of which less than 20,000 bytes remain.

Documents longer than 24,000 bytes are cut at the end of a line and numbered.

A second run with the same script does nothing.
"""

import argparse
import gzip
import hashlib
import re
import shutil
import struct
import subprocess
import sys
import zlib
from collections import namedtuple
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "data" / "packages"
CORPUS = ROOT / "data" / "corpus"
LISTING = ROOT / "data" / "corpus.tsv"
STAMP = ROOT / "data" / "corpus.stamp"

LONGEST_DOCUMENT = 24_000
SHORTEST_DOCUMENT = 200
SHORTEST_BLOCK = 40
SMALLEST_SOURCE = 20_000


# --- Downloading --------------------------------------------------------------------------------------------------


def unpacked(package):
    """The folder of a Debian package's files, downloading and unpacking it if need be; None if it cannot be had."""
    folder = PACKAGES / package
    if folder.is_dir():
        return folder
    archives = PACKAGES / "archives"
    archives.mkdir(parents=True, exist_ok=True)
    if not list(archives.glob(f"{package}_*.deb")):
        result = None
        for attempt in range(2):
            result = subprocess.run(
                ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package],
                cwd=archives, capture_output=True, text=True)
            if result.returncode == 0:
                break
            if attempt == 0:
                refresh_package_lists()
        if result.returncode != 0:
            return None
    archive = sorted(archives.glob(f"{package}_*.deb"))[-1]
    partial = PACKAGES / f"{package}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", archive, partial], check=True)
    partial.rename(folder)
    archive.unlink()
    return folder


lists_are_fresh = False


def refresh_package_lists():
    """apt-get update, once a run: an old list names archives that the mirrors no longer hold."""
    global lists_are_fresh
    if lists_are_fresh:
        return
    sudo = [] if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout.strip() == "0" else ["sudo"]
    subprocess.run([*sudo, "apt-get", "-q", "update"], stdout=subprocess.DEVNULL, check=False)
    lists_are_fresh = True


# --- Reading ------------------------------------------------------------------------------------------------------


def read_text(path):
    """A file's text: gunzipped if its name says so; None if it is not UTF-8."""
    data = path.read_bytes()
    if path.suffix in (".gz", ".dz"):
        data = gzip.decompress(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def files(folder, *patterns):
    """Regular files under `folder` that match any pattern, in a fixed order."""
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file() and not path.is_symlink()}
    return sorted(found)


BLOCK_TAGS = {
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "tr", "table", "ul", "ol", "dl", "pre", "br",
    "blockquote", "section", "title", "item", "note", "screen", "td",
}
SKIPPED_TAGS = {
    "head", "script", "style", "nav", "header", "footer", "aside", "button", "info", "comment", "links", "media",
}
SKIPPED_NAMES = {"docnav", "toc", "list-of-tables", "navheader", "navfooter", "headerlink", "sphinxsidebar", "related"}
SKIPPED_IDS = {"banner", "title", "TopLeftHeader", "Index", "Contents"}


class PlainText(HTMLParser):
    """HTML or Mallard to plain text: one blank line between blocks, no navigation, preformatted text as it stands."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.out = []
        self.skipping = None  # (tag, depth) of the element being left out
        self.preformatted = 0

    def handle_starttag(self, tag, attributes):
        if self.skipping:
            if tag == self.skipping[0]:
                self.skipping = (tag, self.skipping[1] + 1)
            return
        attributes = dict(attributes)
        names = set((attributes.get("class") or "").split())
        if tag in SKIPPED_TAGS or names & SKIPPED_NAMES or attributes.get("id") in SKIPPED_IDS:
            self.skipping = (tag, 1)
            return
        if tag in BLOCK_TAGS:
            self.out.append("\n\n")
        if tag in ("pre", "screen"):
            self.preformatted += 1

    def handle_startendtag(self, tag, attributes):
        if not self.skipping and tag in BLOCK_TAGS:
            self.out.append("\n\n")

    def handle_endtag(self, tag):
        if self.skipping:
            if tag == self.skipping[0]:
                depth = self.skipping[1] - 1
                self.skipping = (tag, depth) if depth else None
            return
        if tag in BLOCK_TAGS:
            self.out.append("\n\n")
        if tag in ("pre", "screen"):
            self.preformatted = max(0, self.preformatted - 1)

    def handle_data(self, data):
        if not self.skipping:
            self.out.append(data if self.preformatted else re.sub(r"\s+", " ", data))


def plain(html):
    parser = PlainText()
    parser.feed(html)
    parser.close()
    return re.sub(r" *\n *\n\s*", "\n\n", "".join(parser.out)).strip()


def unwrapped(text):
    """Hard-wrapped prose with each paragraph on one line."""
    return "\n\n".join(" ".join(block.split()) for block in re.split(r"\n\s*\n", text))


# --- Sources ------------------------------------------------------------------------------------------------------
# A reader yields (document name, text). Names of the same page in two languages are equal.


def pages(folder, *patterns):
    """HTML or Mallard pages."""
    for path in files(folder, *patterns):
        text = read_text(path)
        if text:
            yield path.stem, plain(text)


def sources(folder, *patterns):
    """Plain files as they are; the name is the path."""
    for path in files(folder, *patterns):
        text = read_text(path)
        if text:
            yield "-".join(path.relative_to(folder).parts[-3:]), text


def scripture(folder):
    """bible-kjv-text's compressed file: a table of offsets, then blocks of 64 KB in compress(1)'s format without its
    three magic bytes. Documents are chapters, verses as "3:16 …"."""
    data = (folder / "usr/lib/bible.data").read_bytes()
    (count,) = struct.unpack(">I", data[88:92])
    offsets = struct.unpack(f">{count + 1}I", data[92:96 + 4 * count])
    text = b"".join(
        subprocess.run(["gzip", "-dc"], input=b"\x1f\x9d\x90" + data[start:end], capture_output=True).stdout
        for start, end in zip(offsets, offsets[1:])).decode("latin-1")
    chapters = {}
    for line in text.splitlines():
        verse = re.match(r"(\d?[A-Za-z]+)(\d+):(\d+) (.*)", line)
        if verse:
            book, chapter, number, words = verse.groups()
            chapters.setdefault(f"{book}-{int(chapter):03}", []).append(f"{chapter}:{number} {words}")
    for name, verses in chapters.items():
        yield name, "\n".join(verses)


def r_data(path):
    """The character vectors of an R lazy-load database: length, zlib stream, serialisation version 3."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        inflate = zlib.decompressobj()
        raw = inflate.decompress(data[at + 4:])
        at = len(data) - len(inflate.unused_data)
        (encoding,) = struct.unpack(">I", raw[14:18])
        here = 18 + encoding
        flags, count = struct.unpack(">II", raw[here:here + 8])
        here += 8
        if flags & 0xFF != 16:
            continue
        lines = []
        for _ in range(count):
            _, size = struct.unpack(">Ii", raw[here:here + 8])
            here += 8
            lines.append(raw[here:here + max(size, 0)].decode("utf-8", "replace"))
            here += max(size, 0)
        yield "\n".join(lines).replace("\r\n", "\n").lstrip("\ufeff")


def novels(folder):
    """Novels held as an R package's data; documents are chapters."""
    for path in files(folder, "usr/lib/R/site-library/*/data/Rdata.rdb"):
        for book in r_data(path):
            title = "Moby Dick" if "Project Gutenb" in book[:400] else book.strip().splitlines()[0]
            slug = re.sub(r"\W+", "-", title.lower()).strip("-")
            chapters = re.split(r"\n(?=(?:CHAPTER|Chapter) [0-9IVXLC]+)", book)
            for number, chapter in enumerate(chapters):
                if number and len(chapter) > 1500:
                    yield f"{slug}-{number:03}", unwrapped(chapter)


def campaigns(folder):
    """The story and the dialogue of a game's campaigns; documents are scenarios."""
    spoken = re.compile(r'\b(?:message|story|description|note)\s*=\s*_\s*"((?:[^"]|"")+)"')
    for path in files(folder, "usr/share/games/wesnoth/*/data/campaigns/*/scenarios/*.cfg"):
        lines = [re.sub(r"<[^>]+>", "", line).replace('""', '"') for line in spoken.findall(read_text(path) or "")]
        yield f"{path.parent.parent.name}-{path.stem}", "\n\n".join(" ".join(line.split()) for line in lines)


def entries(separator, *patterns):
    """A file of short pieces: about 4,000 bytes of them make a document."""

    def read(folder):
        for path in files(folder, *patterns):
            text = re.sub("\x1b\\[[0-9;]*m", "", read_text(path) or "")
            text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
            gathered, size, number = [], 0, 0
            for piece in re.split(separator, text) + [None]:
                if piece is not None and piece.strip():
                    gathered.append(piece.strip("\n"))
                    size += len(piece.encode())
                if gathered and (piece is None or size > 4_000):
                    yield f"{path.name.split('.')[0]}-{number:04}", "\n\n".join(gathered)
                    gathered, size, number = [], 0, number + 1

    return read


def messages(locale):
    """The longer messages of a program's catalogue (.mo: two tables of length and offset); `en` gives the originals."""

    def read(folder):
        catalogue = "de" if locale == "en" else locale
        for path in files(folder, f"usr/share/locale/{catalogue}/LC_MESSAGES/*.mo"):
            data = path.read_bytes()
            count, originals, translations = struct.unpack("<III", data[8:20])
            gathered, size, number = [], 0, 0
            for index in range(count + 1):
                if index < count:
                    table = originals if locale == "en" else translations
                    length, offset = struct.unpack("<II", data[table + 8 * index:table + 8 * index + 8])
                    text = data[offset:offset + length].decode("utf-8", "replace").split("\x04")[-1].split("\0")[0]
                    if len(text) >= 60 and not text.startswith("Project-Id"):
                        gathered.append(text)
                        size += len(text.encode())
                if gathered and (index == count or size > 4_000):
                    yield f"{path.stem}-{number:04}", "\n\n".join(gathered)
                    gathered, size, number = [], 0, number + 1

    return read


def newswire(folder):
    for path in files(folder, "usr/lib/R/site-library/tm/texts/**/*.xml"):
        for number, body in enumerate(re.findall(r"<TEXT>(.*?)</TEXT>", read_text(path) or "", re.S)):
            body = re.sub(r"<TITLE>(.*?)</TITLE>", r"\1\n\n", body, flags=re.S)
            body = re.sub(r"<[^>]+>", "", body).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
            yield f"{path.stem}-{number:02}", unwrapped(body)


def places(folder):
    """Place names of the world as "Country: place, place, …"."""
    text = read_text(folder / "usr/share/libgweather-4/Locations.xml") or ""
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    for country in re.findall(r"<country>(.*?)</country>", text, re.S):
        names = re.findall(r"<_?name[^>]*>([^<]+)</_?name>", country)
        yield re.sub(r"\W+", "-", names[0]), names[0] + ": " + ", ".join(names[1:]) + "."


def words(folder):
    listed = (read_text(folder / "usr/share/dict/american-english") or "").splitlines()
    lines = [word for word in listed if "'" not in word]
    for start in range(0, len(lines), 400):
        yield f"words-{start // 400:03}", "\n".join(lines[start:start + 400])


def under(pattern, reader=sources):
    return lambda folder: reader(folder, *([pattern] if isinstance(pattern, str) else pattern))


Source = namedtuple("Source", "label package cap read language", defaults=[None])

OTHER_SCRIPTS = set("ar as el fa gu he hi ja kn ko mr pa ru sr ta te uk zh".split())


def is_in_language(text, language):
    """Whether a page of a translation has been translated: for another script, Latin letters are in the minority; for
    Latin script, the commonest English words are rare."""
    letters = [character for character in text if character.isalpha()]
    if language in OTHER_SCRIPTS:
        return sum(character < "\u0250" for character in letters) < 0.5 * len(letters)
    words = re.findall(r"[a-z]+", text.lower())
    return sum(word in {"the", "and", "that", "with", "this", "you"} for word in words) < 0.03 * len(words)


def plan():
    """Every source, English first (see the rule about repeated blocks)."""
    yield Source("scripture", "bible-kjv-text", 1_000_000, scripture)
    yield Source("fiction-austen", "r-cran-janeaustenr", 1_200_000, novels)
    yield Source("fiction-melville", "r-cran-tokenizers", 600_000, novels)
    for campaign in ("did", "ei", "thot", "l"):
        yield Source("fiction-fantasy", f"wesnoth-1.16-{campaign}", 150_000, campaigns)
    yield Source("game-lore", "crawl-common", 350_000, entries(r"%%%%", "usr/share/crawl/dat/descript/*.txt"))
    quoted = ("art", "education", "food", "law", "literature", "medicine", "news", "pets", "platitudes", "science",
              "songs-poems", "sports", "tao", "wisdom", "work", "computers", "linux", "translate-me")
    yield Source("quotations", "fortunes", 400_000,
                 entries(r"\n%\n", *[f"usr/share/games/fortunes/{name}" for name in quoted]))
    yield Source("quotations", "fortunes-min", 100_000, entries(r"\n%\n", "usr/share/games/fortunes/literature"))
    yield Source("news", "r-cran-tm", 200_000, newswire)
    yield Source("dictionary-wordnet", "dict-wn", 500_000, entries(r"\n(?=\S)", "usr/share/dictd/wn.dict.dz"))
    yield Source("dictionary-satire", "dict-devil", 350_000, entries(r"\n\n(?=[A-Z])", "usr/share/dictd/devil.dict.dz"))
    yield Source("dictionary-jargon", "jargon-text", 500_000, under("usr/share/doc/jargon-text/*.txt.gz"))
    yield Source("dictionary-hindi", "dict-freedict-eng-hin", 100_000,
                 entries(r"\n(?=\S)", "usr/share/dictd/*.dict.dz"))
    yield Source("law", "miscfiles", 100_000, under("usr/share/state/*.gz"))
    yield Source("law-licences", "base-files", 300_000, under("usr/share/common-licenses/*"))
    yield Source("policy", "debian-policy", 400_000, under("usr/share/doc/debian-policy/policy.html/*.html", pages))
    yield Source("history", "debian-history", 150_000, under("usr/share/doc/debian-history/docs/*.en.html", pages))
    yield Source("places", "libgweather-4-common", 120_000, places)
    yield Source("words", "wamerican", 150_000, words)
    yield Source("unicode-names", "unicode-data", 200_000, under("usr/share/unicode/NamesList.txt"))

    yield Source("code-python", "libpython3.11-stdlib", 1_000_000, under("usr/lib/python3.11/**/*.py"))
    yield Source("code-c", "libc6-dev", 450_000, under("usr/include/**/*.h"))
    yield Source("code-c", "linux-libc-dev", 450_000, under("usr/include/linux/**/*.h"))
    yield Source("code-cpp", "libstdc++-12-dev", 450_000,
                 under(["usr/include/c++/12/bits/*", "usr/include/c++/12/ext/*", "usr/include/c++/12/*"]))
    yield Source("code-perl", "perl-modules-5.36", 450_000, under("usr/share/perl/**/*.pm"))
    yield Source("code-ruby", "libruby3.1", 350_000, under("usr/lib/ruby/3.1.0/**/*.rb"))
    yield Source("code-rust", "librust-regex-dev", 350_000, under("usr/share/cargo/registry/*/src/**/*.rs"))
    yield Source("code-go", "golang-golang-x-net-dev", 400_000,
                 lambda folder: (pair for pair in under("usr/share/gocode/**/*.go")(folder) if "tables" not in pair[0]))
    yield Source("code-lisp", "elpa-magit", 350_000, under("usr/share/emacs/site-lisp/**/*.el"))
    yield Source("code-shell", "bash-completion", 350_000, under("usr/share/bash-completion/**/*"))
    yield Source("code-javascript", "libjs-jquery", 290_000, under("usr/share/javascript/jquery/jquery.js"))
    yield Source("code-javascript", "libjs-underscore", 90_000, under("usr/share/javascript/underscore/underscore.js"))
    yield Source("code-sql", "postgresql-15-pgtap", 300_000, under("usr/share/postgresql/15/**/*.sql"))
    yield Source("code-tex", "texlive-latex-base", 400_000,
                 under(["usr/share/texlive/texmf-dist/tex/**/*.sty", "usr/share/texlive/texmf-dist/tex/**/*.cls",
                        "usr/share/texlive/texmf-dist/tex/**/*.tex"]))
    yield Source("code-roff", "manpages", 300_000, under("usr/share/man/man[57]/*.gz"))
    yield Source("markup-html", "debian-policy", 250_000,
                 under("usr/share/doc/debian-policy/upgrading-checklist.html/*.html"))
    yield Source("markup-html", "debian-history", 200_000, under("usr/share/doc/debian-history/docs/*.en.html"))
    yield Source("markup-xml", "iso-codes", 250_000, under("usr/share/xml/iso-codes/iso_*.xml"))
    yield Source("changelogs", "tzdata", 150_000, under("usr/share/doc/tzdata/changelog*.gz"))
    yield Source("changelogs", "perl-modules-5.36", 100_000, under("usr/share/doc/**/changelog*.gz"))
    yield Source("changelogs", "debian-policy", 150_000, under("usr/share/doc/debian-policy/changelog*.gz"))

    def handbook(folder):
        return under(f"usr/share/doc/debian-handbook/html/{folder}/*.html", pages)

    locales = "en-US ar-MA ca-ES cs-CZ da-DK de-DE el-GR es-ES fa-IR fr-FR hr-HR id-ID it-IT ja-JP ko-KR nb-NO nl-NL " \
              "pl-PL pt-BR ro-RO ru-RU sv-SE tr-TR vi-VN zh-CN zh-TW"
    for locale in locales.split():
        label = "handbook-" + (locale.lower() if locale in ("zh-CN", "zh-TW", "pt-BR") else locale[:2])
        language = None if locale == "en-US" else locale[:2]
        # The model reads English and code best, and other scripts a byte at a time: each language gets a small share.
        yield Source(label, "debian-handbook", 100_000 if language else 400_000, handbook(locale), language)
    for locale in "C el fi hu sr uk".split():
        label, language = ("help-en", None) if locale == "C" else ("help-" + locale, locale)
        pattern = f"usr/share/help/{locale}/gnome-help/*.page"
        yield Source(label, "gnome-user-docs", 100_000, under(pattern, pages), language)
    for locale in "en ar he hi".split():
        language = None if locale == "en" else locale
        yield Source("finance-" + locale, "gnucash-common", 120_000, messages(locale), language)
    yield Source("poetry-zh", "fortunes-zh", 150_000,
                 entries(r"\n%\n", "usr/share/games/fortunes/song100", "usr/share/games/fortunes/tang300"))


# --- Building -----------------------------------------------------------------------------------------------------


def without_repetitions(text, seen):
    """The blocks of `text` that have not occurred before; remembers them."""
    kept = []
    for block in re.split(r"\n[ \t]*\n+", text.replace("\r\n", "\n").replace("\x0c", "\n").replace("\x00", "")):
        block = block.rstrip().strip("\n")
        if not block.strip():
            continue
        if len(block) >= SHORTEST_BLOCK:
            key = hashlib.blake2b(" ".join(block.split()).encode(), digest_size=12).digest()
            if key in seen:
                continue
            seen.add(key)
        kept.append(block)
    return "\n\n".join(kept)


def cut(name, text):
    """A long document in numbered parts, cut at ends of lines."""
    if len(text.encode()) <= LONGEST_DOCUMENT:
        yield name, text
        return
    part, lines, size = 1, [], 0
    for line in text.splitlines(keepends=True) + [None]:
        if lines and (line is None or size + len(line.encode()) > LONGEST_DOCUMENT):
            yield f"{name}.{part:02}", "".join(lines)
            part, lines, size = part + 1, [], 0
        if line is not None:
            lines.append(line)
            size += len(line.encode())


def build():
    partial = CORPUS.with_name("corpus.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    seen, rows, missing, last_package = set(), [], [], None
    for source in plan():
        if source.package != last_package:
            print(f"corpus: {source.package}", file=sys.stderr)
            last_package = source.package
        folder = unpacked(source.package)
        if folder is None:
            missing.append(source.package)
            continue
        documents = [(name, without_repetitions(text, seen)) for name, text in source.read(folder)]
        if source.language:
            documents = [document for document in documents if is_in_language(document[1], source.language)]
            if sum(len(text.encode()) for _, text in documents) < SMALLEST_SOURCE:
                continue
        documents.sort(key=lambda document: hashlib.sha256(document[0].encode()).digest())
        size = 0
        for name, text in (part for document in documents for part in cut(*document)):
            data = text.strip("\n").encode() + b"\n"
            if len(data) < SHORTEST_DOCUMENT or size + len(data) > source.cap:
                continue
            size += len(data)
            path = partial / source.label / (re.sub(r"[^\w.+-]+", "-", name).strip("-.") + ".txt")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            rows.append((source.label, path.stem, len(data), source.package))
    shutil.rmtree(CORPUS, ignore_errors=True)
    partial.rename(CORPUS)
    with LISTING.open("w") as listing:
        print("source", "document", "bytes", "package", sep="\t", file=listing)
        for row in sorted(rows):
            print(*row, sep="\t", file=listing)
    for package in missing:
        print(f"corpus: {package} is not to be had from this system's package lists; left out", file=sys.stderr)
    return rows


def print_table(rows):
    totals = {}
    for label, _, size, _ in rows:
        count, total = totals.get(label, (0, 0))
        totals[label] = (count + 1, total + size)
    print(f"{'source':24}{'documents':>10}{'bytes':>12}")
    for label, (count, total) in sorted(totals.items()):
        print(f"{label:24}{count:>10}{total:>12,}")
    print(f"{'total':24}{len(rows):>10}{sum(row[2] for row in rows):>12,}")


def main():
    parser = argparse.ArgumentParser(description="Lay out data/corpus from Debian packages.")
    parser.add_argument("--force", action="store_true", help="build again even if nothing has changed")
    parser.add_argument("--list", action="store_true", help="print the table of the corpus that is there")
    options = parser.parse_args()
    if options.list:
        rows = [line.split("\t") for line in LISTING.read_text().splitlines()[1:]]
        print_table([(label, name, int(size), package) for label, name, size, package in rows])
        return
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if not options.force and CORPUS.is_dir() and STAMP.exists() and STAMP.read_text() == digest:
        return
    if not shutil.which("apt-get"):
        sys.exit("corpus: this script reads Debian packages and needs apt-get and dpkg-deb; on another system, put "
                 "text files under data/corpus/<source>/ yourself")
    rows = build()
    STAMP.write_text(digest)
    print_table(rows)


if __name__ == "__main__":
    main()
