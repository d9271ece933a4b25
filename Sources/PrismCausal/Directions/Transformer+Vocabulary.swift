import Foundation
import PrismCore
import PrismModels
import PrismTensor

/// Which direction a token has in a model.
package enum VocabularySpace: String, CaseIterable, Codable, Sendable {
    /// What the token puts into the residual stream.
    case embedding
    /// What in the residual stream raises the token's logit.
    case unembedding
}

extension Transformer {
    /// The tokens' directions in the residual stream, [vocabulary, width]; to read only.
    ///
    /// Of the unembedding U_v ⊙ w, with the final norm's weight w, and without the mean over the width where that norm takes
    /// it away: the logit is the product of this row and the residual stream over the norm's scale. (`logitEffects` has the
    /// same.) So tied embeddings have two spaces too.
    package func directions(of space: VocabularySpace, workers: Workers = Workers()) -> Tensor {
        guard space == .unembedding else { return embeddingMatrix }
        let (rows, weight) = (unembeddingMatrix(workers: workers), finalNormWeight)
        for t in 0..<rows.rowCount { for c in 0..<rows.rowWidth { rows[t][c] *= weight.data[c] } }
        return residualRows(of: rows, at: .embedding)!
    }

    /// Activations of each text's last token, [texts, width at the hook] for each hook point. Texts begin with the tokenizer's
    /// BOS, where it has one, as contexts do: without it a text's only token would be an attention sink.
    /// - Throws: `PrismError.usage` for an empty text, and as `run`.
    package func lastActivations(
        of texts: [String], at hooks: [HookPoint], _ tokenizer: Tokenizer, workers: Workers = Workers()
    ) throws -> [HookPoint: Tensor] {
        let contexts = try texts.map { text in
            let tokens = tokenizer.encode(text, allowSpecial: false)
            guard !tokens.isEmpty else {
                throw PrismError.usage("an empty text has no last token; give each some text")
            }
            return (tokenizer.bosID.map { [$0] } ?? []) + tokens
        }
        let found = try run(ForwardRequest(contexts: contexts, capture: hooks), workers: workers)
        return found.tensors.mapValues { rows in
            rows.gathered(contexts.indices.map { found.rows(ofContext: $0).upperBound - 1 })
        }
    }
}

extension Tokenizer {
    /// The token of a word as it stands inside a text, behind a space: “king” is the token ‘ king’.
    /// - Throws: `PrismError.usage` for a word that is several tokens.
    package func token(ofWord word: String) throws -> Int32 {
        let spaced = " " + (word.hasPrefix(" ") ? String(word.dropFirst()) : word)
        let tokens = encode(spaced, allowSpecial: false)
        // Those that put a space before a text themselves have two tokens for two spaces.
        for tokens in [tokens, encode(String(spaced.dropFirst()), allowSpecial: false)]
        where tokens.count == 1 && bytes(of: tokens[0]) == Data(spaced.utf8) { return tokens[0] }
        let parts = tokens.map { "‘\(text(of: $0))’" }.joined(separator: " ")
        throw PrismError.usage(
            "‘\(word)’ is \(tokens.count) tokens (\(parts)), and only a single token has a direction of its own; choose another word"
        )
    }
}
