import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

/// Concepts that a text itself shows, without a model and without labels by hand: scripts, languages, base64, numbers,
/// casing, white space … A neuron or latent can be compared with each, token by token.
///
/// Concepts of the families `script`, `alphabet`, `language` and `code` are scored by a log-likelihood ratio in nats, the
/// largest of all stretches of the context that end with the token (Bricken et al. 2023, Towards Monosemanticity):
///
///     s_t = max(0, s_{t−1} + log P(token_t | concept) − log P(token_t))
///
/// `Scripts` and `Alphabets` count tokens in the text for this; `Languages` and `CodeLanguages` have words and signs for
/// tokens, and the average of all languages for P(token). These scores know no more than a model can at that token, but for
/// the rest of the word that it lies in. All other concepts are 1 for each token that holds some of what they name and 0 for
/// the rest, and look at the whole context.
public struct ConceptLibrary: Sendable {
    private let families: [any ConceptFamily]

    public static let builtIn = ConceptLibrary(families: [
        Scripts(), Languages(), CodeLanguages(), Alphabets(), Patterns.builtIn, TokenShapes(),
    ])

    /// In the order of a labeller's columns. Those for each source of documents and for
    /// the commonest tokens and pairs come after these, from the labeller.
    public var concepts: [Concept] { families.flatMap(\.concepts) }

    /// The concepts of a YAML file after those that are there:
    ///
    ///     concepts:
    ///       - name: days
    ///         tokens: [" Monday", " Tuesday"]     # the exact text of single tokens
    ///       - name: ticket
    ///         pattern: "[A-Z]{2,5}-[0-9]+"        # a regular expression (ICU's) on the text of a context; `^` is a line's
    ///                                             # start; of a first group, what that matches
    ///       - name: poetry
    ///         family: genre                       # `user` if left out
    ///         definition: In a poem.              # for readers
    ///         documents: ["poetry-*", "fiction/ode.txt"]   # a shell's patterns for sources or documents
    ///       - name: my spans
    ///         spans: spans.jsonl                  # beside this file, lines such as
    ///                                             # {"document": "handbook-en/intro.txt", "start": 120, "end": 180},
    ///                                             # in bytes of the document's UTF-8
    ///
    /// - Throws: `PrismError.usage` or `.badData` that names the file, the concept and what to correct.
    public func adding(yaml file: URL) throws -> ConceptLibrary {
        let added = try ConceptFile(file, taken: Set(concepts.map(\.name)))
        return ConceptLibrary(families: families + added.families)
    }

    /// Learns what the proxies need to know of the text, such as the frequency of each token, and finds users' tokens,
    /// documents and spans in it.
    /// - contexts: the text to learn from; best those that are labelled later.
    /// - corpus: where the contexts come from.
    /// - Throws: `PrismError` if a user's text is no single token, or a document or span does not exist.
    public func labeller(for contexts: [TokenContext], in corpus: Corpus, tokenizer: Tokenizer) throws
        -> ConceptLabeller
    {
        let text = ObservedText(contexts, corpus: corpus, tokenizer: tokenizer)
        let detectors =
            try families.map { try $0.detector(for: text) }
            + [DocumentLabels(sourcesOf: corpus), FrequentTokens(text)]
        return ConceptLabeller(detectors, tokenizer: tokenizer)
    }
}

/// Says of each token of a context to which concepts it belongs. May be used from several threads at once.
public struct ConceptLabeller: Sendable {
    /// In the order of the columns.
    public let concepts: [Concept]
    private let detectors: [any Detector]
    private let tokenizer: Tokenizer

    init(_ detectors: [any Detector], tokenizer: Tokenizer) {
        concepts = detectors.flatMap(\.concepts)
        (self.detectors, self.tokenizer) = (detectors, tokenizer)
    }

    /// - context: of the corpus that the labeller was made for.
    /// - Returns: [tokens, concepts]: 0 for tokens outside a concept, above 0 for those inside: a log-likelihood ratio in
    ///   nats, or 1. BOS and EOS lie outside of all.
    public func scores(_ context: TokenContext) -> Tensor {
        let tensor = Tensor(context.tokens.count, concepts.count)
        let text = ContextText(context, tokenizer: tokenizer)
        guard !text.bytes.isEmpty else { return tensor }
        var column = 0
        for detector in detectors {
            detector.score(text, Scores(tensor, from: column))
            column += detector.concepts.count
        }
        return tensor
    }
}
