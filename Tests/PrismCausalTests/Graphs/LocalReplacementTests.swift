import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct LocalReplacementTests {
    /// Σ aᵢ dᵢ + b + W_skip x + ε, added up here one feature after the other, in the place of every MLP's output: the logits stay.
    @Test func featuresAndErrorsMakeTheSameLogits() throws {
        let model = GraphWorld.model()
        let crossing = CrossLayerTranscoder(
            layers: (0..<3).map { layer in
                let dictionary = GraphWorld.dictionary("\(layer)", .relu, outputs: 24 * (3 - layer))
                for i in 24..<max(24, dictionary.outputWidth) { dictionary.decoderBias.data[i] = 0 }
                return dictionary
            })
        for transcoders in [
            [try GraphWorld.transcoder(0, skip: true), try GraphWorld.transcoder(2, .relu)],
            try LayerTranscoder.layers(of: crossing, name: "crossing"),
        ] {
            let replacement = try GraphWorld.replacement(transcoders, model: model)
            let outputs = replacement.errors.map { $0.copy() }
            for feature in replacement.features {
                let transcoder = replacement.transcoders[feature.transcoder]
                for (part, layer) in transcoder.writes.enumerated() {
                    for c in 0..<24 {
                        outputs[layer][feature.position][c] +=
                            feature.activation * transcoder.dictionary.decoder[feature.latent][24 * part + c]
                    }
                }
            }
            let reads = try model.run(
                ForwardRequest(contexts: [GraphWorld.tokens], capture: transcoders.map(\.reads)))
            for transcoder in transcoders {
                for position in 1..<GraphWorld.tokens.count {
                    for (part, layer) in transcoder.writes.enumerated() {
                        for c in 0..<24 {
                            let row = 24 * part + c
                            outputs[layer][position][c] += transcoder.dictionary.decoderBias.data[row]
                            if let skip = transcoder.dictionary.skip {
                                let x = reads[transcoder.reads]
                                for k in 0..<24 { outputs[layer][position][c] += skip[row][k] * x[position][k] }
                            }
                        }
                    }
                }
            }
            let expected = try model.logits(GraphWorld.tokens)
            let found = try model.logits(
                GraphWorld.tokens,
                interventions: outputs.enumerated().map { layer, output in
                    Intervention(at: .mlpOut(layer: layer)) { activation, _ in activation.update(from: output) }
                })
            // Sums of some thirty numbers around one, in another order.
            #expect(zip(expected.values, found.values).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    @Test func whereNothingIsSaidEverythingIsError() throws {
        let replacement = try GraphWorld.replacement([GraphWorld.transcoder(1)], positions: [2, 3])
        let outputs = try replacement.model.run(
            ForwardRequest(contexts: [GraphWorld.tokens], capture: (0..<3).map { .mlpOut(layer: $0) }))
        #expect(Set(replacement.features.map(\.position)) == [2, 3])
        for layer in 0..<3 {
            for position in GraphWorld.tokens.indices {
                let (error, output) = (replacement.errors[layer], outputs[.mlpOut(layer: layer)])
                let isWhole = (0..<24).allSatisfy { error[position][$0] == output[position][$0] }
                #expect(isWhole == !(layer == 1 && [2, 3].contains(position)))
            }
        }
    }

    @Test func whatIsNoTranscoderOfTheModelIsRefused() throws {
        let dictionary = GraphWorld.dictionary("a")
        #expect(throws: PrismError.self) {
            try LayerTranscoder(
                PlacedDictionary(
                    name: "a", dictionary, reads: .residualPost(layer: 1), writes: .residualPost(layer: 1)))
        }
        #expect(throws: PrismError.self) {
            try LayerTranscoder(
                PlacedDictionary(name: "a", dictionary, reads: .mlpIn(layer: 1), writes: .mlpOut(layer: 2)))
        }
        #expect(throws: PrismError.self) { try GraphWorld.transcoder(1, .matchingPursuit(3)) }
        #expect(throws: PrismError.self) { try GraphWorld.replacement([GraphWorld.transcoder(3)]) }
        #expect(throws: PrismError.self) {
            try GraphWorld.replacement([GraphWorld.transcoder(1), GraphWorld.transcoder(1)])
        }
        #expect(throws: PrismError.self) { try GraphWorld.replacement([]) }
    }
}
