import Foundation
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct CrossLayerTranscoderTests {
    /// Folders that circuit-tracer wrote, with what it computes (Scripts/goldens/cross_layer_goldens.py).
    static let goldens = ["cross-layer-relu", "cross-layer-jumprelu"]

    static func random(
        layers: Int = 4, latents: Int = 17, width: Int = 6, _ activation: (Tensor) -> LatentActivation
    ) -> CrossLayerTranscoder {
        var generator = SeededGenerator(seed: 6, stream: "cross-layer")
        func tensor(_ shape: Int...) -> Tensor {
            Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in generator.normal() })
        }
        return CrossLayerTranscoder(
            layers: (0..<layers).map { layer in
                let bias = Tensor((layers - layer) * width)
                bias.rows(0..<width).update(from: tensor(width))
                return SparseDictionary(
                    encoder: tensor(latents, width), encoderBias: tensor(latents),
                    decoder: tensor(latents, (layers - layer) * width), decoderBias: bias,
                    activation: activation(tensor(latents)), centresInput: false)
            })
    }

    static func inputs(of transcoder: CrossLayerTranscoder, tokens: Int) -> [Tensor] {
        var generator = SeededGenerator(seed: 7, stream: "cross-layer")
        return transcoder.layers.map { _ in
            Tensor(shape: [tokens, transcoder.width], (0..<tokens * transcoder.width).map { _ in generator.normal() })
        }
    }

    private func dense(_ codes: [SparseCodes], _ latents: Int) -> [Float] {
        codes.flatMap { codes in
            let z = Tensor(codes.rowCount, latents)
            for t in 0..<codes.rowCount { for active in codes[t] { z[t][active.latent] = active.value } }
            return z.values
        }
    }

    private func largestDifference(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).map { abs($0 - $1) }.max() ?? 0 : .infinity
    }

    @Test(arguments: goldens)
    func computesWhatCircuitTracerComputes(name: String) throws {
        let folder = golden("PrismDictionariesTests", name)
        let expected = try SafetensorsFile(folder.appending(path: "expected.safetensors"))
        let transcoder = try CrossLayerTranscoder(loading: folder)
        #expect(transcoder.configuration?.modelName == "some/model")
        #expect(transcoder.configuration?.inputHook == "hook_resid_mid")
        #expect(transcoder.configuration?.outputHook == "hook_mlp_out")
        let x = try expected.tensor("x")
        let codes = transcoder.encode((0..<3).map { x.rows($0..<$0 + 1).reshaped(7, 5) })
        // Sums of 5 products in the encoder, of 30 in the decoder, of numbers up to about 5, in another order.
        #expect(largestDifference(dense(codes, 13), try expected.tensor("z").values) < 1e-5)
        let y = transcoder.decode(codes).flatMap(\.values)
        #expect(largestDifference(y, try expected.tensor("y").values) < 1e-5)
    }

    /// The equation, latent by latent, on more tokens than a block has; any number of threads gives the same.
    @Test func decodesAsTheEquationSays() {
        let transcoder = Self.random { .rectified(thresholds: $0) }
        let (tokens, width) = (71, transcoder.width)
        let codes = transcoder.encode(Self.inputs(of: transcoder, tokens: tokens))
        #expect(codes.allSatisfy { codes in (0..<tokens).contains { !codes[$0].isEmpty } })
        let found = transcoder.decode(codes)
        for (m, output) in found.enumerated() {
            for t in 0..<tokens {
                var y = (0..<width).map { Double(transcoder.layers[m].decoderBias.data[$0]) }
                for layer in 0...m {
                    for active in codes[layer][t] {
                        let row = transcoder.decoderRows(of: active.latent, in: layer)
                        for c in 0..<width { y[c] += Double(active.value) * Double(row[m - layer][c]) }
                    }
                }
                // At most 68 products of numbers up to about 10, in fp32.
                for c in 0..<width { #expect(abs(Double(output[t][c]) - y[c]) < 1e-4, "layer \(m), token \(t)") }
            }
        }
        let threaded = transcoder.decode(codes, workers: Workers(count: 3))
        #expect(threaded.map(\.values) == found.map(\.values))
        #expect(
            transcoder.decode(transcoder.encode(Self.inputs(of: transcoder, tokens: 0))).map(\.shape)
                == [[Int]](repeating: [0, width], count: 4))
    }
}
