import Foundation
import PrismCore

/// Which contexts training draws more often than the text has them, so that a dictionary gets latents for what is rare there
/// (Circuits Updates, September 2024).
///
/// A context's weight is the product of those of the rules that match it. Training is an even draw from a text in which each
/// context stands as often as its weight says: ⌊w⌋ copies, and one more with probability w − ⌊w⌋. So a rule's share of the
/// vectors is Σ w over the contexts that it matches, divided by Σ w over all, and no more vectors are drawn than were asked
/// for. Copies lie in the sequence as different contexts do, anywhere; two copies of a vector, among N, meet in a batch of B
/// with a probability of B / N.
///
/// Only training is drawn so. What is held out, and what a latent's examples are gathered from, is drawn evenly, so that
/// metrics and densities stay those of the text.
public struct Oversampling: Codable, Hashable, Sendable {
    /// `arabic*=4` for sources and documents by name, `/[\u0590-\u05FF]/=4` for contexts by their text.
    public struct Rule: Hashable, Sendable {
        /// A shell's pattern for the name of a source or a document, or a regular expression between slashes that is found
        /// somewhere in a context's text.
        public let pattern: String
        /// How often a context stands in the text to draw from; below 1 it is drawn less often.
        public let weight: Double

        /// - Throws: `PrismError.usage` if the weight is none, or the expression does not compile.
        public init(pattern: String, weight: Double) throws {
            guard weight > 0, weight <= 1000 else {
                throw PrismError.usage(
                    "the weight of ‘\(pattern)’ must lie above 0 and be at most 1000, not be \(weight)")
            }
            guard !pattern.isEmpty else { throw PrismError.usage("a weight needs a pattern, such as arabic*=4") }
            (self.pattern, self.weight) = (pattern, weight)
            _ = try expression()
        }

        /// - text: pattern, `=`, weight.
        public init(_ text: String) throws {
            guard let sign = text.lastIndex(of: "="), let weight = Double(text[text.index(after: sign)...]) else {
                throw PrismError.usage("‘\(text)’ must be a pattern and a weight, such as arabic*=4 or /[0-9]{4}/=2")
            }
            try self.init(pattern: String(text[..<sign]), weight: weight)
        }

        /// What is between the slashes; nil for the pattern of a name.
        func expression() throws -> NSRegularExpression? {
            guard pattern.count > 1, pattern.hasPrefix("/"), pattern.hasSuffix("/") else { return nil }
            do {
                return try NSRegularExpression(pattern: String(pattern.dropFirst().dropLast()))
            } catch {
                throw PrismError.usage("‘\(pattern)’ is no regular expression; correct what is between the slashes")
            }
        }
    }

    /// What a rule did.
    public struct Effect: Codable, Hashable, Sendable {
        public let pattern: String
        public let weight: Double
        /// Contexts of the training documents that it matches.
        public let contexts: Int
        /// Their share of those documents' vectors, and of the vectors that training sees.
        public let textShare, trainingShare: Double
    }

    /// In the order of their patterns, each of which occurs once.
    public let rules: [Rule]

    /// - rules: of several with the same pattern the last counts.
    public init(_ rules: [Rule]) {
        self.rules = Dictionary(rules.map { ($0.pattern, $0) }) { $1 }.values.sorted { $0.pattern < $1.pattern }
    }

    /// As a table of patterns with their weights.
    public init(from decoder: Decoder) throws {
        self.init(try [String: Double](from: decoder).map { try Rule(pattern: $0.key, weight: $0.value) })
    }

    public func encode(to encoder: Encoder) throws {
        try Dictionary(uniqueKeysWithValues: rules.map { ($0.pattern, $0.weight) }).encode(to: encoder)
    }
}

/// The draw of a run's training contexts, and what each rule does to it.
struct OversampledDraw {
    private let rules: [Oversampling.Rule]
    private let expressions: [NSRegularExpression?]
    private var reservoir: Reservoir<(context: TokenContext, matches: [Int])>
    private var fractions: SeededGenerator
    private var contexts: [Int]
    private var vectors: [Int]
    private var allVectors = 0

    init(_ oversampling: Oversampling, into reservoir: Reservoir<(context: TokenContext, matches: [Int])>, seed: UInt64)
        throws
    {
        rules = oversampling.rules
        expressions = try rules.map { try $0.expression() }
        self.reservoir = reservoir
        fractions = SeededGenerator(seed: seed, stream: "copies")
        contexts = rules.map { _ in 0 }
        vectors = contexts
    }

    mutating func offer(_ context: TokenContext, of document: Corpus.Document, text: @autoclosure () -> String) {
        let text = expressions.contains { $0 != nil } ? text() : ""
        let matches = rules.indices.filter { rule in
            guard let expression = expressions[rule] else {
                let pattern = rules[rule].pattern
                return fnmatch(pattern, document.source, 0) == 0 || fnmatch(pattern, document.name, 0) == 0
            }
            return expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
        }
        let count = context.positions.count
        allVectors += count
        for rule in matches {
            contexts[rule] += 1
            vectors[rule] += count
        }
        var context = context
        context.weight = matches.reduce(1) { $0 * rules[$1].weight }
        var copies = Int(context.weight)
        let fraction = context.weight - Double(copies)
        if fraction > 0, Double(fractions.uniform()) < fraction { copies += 1 }
        for _ in 0..<copies { reservoir.offer((context, matches)) }
    }

    /// - Throws: `PrismError.usage` if a rule matches nothing or nothing is left.
    mutating func drawn(from corpus: Corpus) throws -> ([TokenContext], [Oversampling.Effect]) {
        for (rule, expression) in zip(rules.indices, expressions) where contexts[rule] == 0 {
            let pattern = rules[rule].pattern
            guard expression == nil else {
                throw PrismError.usage(
                    "the oversampling's \(pattern) is found in no context of the training text; correct it")
            }
            let sources = Set(corpus.documents.map(\.source)).sorted()
            let names = sources.prefix(8).joined(separator: ", ") + (sources.count > 8 ? " …" : "")
            throw PrismError.usage(
                "the oversampling's ‘\(pattern)’ matches no source and no document of the training text; sources are \(names)"
            )
        }
        let drawn = reservoir.drawn()
        guard !drawn.isEmpty else {
            throw PrismError.usage("the oversampling's weights leave no context to train on; give larger ones")
        }
        let drawnVectors = drawn.reduce(0) { $0 + $1.context.positions.count }
        let effects = rules.indices.map { rule in
            let own = drawn.reduce(0) { $0 + ($1.matches.contains(rule) ? $1.context.positions.count : 0) }
            return Oversampling.Effect(
                pattern: rules[rule].pattern, weight: rules[rule].weight, contexts: contexts[rule],
                textShare: Double(vectors[rule]) / Double(allVectors),
                trainingShare: Double(own) / Double(drawnVectors))
        }
        return (drawn.map(\.context), effects)
    }
}
