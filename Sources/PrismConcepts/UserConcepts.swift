import Foundation
import PrismActivations
import PrismCore

/// Tokens that a user lists, by their exact text.
struct TokenList: ConceptFamily {
    let concept: Concept
    let texts: [String]
    var concepts: [Concept] { [concept] }

    func detector(for text: ObservedText) throws -> any Detector {
        let ids = try texts.map { own in
            let ids = text.tokenizer.encode(own, allowSpecial: false)
            guard ids.count == 1 else {
                let pieces = ids.map { "‘\(text.tokenizer.text(of: $0))’" }.joined(separator: ", ")
                throw PrismError.usage(
                    "‘\(own)’ of the concept ‘\(concept.name)’ is \(ids.count) tokens, \(pieces); "
                        + "list single tokens, or give a pattern instead")
            }
            return ids[0]
        }
        return ListedTokens(concepts: concepts, ids: Set(ids))
    }

    private struct ListedTokens: Detector {
        let concepts: [Concept]
        let ids: Set<Int32>

        func score(_ text: ContextText, _ scores: Scores) {
            for (token, id) in text.context.tokens.enumerated() where ids.contains(id) { scores[token, 0] = 1 }
        }
    }
}

/// All tokens of some documents: of each source by itself, or of those that match a user's patterns.
struct DocumentLabels: Detector {
    let concepts: [Concept]
    /// The concepts of each document, as columns.
    let columns: [[Int]]

    /// One concept a source, in the order of their names.
    init(sourcesOf corpus: Corpus) {
        let sources = Set(corpus.documents.map(\.source)).sorted()
        concepts = sources.map { Concept("source", $0, "In a document of the source \($0).") }
        let columnOf = Dictionary(uniqueKeysWithValues: sources.enumerated().map { ($1, $0) })
        columns = corpus.documents.map { [columnOf[$0.source]!] }
    }

    init(_ concept: Concept, isInside: [Bool]) {
        concepts = [concept]
        columns = isInside.map { $0 ? [0] : [] }
    }

    func score(_ text: ContextText, _ scores: Scores) {
        for column in columns[text.context.document] {
            for token in text.tokens.indices where !text.tokens[token].isEmpty { scores[token, column] = 1 }
        }
    }
}

/// Documents that a user names by a shell's patterns for sources or documents.
struct DocumentPatterns: ConceptFamily {
    let concept: Concept
    let patterns: [String]
    var concepts: [Concept] { [concept] }

    func detector(for text: ObservedText) throws -> any Detector {
        var isInside = [Bool](repeating: false, count: text.corpus.documents.count)
        for pattern in patterns {
            let matches = text.corpus.documents.indices.filter {
                let document = text.corpus.documents[$0]
                return fnmatch(pattern, document.source, 0) == 0 || fnmatch(pattern, document.name, 0) == 0
            }
            guard !matches.isEmpty else {
                let nearest = pattern.nearest(among: Set(text.corpus.documents.map(\.source)).sorted())
                throw PrismError.usage(
                    "‘\(pattern)’ of the concept ‘\(concept.name)’ matches no source and no document; "
                        + "the source with the nearest name is ‘\(nearest)’")
            }
            for match in matches { isInside[match] = true }
        }
        return DocumentLabels(concept, isInside: isInside)
    }
}

/// Stretches of documents that a user lists in a file of JSON lines.
struct SpanList: ConceptFamily {
    /// One line.
    struct Span: Decodable, Sendable {
        let document: String
        /// In bytes of the document's UTF-8; the last is not in it.
        let start, end: Int
    }

    let concept: Concept
    let spans: [Span]
    /// Name of the file, for errors.
    let file: String
    var concepts: [Concept] { [concept] }

    /// - Throws: `PrismError` that names the line.
    init(_ concept: Concept, file url: URL) throws {
        self.concept = concept
        file = url.path
        let lines = String(decoding: try Files.read(url), as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        var spans: [Span] = []
        for (number, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            guard let span = try? JSONDecoder().decode(Span.self, from: Data(line.utf8)) else {
                throw PrismError.badData(
                    "\(file):\(number + 1): expected a line such as "
                        + #"{"document": "handbook-en/intro.txt", "start": 120, "end": 180}"#)
            }
            guard span.start >= 0, span.start < span.end else {
                throw PrismError.badData(
                    "\(file):\(number + 1): a span must begin at 0 or later and end after it begins, "
                        + "not go from \(span.start) to \(span.end)")
            }
            spans.append(span)
        }
        guard !spans.isEmpty else { throw PrismError.badData("\(file) holds no spans; write one in each line") }
        self.spans = spans
    }

    func detector(for text: ObservedText) throws -> any Detector {
        let documents = Dictionary(grouping: text.corpus.documents.indices) { text.corpus.documents[$0].name }
        let contexts = Dictionary(grouping: text.contexts, by: \.document)
        var ranges: [Int: [Range<Int>]] = [:]
        for (name, spans) in Dictionary(grouping: spans, by: \.document).sorted(by: { $0.key < $1.key }) {
            guard let indices = documents[name] else {
                let nearest = name.nearest(among: text.corpus.documents.map(\.name))
                throw PrismError.usage("\(file): there is no document ‘\(name)’; the nearest name is ‘\(nearest)’")
            }
            for index in indices {
                let bytes = try Files.read(text.corpus.documents[index].url)
                try check(spans, of: name, bytes: bytes, contexts[index] ?? [], text)
                ranges[index] = spans.map { $0.start..<$0.end }
            }
        }
        return SpannedTokens(concepts: concepts, ranges: ranges)
    }

    private func check(
        _ spans: [Span], of name: String, bytes: Data, _ contexts: [TokenContext], _ text: ObservedText
    ) throws {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw PrismError.badData(
                "\(file): ‘\(name)’ is not all UTF-8, so that its bytes do not line up with tokens; convert it first")
        }
        if let long = spans.first(where: { $0.end > bytes.count }) {
            throw PrismError.badData(
                "\(file): a span goes from \(long.start) to \(long.end), but ‘\(name)’ has only \(bytes.count) bytes; "
                    + "count in bytes of UTF-8")
        }
        for context in contexts {
            let own = ContextText(context, tokenizer: text.tokenizer).bytes
            let (start, text) = (max(0, context.offset), own.dropFirst(max(0, -context.offset)))
            guard bytes.dropFirst(start).prefix(text.count).elementsEqual(text) else {
                throw PrismError.badData(
                    "‘\(name)’ has changed since its contexts were drawn, so that the spans of \(file) do not line up; "
                        + "draw the contexts again")
            }
        }
    }

    private struct SpannedTokens: Detector {
        let concepts: [Concept]
        /// By document, in its bytes.
        let ranges: [Int: [Range<Int>]]

        func score(_ text: ContextText, _ scores: Scores) {
            let offset = text.context.offset
            for range in ranges[text.context.document] ?? [] {
                let own = (range.lowerBound - offset..<range.upperBound - offset).clamped(to: 0..<text.bytes.count)
                scores.mark(text.tokens(ofBytes: own), 0)
            }
        }
    }
}
