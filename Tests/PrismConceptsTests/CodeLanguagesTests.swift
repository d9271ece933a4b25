import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct CodeLanguagesTests {
    static let snippets = [
        (
            "Python",
            "class Boat(object):\n    def __init__(self, name=None):\n        self.name = name\n\n    def sail(self):\n        if self.name is None:\n            raise ValueError(\"no name\")\n        return len(self.name)\n"
        ),
        (
            "C and C++",
            "#include <stdio.h>\n#define LIMIT 10\n\nstatic int sail(struct boat *boat, int n)\n{\n\tif (boat == NULL || n > LIMIT)\n\t\treturn -1;\n\tboat->speed += n;\n\treturn 0;\n}\n"
        ),
        (
            "Go",
            "package boats\n\nimport \"fmt\"\n\nfunc Sail(b *Boat, n int) (int, error) {\n\tif b == nil {\n\t\treturn 0, fmt.Errorf(\"none\")\n\t}\n\tfor i := range b.Sails {\n\t\terr := b.Hoist(i)\n\t\tif err != nil {\n\t\t\treturn i, err\n\t\t}\n\t}\n\treturn n, nil\n}\n"
        ),
        (
            "Rust",
            "use std::fmt;\n\npub struct Boat {\n    name: String,\n}\n\nimpl Boat {\n    pub fn sail(&mut self, n: usize) -> Option<u32> {\n        let speed = match self.wind {\n            Some(w) => w * 2,\n            None => return None,\n        };\n        Some(speed)\n    }\n}\n"
        ),
        (
            "JavaScript",
            "var boats = [];\nfunction sail(boat, n) {\n  if (typeof boat === 'undefined') {\n    return null;\n  }\n  boats.forEach(function (b) {\n    b.speed = this.wind || n;\n  });\n  return document.getElementById('boat');\n}\nmodule.exports = sail;\n"
        ),
        (
            "Ruby",
            "require 'boats'\n\nmodule Harbour\n  class Boat\n    attr_reader :name\n\n    def sail(wind)\n      raise ArgumentError unless @name\n      @sails.each do |sail|\n        puts sail if wind.nil?\n      end\n    end\n  end\nend\n"
        ),
        (
            "Perl",
            "package Boat;\nuse strict;\nuse warnings;\n\nsub sail {\n    my ($self, $wind) = @_;\n    die \"none\" unless defined $wind;\n    foreach my $sail (@{ $self->{sails} }) {\n        print $sail if $sail =~ /main/;\n    }\n    return $self;\n}\n1;\n"
        ),
        (
            "shell",
            "#!/bin/sh\nif [ -z \"$1\" ]; then\n    echo \"no boat\" >&2\n    exit 1\nfi\nfor sail in $(ls \"$dir\"); do\n    case $sail in\n        main) echo $sail ;;\n        *) grep -q wind \"$sail\" || exit 2 ;;\n    esac\ndone\n"
        ),
        (
            "SQL",
            "CREATE TABLE boats (\n    id INTEGER PRIMARY KEY,\n    name VARCHAR(20) NOT NULL,\n    speed INTEGER DEFAULT 0\n);\nINSERT INTO boats VALUES (1, 'Anna', 3);\nSELECT name FROM boats WHERE speed > 2 AND id IN (1, 2) ORDER BY name;\n"
        ),
        (
            "TeX",
            "\\documentclass{article}\n\\usepackage{graphicx}\n\\newcommand{\\boat}[1]{\\textbf{#1}}\n\\begin{document}\n\\section{Boats}\n\\begin{itemize}\n\\item \\boat{Anna}\n\\end{itemize}\n\\end{document}\n"
        ),
        (
            "Lisp",
            "(defun boat-sail (boat &optional wind)\n  \"Sail BOAT.\"\n  (let ((speed (or wind 2)))\n    (when (null boat)\n      (setq speed nil))\n    (if (eq speed 2)\n        (list boat (car speed))\n      (concat boat))))\n"
        ),
        (
            "HTML",
            "<html>\n<head><title>Boats</title></head>\n<body>\n<div class=\"boat\">\n<p>See <a href=\"boats.html\">all boats</a>.</p>\n<ul>\n<li>Anna</li>\n<li>Berta</li>\n</ul>\n</div>\n</body>\n</html>\n"
        ),
        (
            "XML",
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<boats xmlns=\"urn:boats\">\n  <boat id=\"1\" type=\"sail\">\n    <key name=\"speed\" value=\"3\"/>\n    <key name=\"wind\" value=\"2\"/>\n  </boat>\n</boats>\n"
        ),
        (
            "JSON",
            "{\n  \"name\": \"Anna\",\n  \"sails\": [\"main\", \"jib\"],\n  \"speed\": 3,\n  \"harbour\": {\"name\": \"East\", \"depth\": 4},\n  \"crew\": \"none\",\n  \"colour\": \"red\"\n}\n"
        ),
        (
            "roff",
            ".TH BOAT 1 \"May\" \"Boats\"\n.SH NAME\nboat \\- sail a boat\n.SH SYNOPSIS\n.B boat\n[\\fB\\-w\\fR \\fIwind\\fR]\n.SH OPTIONS\n.TP\n.B \\-w\nSet the wind.\n.PP\nSee\n.BR sail (1).\n"
        ),
    ]

    /// What is known of the second half of a snippet is right, and is most of it.
    @Test(arguments: snippets.indices) func knowsASnippet(_ index: Int) throws {
        let (language, text) = Self.snippets[index]
        let labels = try Labelled(text + text).kinds("code")
        let half = labels[(labels.count / 2)...]
        let right = half.count { $0 == [language] }
        let wrong = half.count { !$0.isEmpty && $0 != [language] }
        #expect(wrong == 0 && right * 2 > half.count, "\(right) right, \(wrong) wrong of \(half.count)")
    }

    @Test func everyLanguageHasItsSnippet() {
        #expect(Self.snippets.map(\.0) == CodeLanguages.all.map(\.name))
    }

    /// Prose is in none, with its quotes and brackets; a long comment ends what was code.
    @Test func proseIsNoCode() throws {
        let quoted =
            "She said: \"If it is not for the boat (the old one), let them use mine.\" And so they did; who would not?"
        for text in [Labelled.prose, quoted + " " + quoted] + LanguagesTests.sentences.map(\.1) {
            #expect(try Labelled(text).kinds("code").allSatisfy(\.isEmpty), "\(text)")
        }
        let labels = try Labelled(Self.snippets[1].1 + "/* " + Labelled.prose + " */").kinds("code")
        #expect(labels.contains(["C and C++"]) && labels[labels.count - 5].isEmpty)
    }

    @Test func lexemesAreWordsAndSigns() {
        let lexemes = CodeLanguages.lexemes(of: Array("#define f(x) \\fBno\n.SH a = (b);\nthe sea $x".utf8))
        let text = Array("#define f(x) \\fBno\n.SH a = (b);\nthe sea $x".utf8)
        #expect(
            lexemes.map { String(decoding: text[$0.range], as: UTF8.self) } == [
                "#", "define", "f", "(", "x", ")", "\\", "fBno", ".", "SH", "a", "=", "(", "b", ");", "the", "sea", "$",
                "x",
            ])
        #expect(lexemes[1].keys == [["^#define", "^#w", "#define", "#w"]])
        #expect(lexemes[3].keys == [["("]] && lexemes[4].keys == [["x"]])
        #expect(lexemes[7].keys == [["\\fBno", "\\fB", "\\w"]])
        #expect(lexemes[9].keys == [["^.SH", "^.w", ".SH", ".w"]])
        #expect(lexemes[13].keys == [["(b", "(w"], ["b"]])
        #expect(lexemes[14].keys == [[");⏎", ";⏎"]])
        #expect(lexemes[16].keys == [["sea"], ["ww"]])
        #expect(lexemes[18].keys == [["$x", "$w"]])
    }
}
