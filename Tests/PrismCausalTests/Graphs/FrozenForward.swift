import PrismCore
import PrismModels
import PrismTensor

@testable import PrismCausal

/// A local replacement model run forwards, the twin of the ways back: attention keeps its patterns since queries and keys are
/// put back, a norm's output is scaled as if it divided by what it did before, and MLPs keep their outputs.
///
/// For models of RMS norms without biases.
final class FrozenForward: @unchecked Sendable {  // Runs one context, on one thread.
    private let replacement: LocalReplacement
    private let clean: CapturedActivations
    /// The residual stream that the next norm reads, as it is now.
    private var residual = Tensor(0, 0)

    init(_ replacement: LocalReplacement) throws {
        self.replacement = replacement
        let hooks = (0..<GraphWorld.layers).flatMap { layer -> [HookPoint] in
            [
                .residualPre(layer: layer), .queries(layer: layer), .keys(layer: layer), .residualMid(layer: layer),
                .mlpIn(layer: layer), .mlpOut(layer: layer), .residualPost(layer: layer),
            ]
        }
        clean = try replacement.model.run(
            ForwardRequest(contexts: [replacement.tokens], capture: hooks + [.finalNorm]))
    }

    /// How much the activation at a hook point changes when vectors are taken from some MLPs' outputs.
    /// - removed: layer, position, vector [width].
    func change(at hook: HookPoint, removing removed: [(layer: Int, position: Int, vector: [Float])]) throws -> Tensor {
        let layers = 0..<GraphWorld.layers
        var interventions: [Intervention] = []
        func read(_ hook: HookPoint) {
            interventions.append(Intervention(at: hook) { [self] x, _ in residual = x.copy() })
        }
        func rescale(_ hook: HookPoint, _ source: HookPoint) {
            interventions.append(Intervention(at: hook) { [self] out, _ in undoScale(of: out, clean[source]) })
        }
        for layer in layers {
            read(.residualPre(layer: layer))
            for hook in [HookPoint.queries(layer: layer), .keys(layer: layer)] {
                interventions.append(Intervention(at: hook) { [self] x, _ in x.update(from: clean[hook]) })
            }
            rescale(.values(layer: layer), .residualPre(layer: layer))
            read(.residualMid(layer: layer))
            rescale(.mlpIn(layer: layer), .residualMid(layer: layer))
            interventions.append(
                Intervention(at: .mlpOut(layer: layer)) { [self] x, _ in
                    x.update(from: clean[.mlpOut(layer: layer)])
                    for removal in removed where removal.layer == layer {
                        for c in removal.vector.indices { x[removal.position][c] -= removal.vector[c] }
                    }
                })
        }
        let last = HookPoint.residualPost(layer: GraphWorld.layers - 1)
        read(last)
        rescale(.finalNorm, last)
        let found = try replacement.model.run(
            ForwardRequest(contexts: [replacement.tokens], capture: [hook], interventions: interventions),
            workers: Workers(count: 1))
        return found[hook].minus(clean[hook])
    }

    /// What a norm put out, as if it had divided by what it divides a clean input by.
    private func undoScale(of out: Tensor, _ clean: Tensor) {
        func scale(_ x: Tensor, _ row: Int) -> Float {
            let square = (0..<x.rowWidth).reduce(Float(0)) { $0 + x[row][$1] * x[row][$1] }
            return (square / Float(x.rowWidth) + replacement.model.configuration.normEpsilon).squareRoot()
        }
        for row in 0..<out.rowCount {
            let ratio = scale(residual, row) / scale(clean, row)
            for c in 0..<out.rowWidth { out[row][c] *= ratio }
        }
    }
}
