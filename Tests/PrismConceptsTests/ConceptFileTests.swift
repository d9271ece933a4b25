import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct ConceptFileTests {
    /// - body: gets the library with the concepts of a file beside which `spans.jsonl` lies.
    private func withLibrary<R>(_ yaml: String, spans: String = "", _ body: (ConceptLibrary) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            try Data(yaml.utf8).write(to: folder.appending(path: "concepts.yaml"))
            try Data(spans.utf8).write(to: folder.appending(path: "spans.jsonl"))
            return try body(ConceptLibrary.builtIn.adding(yaml: folder.appending(path: "concepts.yaml")))
        }
    }

    private func error(_ yaml: String, spans: String = "", text: [String] = ["on Monday, the sea"]) -> PrismError? {
        do {
            try withLibrary(yaml, spans: spans) { library in
                _ = try Labelled.withLabeller(text, library: library) { _, _ in }
            }
            return nil
        } catch {
            return error as? PrismError
        }
    }

    static let yaml = """
        concepts:
          - name: days
            tokens: [" Monday", " Tuesday", 7]
          - name: ticket
            family: office
            definition: A ticket's number.
            pattern: "[A-Z]{2,5}-[0-9]+"
          - name: after no
            pattern: 'no (\\w+)'
          - name: poems
            documents: ["pro*", "none/0.txt", "prose/0.txt"]
          - name: mine
            spans: spans.jsonl

        """

    @Test func addsEachKind() throws {
        let texts = ["on Monday, no rain for AB-12 or A-7", "the sea on Tuesday"]
        let spans = """
            {"document": "prose/0.txt", "start": 3, "end": 9}

            {"document": "prose/1.txt", "start": 5, "end": 6}
            {"document": "prose/1.txt", "start": 12, "end": 18}
            """
        try withLibrary(Self.yaml.replacingOccurrences(of: "\"none/0.txt\", ", with: ""), spans: spans) { library in
            let added = library.concepts.suffix(5)
            #expect(added.map(\.name) == ["days", "ticket", "after no", "poems", "mine"])
            #expect(added.map(\.family) == ["user", "office", "user", "user", "user"])
            #expect(added.map(\.definition)[1] == "A ticket's number.")
            let first = try Labelled(texts[0], with: [texts[1]], library: library)
            #expect(first.marked("days") == [" Monday", "7"])
            #expect(first.marked("ticket") == [" AB-12"] && first.marked("after no") == [" rain"])
            #expect(first.marked("mine") == [" Monday"])
            #expect(first.marked("poems") == [texts[0]])
            let second = try Labelled.withLabeller(texts, library: library) { try Labelled($0, $1, 1) }
            #expect(second.marked("mine") == [" sea", " Tuesday"] && second.marked("days") == [" Tuesday"])
        }
    }

    /// Offsets count from the document's start, wherever a context lies in it, and in bytes.
    @Test func spansReachIntoLaterContexts() throws {
        let text = "the öld sea and the new sky, or é語 else"
        let spans = #"{"document": "prose/0.txt", "start": 10, "end": 24}"#
        let wanted = String(decoding: Array(text.utf8)[10..<24], as: UTF8.self)
        let tokenizer = try Labelled.tokenizer.get()
        let ids = tokenizer.encode(text)
        try withLibrary("concepts: [{name: mine, spans: spans.jsonl}]", spans: spans) { library in
            try Labelled.withLabeller([text], library: library) { labeller, _ in
                var marked = ""
                var offset = 0
                for start in stride(from: 0, to: ids.count, by: 3) {
                    let own = Array(ids[start..<min(start + 3, ids.count)])
                    let context = Labelled.context(own, document: 0, offset: offset, tokenizer)
                    marked += try Labelled(labeller, [context], 0).marked("mine").joined()
                    offset += own.reduce(0) { $0 + tokenizer.bytes(of: $1).count }
                }
                #expect(marked.contains(wanted) && marked.utf8.count < wanted.utf8.count + 8, "\(marked)")
            }
        }
    }

    @Test func refusesWhatMeansNothing() throws {
        let span = { (text: String) in #"{"document": "prose/0.txt", "start": 0, "end": 2}"# + "\n" + text }
        let mine = "concepts: [{name: mine, spans: spans.jsonl}]"
        for (yaml, spans, part) in [
            ("", "", "expected `concepts:`"), ("concepts: []", "", "expected `concepts:`"),
            ("- a", "", "the file must be keys with values"),
            ("concepts: [a]", "", "a concept must be keys with values"),
            ("a: [", "", "correct the YAML"),
            ("concept: []", "", "‘concept’ is no key of the file; the nearest is ‘concepts’"),
            ("concepts: [{name: a, patern: b}]", "", "‘patern’ is no key of a concept; the nearest is ‘pattern’"),
            ("concepts: [{pattern: b}]", "", "a concept has no name"),
            ("concepts: [{name: '', pattern: b}]", "", "a concept has no name"),
            ("concepts: [{name: a}]", "", "‘a’ must have one of tokens, pattern, documents, spans; it has none"),
            ("concepts: [{name: a, pattern: b, tokens: [c]}]", "", "it has tokens and pattern"),
            ("concepts: [{name: a, pattern: b}, {name: a, pattern: c}]", "", "the name ‘a’ is taken"),
            ("concepts: [{name: 'script: Latin', pattern: b}]", "", "the name ‘script: Latin’ is taken"),
            ("concepts: [{name: 'source: prose', pattern: b}]", "", "the name ‘source: prose’ is taken"),
            ("concepts: [{name: a, pattern: '[b'}]", "", "the pattern of ‘a’, ‘[b’, is no regular expression"),
            ("concepts: [{name: a, pattern: [b]}]", "", "‘pattern’ of ‘a’ must be a text"),
            ("concepts: [{name: a, family: [b], pattern: b}]", "", "‘family’ of ‘a’ must be a text"),
            ("concepts: [{name: a, tokens: []}]", "", "‘tokens’ of ‘a’ must be a list of texts"),
            ("concepts: [{name: a, tokens: [b, '']}]", "", "must be a list of texts, none of them empty"),
            ("concepts: [{name: a, tokens: {b: c}}]", "", "must be a list of texts"),
            (
                "concepts: [{name: a, tokens: [' Monday Tuesday']}]", "",
                "‘ Monday Tuesday’ of the concept ‘a’ is 2 tokens, ‘ Monday’, ‘ Tuesday’"
            ),
            (
                "concepts: [{name: a, documents: [prosa]}]", "",
                "‘prosa’ of the concept ‘a’ matches no source and no document; the source with the nearest name is ‘prose’"
            ),
            ("concepts: [{name: a, spans: none.jsonl}]", "", "there is no file"), (mine, "", "holds no spans"),
            (mine, span("{"), "spans.jsonl:2: expected a line such as"),
            (mine, span(#"{"document": "prose/0.txt", "start": 0}"#), ":2: expected a line"),
            (mine, span(#"{"document": "prose/0.txt", "start": 0.5, "end": 2}"#), ":2: expected a line"),
            (mine, span(#"{"document": "prose/0.txt", "start": 4, "end": 4}"#), "not go from 4 to 4"),
            (mine, span(#"{"document": "prose/0.txt", "start": -1, "end": 4}"#), "not go from -1 to 4"),
            (mine, span(#"{"document": "prose/7.txt", "start": 1, "end": 4}"#), "there is no document ‘prose/7.txt’"),
            (mine, span(#"{"document": "prose/0.txt", "start": 1, "end": 19}"#), "‘prose/0.txt’ has only 18 bytes"),
        ] {
            let found = error(yaml, spans: spans)
            #expect(found?.message.contains(part) == true, "\(yaml), \(spans): \(found?.message ?? "no error")")
            #expect(found?.kind != .runFailed)
        }
        #expect(throws: PrismError.self) { try ConceptLibrary.builtIn.adding(yaml: URL(filePath: "/none.yaml")) }
    }

    /// Labels that no longer fit their document.
    @Test func refusesAChangedDocument() throws {
        let tokenizer = try Labelled.tokenizer.get()
        for (bytes, part) in [
            (Data("the see is wide".utf8), "has changed"),
            (Data("the sea\u{ff}".utf8.prefix(7)) + [0xff], "not all UTF-8"),
        ] {
            try withTemporaryFolder { folder in
                try FileManager.default.createDirectory(
                    at: folder.appending(path: "prose"), withIntermediateDirectories: true)
                try bytes.write(to: folder.appending(path: "prose/0.txt"))
                let corpus = try Corpus(paths: [folder])
                let context = Labelled.context(tokenizer.encode("the sea"), document: 0, tokenizer)
                let error = #expect(throws: PrismError.self) {
                    try withLibrary(
                        "concepts: [{name: mine, spans: spans.jsonl}]",
                        spans: #"{"document": "prose/0.txt", "start": 0, "end": 2}"#
                    ) { try $0.labeller(for: [context], in: corpus, tokenizer: tokenizer) }
                }
                #expect(error?.kind == .badData && error?.message.contains(part) == true, "\(error?.message ?? "")")
            }
        }
    }

    /// A damaged file is an error or another library, and nothing else.
    @Test func damageIsNeverFatal() throws {
        let spans = Data(#"{"document": "prose/0.txt", "start": 0, "end": 2}"#.utf8)
        try withTemporaryFolder { folder in
            let (yaml, jsonl) = (folder.appending(path: "concepts.yaml"), folder.appending(path: "spans.jsonl"))
            func read(_ what: String) {
                do {
                    _ = try ConceptLibrary.builtIn.adding(yaml: yaml)
                } catch {
                    #expect(error is PrismError, "\(what): \(error)")
                }
            }
            try spans.write(to: jsonl)
            try forEachMutation(of: Data(Self.yaml.utf8), header: 40, count: 3000) { damaged, what in
                try damaged.write(to: yaml)
                read(what)
            }
            try Data(Self.yaml.utf8).write(to: yaml)
            try forEachMutation(of: spans, header: 60, count: 1000) { damaged, what in
                try damaged.write(to: jsonl)
                read(what)
            }
        }
    }
}
