import Foundation
import PrismCore
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct TransformerVocabularyTests {
    private static func oneLayer() throws -> (Transformer, Tokenizer) {
        let url = EmbeddedModel.url(EmbeddedModel.name)
        let model = try Transformer(loading: url, precision: .fp32, backend: CPUBackend())
        return (model, try model.tokenizer(loading: url))
    }

    /// Of a model whose final norm takes the mean away and has weights and a bias: of two residual streams the logits differ by
    /// the products of their differences, each over its deviation, with the tokens' rows.
    @Test func unembeddingRowsGiveTheLogits() throws {
        let (model, tokenizer) = try Self.oneLayer()
        let rows = model.directions(of: .unembedding)
        let texts = ["the king said", "to install the package"]
        let stream = HookPoint.residualPost(layer: 0)
        let found = try model.lastActivations(of: texts, at: [stream, .finalNorm], tokenizer)
        let logits = Tensor(2, rows.rowCount)
        model.logits(found[.finalNorm]!, into: logits)
        let d = rows.rowWidth
        let scaled = (0..<2).map { t in
            let x = (0..<d).map { Double(found[stream]![t][$0]) }
            let mean = x.reduce(0, +) / Double(d)
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(d)
            return x.map { $0 / (variance + Double(model.configuration.normEpsilon)).squareRoot() }
        }
        for token in stride(from: 0, to: rows.rowCount, by: 37) {
            let product = (0..<d).reduce(0.0) { $0 + (scaled[0][$1] - scaled[1][$1]) * Double(rows[token][$1]) }
            // Logits of a few units, in single precision.
            #expect(abs(product - Double(logits[0][token] - logits[1][token])) < 1e-3)
        }
        #expect(model.directions(of: .embedding).shape == rows.shape)
    }

    @Test func lastTokensAreThoseOfTextsAlone() throws {
        let (model, tokenizer) = try Self.oneLayer()
        let hook = HookPoint.neurons(layer: 0)
        let texts = ["one", " and two more", "x"]
        let found = try #require(try model.lastActivations(of: texts, at: [hook], tokenizer)[hook])
        for (t, text) in texts.enumerated() {
            let tokens = [tokenizer.bosID!] + tokenizer.encode(text)
            let alone = try model.run(ForwardRequest(contexts: [tokens], capture: [hook]))[hook]
            #expect(found.rows(t..<t + 1).values == alone.rows(tokens.count - 1..<tokens.count).values)
        }
        #expect(throws: PrismError.self) { try model.lastActivations(of: ["one", ""], at: [hook], tokenizer) }
    }

    @Test func wordsAreTokensBehindASpace() throws {
        let (_, tokenizer) = try Self.oneLayer()
        let king = try tokenizer.token(ofWord: "king")
        #expect(tokenizer.text(of: king) == " king")
        #expect(try tokenizer.token(ofWord: " king") == king)
        #expect { try tokenizer.token(ofWord: "unhappiness") } throws: { error in
            let message = (error as? PrismError)?.message ?? ""
            return message.contains("‘unhappiness’ is") && message.contains("tokens (‘ un")
        }
        // Of these the space before a text is the tokenizer's own.
        let sentencePiece = try Tokenizer(sentencePiece: golden("PrismModelsTests", "spm-llama.model"))
        #expect(sentencePiece.bytes(of: try sentencePiece.token(ofWord: "the")) == Data(" the".utf8))
    }
}
