import Foundation
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

/// A model whose every edge can be written down: attention adds nothing, MLPs are their own transcoders, norms divide by a
/// root mean square.
@Suite struct AttributionGraphTests {
    /// Latent 0 of layer 0 reads axis 0 and writes 3 to axis 1, latent 1 reads axis 4 and stays silent; latent 0 of layer 1
    /// reads axis 1 and writes 5 to axis 2, latent 1 reads minus axis 0. The unembedding of token 6 is axis 2, of token 7 axis 1.
    private let model: Transformer = {
        var configuration = TransformerConfiguration(
            family: "llama", width: 8, layerCount: 2, headCount: 1, keyValueHeadCount: 1, headWidth: 8, mlpWidth: 2,
            vocabularySize: 8, contextLength: 8, normEpsilon: 0, rotaryWidth: 0)
        (configuration.isGated, configuration.activation) = (false, .relu)
        return Transformer(configuration, backend: CPUBackend()) { name in
            let tensor = Tensor(shape: configuration.shape(of: name)!)
            switch (name.part, name.layer) {
            case (.attentionNorm, _), (.mlpNorm, _), (.finalNorm, _): tensor.fill(1)
            case (.embedding, _): for token in 0..<8 { tensor[token][token] = 2 }
            case (.unembedding, _): (tensor[6][2], tensor[7][1]) = (16, 16)
            case (.up, 0): (tensor[0][0], tensor[1][4]) = (1, 1)
            case (.down, 0): (tensor[1][0], tensor[5][1]) = (3, 1)
            case (.up, 1): (tensor[0][1], tensor[1][0]) = (1, -1)
            case (.down, 1): (tensor[2][0], tensor[6][1]) = (5, 1)
            default: break
            }
            return tensor
        }
    }()

    private func transcoder(_ layer: Int, encoder: [(Int, Int, Float)], decoder: [(Int, Int, Float)]) throws
        -> LayerTranscoder
    {
        let (reads, writes) = (Tensor(2, 8), Tensor(2, 8))
        for (latent, axis, value) in encoder { reads[latent][axis] = value }
        for (latent, axis, value) in decoder { writes[latent][axis] = value }
        let dictionary = SparseDictionary(
            encoder: reads, encoderBias: Tensor(2), decoder: writes, decoderBias: Tensor(8), activation: .relu,
            centresInput: false)
        return try LayerTranscoder(
            PlacedDictionary(
                name: "layer \(layer)", dictionary, reads: .mlpIn(layer: layer), writes: .mlpOut(layer: layer)))
    }

    @Test func plantedNodesAndEdgesAreFound() throws {
        let replacement = try LocalReplacement(
            model,
            [
                try transcoder(0, encoder: [(0, 0, 1), (1, 4, 1)], decoder: [(0, 1, 3), (1, 5, 1)]),
                try transcoder(1, encoder: [(0, 1, 1), (1, 0, -1)], decoder: [(0, 2, 5), (1, 6, 1)]),
            ], tokens: [3, 0], positions: [1], workers: Workers(count: 1))
        let graph = try AttributionGraph(replacement, workers: Workers(count: 1))
        #expect(
            graph.features.indices.map(graph.node) == [
                .feature(layer: 0, latent: 0, position: 1), .feature(layer: 1, latent: 0, position: 1),
            ])
        // x = (2, 0, …), so a = 2 / √(4/8); then x = (2, 3a, 0, …), so b = 3a / √((4 + 9a²)/8); then x₂ = 5b.
        let a = 2 / (4.0 / 8).squareRoot()
        let b = 3 * a / ((4 + 9 * a * a) / 8).squareRoot()
        let scale = ((4 + 9 * a * a + 25 * b * b) / 8).squareRoot()
        #expect(abs(Double(graph.features[0].activation) - a) < 1e-5)
        #expect(abs(Double(graph.features[1].activation) - b) < 1e-5)
        // The unembedding's rows without their mean: token 6 reads 14 of axis 2 and −2 of axis 1.
        func edges(axis1: Double, axis2: Double) -> [Double] {
            [axis1 * 3 * a / scale, axis2 * 5 * b / scale] + [0, 0, 0, 0, 0, 0]
        }
        var expected = [[0, 0, 0, 0, 0, 0, 0, a], [b, 0, 0, 0, 0, 0, 0, 0]]
        // Token 6 has all but e⁻¹⁴ of the probability.
        #expect(graph.logits.map(\.token) == [6])
        expected.append(edges(axis1: -2, axis2: 14))
        for (row, numbers) in expected.enumerated() {
            for (column, number) in numbers.enumerated() {
                // fp32 of numbers up to a hundred.
                #expect(abs(Double(graph.weights[row][column]) - number) < 1e-4, "\(row) \(column)")
            }
        }
        // The MLPs are their transcoders: nothing is error, and all influence starts at the last token.
        #expect(replacement.errors.allSatisfy { $0.rows(1..<2).values.allSatisfy { abs($0) < 1e-5 } })
        #expect(abs(graph.scores.replacement - 1) < 1e-6 && abs(graph.scores.completeness - 1) < 1e-6)
    }

    @Test func logitsAreTheProbableOnes() throws {
        let norm = try model.run(ForwardRequest(contexts: [[3, 0]], capture: [.finalNorm]))[.finalNorm].rows(1..<2)
        let logits = try model.logits([3, 0]).rows(1..<2).values
        let total = logits.reduce(0.0) { $0 + exp(Double($1)) }
        let sorted = logits.indices.sorted { logits[$0] > logits[$1] }
        for share in [0.3, 0.95, 0.9999999] {
            let chosen = LogitTarget.chosen(norm, model, limit: 5, share: share, workers: Workers(count: 1))
            let probabilities = sorted.map { exp(Double(logits[$0])) / total }
            let count = (1...5).first { probabilities.prefix($0).reduce(0, +) >= share } ?? 5
            #expect(chosen.map { Int($0.token) }.prefix(2) == sorted.prefix(min(2, count)))
            #expect(chosen.count == count)
            #expect(zip(chosen, probabilities).allSatisfy { abs($0.probability - $1) < 1e-6 })
        }
    }
}
