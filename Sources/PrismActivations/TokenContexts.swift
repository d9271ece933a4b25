import Foundation
import PrismCore
import PrismModels

/// How text becomes token contexts.
public struct ContextConfiguration: Codable, Hashable, Sendable {
    /// Tokens in a context, the BOS included.
    public var length = 128
    /// Begin each context with the tokenizer's BOS. The first position of a context, BOS or not, is an attention sink with
    /// a huge norm, so it is always left out of training and metrics, as special tokens are.
    public var prependBOS = true
    /// Share of the documents, drawn by name, that training never sees.
    public var heldOutShare = 0.1
    public var seed: UInt64 = 0
    /// What to train on more often than the text has it; nil trains on the text as it is.
    public var oversample: Oversampling?

    public init() {}

    /// - Throws: `PrismError.usage` that names the field.
    public func validate(modelContext: Int) throws {
        guard length >= 2, length <= modelContext else {
            throw PrismError.usage(
                "context must lie between 2 and the model's \(modelContext) tokens, not be \(length)")
        }
        guard heldOutShare >= 0, heldOutShare < 1 else {
            throw PrismError.usage("the held-out share must lie in 0 ..< 1, not be \(heldOutShare)")
        }
    }
}

/// A stretch of one document's tokens.
public struct TokenContext: Sendable {
    /// Ids; the first is the BOS if contexts begin with one.
    public let tokens: [Int32]
    /// Index in the corpus's documents.
    public let document: Int
    /// Where its text begins in that document, in bytes of UTF-8 as the tokenizer read it (an invalid sequence as U+FFFD); −1
    /// of the first where the tokenizer puts a space before a text.
    public let offset: Int
    /// Positions whose activations are used, ascending: not the first, no special tokens.
    public let positions: [Int32]
    /// How often it stands in the text that training is drawn from.
    public internal(set) var weight = 1.0

    package init(tokens: [Int32], document: Int, offset: Int = 0, positions: [Int32]) {
        self.tokens = tokens
        self.document = document
        self.offset = offset
        self.positions = positions
    }
}

/// Contexts drawn from a corpus, split by document into what is trained on and what is held out.
public struct TokenContexts: Sendable {
    /// Drawn by the oversampling's weights, some of them several times; evenly if there is none.
    public let training: [TokenContext]
    /// Drawn evenly from the documents to train on, whatever is oversampled.
    public let even: [TokenContext]
    /// Drawn evenly from the others.
    public let heldOut: [TokenContext]
    /// What the oversampling's rules did; nil if there is none.
    public let oversampling: [Oversampling.Effect]?

    /// Reads and tokenises all documents, keeping of each part an even random sample (reservoir sampling, Vitter 1985) in
    /// random order. Memory grows with the budgets, not with the corpus.
    /// - trainingTokens, heldOutTokens: budgets, in used positions.
    /// - Throws: `PrismError.badData` if the text is empty or all of it fell to one side of the split, `.usage` if a rule of
    ///   the oversampling matches nothing.
    public init(
        _ corpus: Corpus, tokenizer: Tokenizer, _ configuration: ContextConfiguration, trainingTokens: Int,
        heldOutTokens: Int
    ) throws {
        let bos = configuration.prependBOS ? tokenizer.bosID : nil
        let payload = configuration.length - (bos == nil ? 0 : 1)
        let special = Set([tokenizer.bosID, tokenizer.eosID].compactMap { $0 })
        let perContext = configuration.length - 1
        func reservoir<Element>(_ part: Int) -> Reservoir<Element> {
            let tokens = [trainingTokens, heldOutTokens][part]
            return Reservoir(
                capacity: tokens / perContext + (tokens % perContext == 0 ? 0 : 1), seed: configuration.seed,
                stream: "contexts \(part)")
        }
        var parts: [Reservoir<TokenContext>] = [reservoir(0), reservoir(1)]
        var weighted = try configuration.oversample.map {
            try OversampledDraw($0, into: reservoir(0), seed: configuration.seed)
        }
        let progress = Progress("tokenising", total: corpus.documents.count, unit: "documents")
        for (index, document) in corpus.documents.enumerated() {
            let part = document.isHeldOut(share: configuration.heldOutShare, seed: configuration.seed) ? 1 : 0
            let text = String(decoding: try Files.read(document.url), as: UTF8.self)
            let tokens = tokenizer.encode(text, allowSpecial: false)
            let surplus = tokens.reduce(-text.utf8.count) { $0 + tokenizer.byteCount(of: $1) }
            var offset = surplus == 1 ? -1 : 0
            for start in stride(from: 0, to: tokens.count, by: payload) {
                let own = tokens[start..<min(start + payload, tokens.count)]
                defer { offset += own.reduce(0) { $0 + tokenizer.byteCount(of: $1) } }
                let context = (bos.map { [$0] } ?? []) + own
                let positions = (1..<max(1, context.count)).filter { !special.contains(context[$0]) }.map(Int32.init)
                guard positions.count >= 8 else { continue }
                let offered = TokenContext(tokens: context, document: index, offset: offset, positions: positions)
                parts[part].offer(offered)
                if part == 0 { weighted?.offer(offered, of: document, text: tokenizer.decode(Array(own))) }
            }
            progress.advance()
        }
        progress.finish()
        (even, heldOut) = (parts[0].drawn(), parts[1].drawn())
        guard !even.isEmpty else {
            throw PrismError.badData("the text holds no context of at least 8 tokens to train on; give more text")
        }
        guard !heldOut.isEmpty || configuration.heldOutShare == 0 || heldOutTokens == 0 else {
            throw PrismError.badData(
                "none of the \(corpus.documents.count) documents fell into the held-out \(configuration.heldOutShare) of them; give more documents or a larger share"
            )
        }
        let drawn = try weighted?.drawn(from: corpus)
        (training, oversampling) = (drawn?.0 ?? even, drawn?.1)
    }
}

/// An even random sample of what it is offered, of a fixed size.
struct Reservoir<Element> {
    let capacity: Int
    private var generator: SeededGenerator
    private var kept: [Element] = []
    private var offered = 0

    init(capacity: Int, seed: UInt64, stream: String) {
        self.capacity = capacity
        generator = SeededGenerator(seed: seed, stream: stream)
    }

    mutating func offer(_ element: Element) {
        offered += 1
        if kept.count < capacity {
            kept.append(element)
        } else {
            let place = Int.random(in: 0..<offered, using: &generator)
            if place < capacity { kept[place] = element }
        }
    }

    mutating func drawn() -> [Element] { kept.shuffled(using: &generator) }
}
