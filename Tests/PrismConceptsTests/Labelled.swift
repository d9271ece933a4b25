import Foundation
import PrismActivations
import PrismConcepts
import PrismModels
import PrismTensor
import PrismTestSupport

/// Texts of a small corpus, one context each, and their labels by token.
struct Labelled {
    static let tokenizer = Result { try Tokenizer(loading: realModel()) }
    /// What P(token) is learned from besides, so that common words are common.
    static let prose = """
        The harbour was quiet in the morning, and the boats that had come in during the night lay side by side along the \
        wall. A woman in a green coat walked to the end of the pier with her dog, looked out over the water for a while, \
        and then went back to the café, where the first guests were already waiting for their tea. It would be a warm \
        day, they said; by noon nobody would want to sit inside, and the children would ask for ice cream again. The \
        attack of the gulls on the bread was as fierce as ever, and a cat, faded and old, sat on the facade and did not \
        add a sound. Two of the men were repairing nets that had been torn by the storm of last week.
        """

    let concepts: [Concept]
    /// Of the first text: its context, its tokens' bytes without the BOS's, and its scores.
    let contexts: [TokenContext]
    let tokens: [[UInt8]]
    let scores: Tensor

    /// - bos: put a BOS before each context.
    init(_ text: String, with others: [String] = [prose], library: ConceptLibrary = .builtIn) throws {
        self = try Labelled.withLabeller([text] + others, library: library) { labeller, contexts in
            try Labelled(labeller, contexts, 0)
        }
    }

    init(_ labeller: ConceptLabeller, _ contexts: [TokenContext], _ index: Int) throws {
        let tokenizer = try Self.tokenizer.get()
        self.contexts = contexts
        concepts = labeller.concepts
        tokens = contexts[index].tokens.enumerated().map { $0 == 0 ? [] : [UInt8](tokenizer.bytes(of: $1)) }
        scores = labeller.scores(contexts[index])
    }

    /// Documents `prose/0.txt`, `prose/1.txt` …, a context for each.
    static func withLabeller<R>(
        _ texts: [String], library: ConceptLibrary = .builtIn,
        _ body: (ConceptLabeller, [TokenContext]) throws -> R
    ) throws -> R {
        try withTemporaryFolder { folder in
            let tokenizer = try tokenizer.get()
            let source = folder.appending(path: "prose")
            try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
            let contexts = try texts.enumerated().map { index, text in
                try Data(text.utf8).write(to: source.appending(path: "\(index).txt"))
                return context(tokenizer.encode(text, allowSpecial: false), document: index, tokenizer)
            }
            let corpus = try Corpus(paths: [folder])
            return try body(library.labeller(for: contexts, in: corpus, tokenizer: tokenizer), contexts)
        }
    }

    static func context(_ ids: [Int32], document: Int, offset: Int = 0, _ tokenizer: Tokenizer) -> TokenContext {
        TokenContext(
            tokens: [tokenizer.bosID!] + ids, document: document, offset: offset,
            positions: (1..<Int32(ids.count + 1)).map { $0 })
    }

    func column(_ name: String) -> Int { concepts.firstIndex { $0.name == name }! }

    func score(_ token: Int, _ name: String) -> Float { scores[token][column(name)] }

    /// The text of each run of tokens that lie inside a concept.
    func marked(_ name: String) -> [String] {
        var runs: [[UInt8]] = []
        var last = -1
        for token in tokens.indices where score(token, name) > 0 {
            if last == token - 1, !runs.isEmpty {
                runs[runs.count - 1] += tokens[token]
            } else {
                runs.append(tokens[token])
            }
            last = token
        }
        return runs.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The kinds of a family that tokens have, by token.
    func kinds(_ family: String) -> [[String]] {
        tokens.indices.map { token in
            concepts.indices.filter { concepts[$0].family == family && scores[token][$0] > 0 }
                .map { String(concepts[$0].name.dropFirst(family.count + 2)) }
        }
    }
}
