import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

/// The goldens' folder.
let goldens = packageRoot.appending(path: "Tests/PrismModelsTests/Goldens")

/// The tiny random models of Scripts/goldens/llama_goldens.py, on the reference backend.
enum Tiny {
    static func model(
        _ name: String = "tiny-llama", precision: Precision = .fp32, backend: any Backend = ReferenceBackend()
    ) throws -> Transformer {
        try Transformer(loading: goldens.appending(path: name), precision: precision, backend: backend)
    }

    static let contexts: [[Int32]] = [[5, 9, 33, 2, 60, 0, 63], [17], [8, 8, 41], [3, 1, 4, 1, 59, 26, 53, 58, 9]]

    /// Every hook point of a model of that many layers, in the order of the pass.
    static func hooks(layers: Int) -> [HookPoint] {
        let blocks: [HookPoint] = (0..<layers).flatMap { layer -> [HookPoint] in
            [
                .residualPre(layer: layer), .queries(layer: layer), .keys(layer: layer), .values(layer: layer),
                .heads(layer: layer), .attentionOut(layer: layer), .residualMid(layer: layer), .mlpIn(layer: layer),
                .neurons(layer: layer), .mlpOut(layer: layer), .residualPost(layer: layer),
            ]
        }
        return [.embedding] + blocks + [.finalNorm]
    }
}

/// Expects a model's hook points and logits to be the reference's.
/// - expected: one tensor for each hook point, and "logits".
func expectAgreement(
    _ model: Transformer, _ hooks: [HookPoint], on contexts: [[Int32]], with expected: SafetensorsFile,
    within tolerance: Float
) throws {
    let found = try model.run(ForwardRequest(contexts: contexts, capture: hooks))
    for hook in hooks {
        let difference = distance(found[hook], try expected.tensor(hook.name))
        #expect(difference < tolerance, "\(hook)")
    }
    let logits = Tensor(found[.finalNorm].rowCount, model.configuration.vocabularySize)
    model.logits(found[.finalNorm], into: logits)
    let difference = distance(logits, try expected.tensor("logits"))
    #expect(difference < tolerance)
    let last = try model.logits(contexts[2])
    #expect(same(last, logits.rows(found.rows(ofContext: 2))))
}

/// Whether two tensors are equal bit for bit; a failed expectation then does not print them.
func same(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && memcmp(a.data, b.data, 4 * a.count) == 0
}

/// Largest absolute difference; infinite if shapes differ or a number is none.
func distance(_ a: Tensor, _ b: Tensor) -> Float {
    guard a.shape == b.shape else { return .infinity }
    return distance(a.values, b.values)
}

func distance(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { worst, pair in
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}
